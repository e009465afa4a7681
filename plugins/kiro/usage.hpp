#pragma once
// What GetUsageLimits tells: credits, trial, bonuses, overage, and who the account is. Wire source:
// kiro-protocol E.11.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// accounts.usage: {"plan","limit","used","remaining","resetAt","overage","hasData",
//   "items":[{"kind": credits|trial|bonus|overage,"name","limit","used","resetAt"?,"expiresAt"?,
//   "active"}],"email"?,"userId"?}. Times in Unix ms. Trial and bonus count only while active.
sdk::Result<std::string> accountUsage(sdk::Call& call, const Endpoints& endpoints);

struct Identity {
  std::string email;
  std::string user_id;
};
// Both are known, and differ. What is not known is nobody else.
inline bool isSomebodyElse(const Identity& who, std::string_view user_id) {
  return !user_id.empty() && !who.user_id.empty() && who.user_id != user_id;
}
// Asks who the account is, and commits it. One quick call that never refreshes.
sdk::Result<Identity> identify(sdk::Call& call, const Endpoints& endpoints);
// The same of a token that is not the account's (yet); commits nothing.
sdk::Result<Identity> userOf(sdk::Call& call, const Endpoints& endpoints,
                             const std::string& access_token);

}  // namespace omni::kiro
