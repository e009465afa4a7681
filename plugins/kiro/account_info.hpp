#pragma once
// What the admin API asks about an account: description, test, usage, models. Wire source:
// kiro-protocol E.9 to E.11.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

sdk::Result<std::string> describeAccount(sdk::Call& call);
// Refreshes and asks for the usage, which burns no credits.
sdk::Result<std::string> testAccount(sdk::Call& call, const Endpoints& endpoints);
sdk::Result<std::string> accountUsage(sdk::Call& call, const Endpoints& endpoints);
sdk::Result<std::string> listModels(sdk::Call& call, const Endpoints& endpoints);

}  // namespace omni::kiro
