#pragma once
// The profiles of an account: found over all regions where Kiro runs, and one of them chosen. Wire
// source: kiro-protocol B.4, E.4, E.10 and I.

#include <omniroute/sdk.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// All sign-ins with Google or GitHub share the first one; the second is what Kiro's own client
// sends for a Builder ID. Neither tells accounts apart.
inline constexpr std::string_view kSocialProfile =
    "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK";
inline constexpr std::string_view kBuilderIdProfile =
    "arn:aws:codewhisperer:us-east-1:638616132270:profile/AAAACCCCXXXX";

struct Profile {
  std::string arn;
  std::string name;
};

struct Found {
  std::vector<Profile> profiles;
  bool refused = false;                // a region said 401 or 403: not here, or not for this kind
  std::optional<sdk::Failure> failed;  // another failure of the last region that had one
};

// European, African and Middle Eastern sign-ins look in eu-central-1 first.
std::vector<std::string> profileRegions(std::string_view sso_region);

// Asks every region. Fails only when the call is cancelled.
sdk::Result<Found> findProfiles(sdk::Call& call, const Endpoints& endpoints);

// Chooses a profile for an account that has none, and commits it: the first found; for a Builder
// ID that may not list them the placeholder. False: none was found, the account goes on without.
sdk::Result<bool> adoptProfile(sdk::Call& call, const Endpoints& endpoints);

// accounts.profiles
sdk::Result<std::string> accountProfiles(sdk::Call& call, const Endpoints& endpoints,
                                         std::string_view input);

}  // namespace omni::kiro
