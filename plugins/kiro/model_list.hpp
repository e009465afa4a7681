#pragma once
// An account's own models, asked for once and kept in its value "models" (see models.hpp). The
// catalogue differs by plan and region, so no two accounts share one.
//
// Thread-safe; single flight per account.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/models.hpp"

namespace omni::kiro {

// models.list: all pages; the kept answer when it is younger than five minutes, or when upstream is
// not able to answer now.
sdk::Result<std::string> listModels(sdk::Call& call, const Endpoints& endpoints);

// What is known for a completion. With `ask`, an account that was never asked (or a day ago) is
// asked now; when that does not work the built-in table serves, and nobody asks again for ten
// minutes. Fails only when the call was cancelled.
sdk::Result<Catalogue> catalogueFor(sdk::Call& call, const Endpoints& endpoints, bool ask);

}  // namespace omni::kiro
