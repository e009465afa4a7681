#pragma once
// Giving an account that is there already a registration of its own, or a new one before the old
// one's 90 days end. Both keep the account as it is when the issuer does not play along.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// accounts.isolate: {"isolation","isolationReason","signInNeeded","message"}. signInNeeded: only a
// new sign-in can give it a session of its own.
sdk::Result<std::string> isolateAccount(sdk::Call& call, const Endpoints& endpoints);

// accounts.renew: {"clientSecretExpiresAt","renewed","signInNeeded","message"}.
sdk::Result<std::string> renewRegistration(sdk::Call& call, const Endpoints& endpoints);

}  // namespace omni::kiro
