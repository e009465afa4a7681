#pragma once
// What the admin API shows of an account.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// accounts.describe, from the record alone. No secret, only whether there is one. Three regions:
// region (sign-in), profileRegion (inside the profile's ARN), apiRegion (of the hosts in use).
sdk::Result<std::string> describeAccount(const sdk::Call& call, const Endpoints& endpoints);

}  // namespace omni::kiro
