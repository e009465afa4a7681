#pragma once
// Keeping an account's access token fresh without ever losing its refresh token.

#include <omniroute/sdk.hpp>
#include <optional>
#include <string>
#include <vector>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/registration.hpp"

namespace omni::kiro {

enum class RefreshWhen {
  NearExpiry,  // less than five minutes left
  Now,         // whatever the expiry says; at most once in 30 s for an account
};

// Returns a valid access token; an API key is its own. Single flight per account: whoever waited
// uses what the first one got. `seen_token`, when not empty, is the token that upstream has just
// refused: a stored token that differs from it is newer and is taken as it is. The new tokens are
// durable before they are returned; the previous refresh token is kept until the new one has
// worked; a failure erases nothing. REAUTH_REQUIRED when every route has refused the token for
// good. AUTH_INVALID with retry_after_ms when a token that is younger than 30 s was refused:
// another one would be refused too.
sdk::Result<std::string> freshAccessToken(sdk::Call& call, const Endpoints& endpoints,
                                          RefreshWhen when, std::string_view seen_token = {});

// The changes of a rotation: `used` was sent, `current` is what the record holds.
std::vector<sdk::Change> rotationChanges(const sdk::Call& call, const Tokens& fresh,
                                         const std::string& used, const std::string& current);

// Whole milliseconds from a stored value; 0 when there is none.
int64_t storedTime(const sdk::Call& call, std::string_view key);

}  // namespace omni::kiro
