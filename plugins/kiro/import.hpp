#pragma once
// accounts.import: a refresh token, a token file or an API key becomes an account. Wire source:
// kiro-protocol A.7, B, C and D.2.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// Registers a client of the account's own, tries the token there, then at the issuer it may come
// from, and stores the route that worked. Fails with BAD_REQUEST (field) for what the caller can
// put right; nothing is stored on failure. Returns {"label"?}.
sdk::Result<std::string> importAccount(sdk::Call& call, const Endpoints& endpoints,
                                       std::string_view input);

}  // namespace omni::kiro
