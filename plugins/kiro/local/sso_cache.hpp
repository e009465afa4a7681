#pragma once
// The accounts in a folder ~/.aws/sso/cache (kiro-protocol D.2). Pure.

#include <string>
#include <string_view>
#include <vector>

#include "plugins/kiro/local/found.hpp"

namespace omni::kiro::local {

struct CacheFile {
  std::string path;  // as it is shown
  std::string name;  // without the folder
  std::string bytes;
};

// A token's registration is the one that it names (clientId, else clientIdHash), else of the same
// region the one that lives longest. A file that is no JSON becomes a problem.
void readCache(const std::vector<CacheFile>& files, Listing& into);

// profile.json of the Kiro IDE fills the ARN of those kiro-ide accounts that have none; `owner` is
// the home that the file lies below.
struct IdeProfile {
  std::string owner;
  std::string arn;
  std::string name;
};
void applyProfiles(const std::vector<IdeProfile>& profiles, std::vector<Found>& found);

}  // namespace omni::kiro::local
