#pragma once
// A session that a local tool (kiro-cli, the Kiro IDE) lends to this account: imported without
// "rotate". Kiro gives out a new refresh token at each renewal and forgets the one before, so a
// renewal here would sign the tool out. It is left to the tool; its newer token is read again where
// it lies, or comes with the next import.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// The tool that renews the session; empty: this account does so itself.
std::string lentBy(const sdk::Call& call);

// A token of the session that is still valid: the newer one of the tool, if it lies on this machine
// and is of the same user, else the one at hand. `seen_token` is one that was refused.
// REAUTH_REQUIRED (reason tool_token_expired) says what can be done when there is none. The caller
// holds the account's lock "refresh".
sdk::Result<std::string> lentToken(sdk::Call& call, const Endpoints& endpoints,
                                   std::string_view seen_token);

// Asks who the token is of. NOT_AUTHORIZED (reason other_user) when that is somebody else than the
// account is known to be; success when it is the same, or unknown.
sdk::Result<> sameUser(sdk::Call& call, const Endpoints& endpoints, const std::string& user_id,
                       const std::string& access_token);

// From now on the account renews its session itself.
std::vector<sdk::Change> noLongerLent();

}  // namespace omni::kiro
