#pragma once
// accounts.test: really asks upstream, step by step, without burning credits unless told to.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// {"checks":[{"name","ok","message","advice"?,"kind"?,"reason"?}]}. name: token, profile, usage,
// probe. kind: network, timeout, upstream, auth_invalid, reauth_required, suspended,
// not_authorized, quota, rate_limited, capacity or other. A later check that needs a failed one is
// left out.
sdk::Result<std::string> testAccount(sdk::Provider& provider, sdk::Call& call,
                                     const Endpoints& endpoints, std::string_view input);

}  // namespace omni::kiro
