#pragma once
// Kiro API keys (ksk_...): no refresh, no expiry, no registration. Wire source: kiro-protocol C.2.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/account_changes.hpp"
#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// Finds the region that knows the key by asking for its profile, which costs no credits.
// BAD_REQUEST (apiKey) when no region accepts it.
sdk::Result<json::object> importApiKey(sdk::Call& call, const Endpoints& endpoints,
                                       const std::string& key, const std::string& region);

}  // namespace omni::kiro
