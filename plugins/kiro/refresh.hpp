#pragma once
// Keeping an account's access token fresh without ever losing its refresh token.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

enum class RefreshWhen {
  NearExpiry,  // less than five minutes left
  Now,         // whatever the expiry says
};

// Returns a valid access token. Single flight per account: whoever waited uses what the first one
// got. `seen_token`, when not empty, is the token that upstream has just refused: a stored token
// that differs from it is newer and is taken as it is. The new tokens are durable before they are
// returned; the previous refresh token is kept until the new one has worked; a failure erases
// nothing. REAUTH_REQUIRED when every route has refused the token for good.
sdk::Result<std::string> freshAccessToken(sdk::Call& call, const Endpoints& endpoints,
                                          RefreshWhen when, std::string_view seen_token = {});

}  // namespace omni::kiro
