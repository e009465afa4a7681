#pragma once
// One JSON-RPC call of Kiro's control plane: usage, profiles, models. Wire source: kiro-protocol
// E.1 to E.4, E.9 to E.11.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/json.hpp"

namespace omni::kiro {

struct ControlCall {
  std::string_view operation;  // GetUsageLimits
  json::object body = {};
  std::string region = {};   // empty: the region of the account's profile
  bool with_profile = true;  // send the account's profile ARN
  bool may_refresh = true;   // refresh once when the access token is refused
  int64_t timeout_ms = 20'000;
  std::string token = {};  // empty: the account's, fresh
};

sdk::Result<json::object> controlPlane(sdk::Call& call, const Endpoints& endpoints,
                                       ControlCall what);

}  // namespace omni::kiro
