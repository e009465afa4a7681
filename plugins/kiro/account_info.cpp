#include "plugins/kiro/account_info.hpp"

#include "plugins/kiro/allow_list.hpp"
#include "plugins/kiro/auth_headers.hpp"
#include "plugins/kiro/control_plane.hpp"
#include "plugins/kiro/json.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/region.hpp"

namespace omni::kiro {
sdk::Result<std::string> describeAccount(const sdk::Call& call, const Endpoints& endpoints) {
  json::object out;
  for (const auto* name :
       {"authMethod", "provider", "isolation", "isolationReason", "region", "startUrl",
        "profileArn", "profileName", "refreshRoute", "clientId", "issuerUrl", "email", "userId"})
    if (const auto value = call.value(name); value && !value->empty()) out[name] = *value;
  for (const auto* name : {"expiresAt", "clientSecretExpiresAt"})
    if (const int64_t ms = storedTime(call, name); ms > 0) out[name] = ms;
  if (const auto endpoint = parseUrl(call.value("tokenEndpoint").value_or("")))
    out["tokenEndpointHost"] = endpoint->host;
  const DataTarget target = dataTarget(call, endpoints);
  out["apiRegion"] = target.region;
  if (isApiKey(call)) {
    if (const auto arn = call.value("apiProfileArn")) out["profileArn"] = *arn;
  } else {
    out["hasRefreshToken"] = !call.value("refreshToken").value_or("").empty();
  }
  if (const auto* arn = out.if_contains("profileArn"); arn && arn->is_string())
    if (const auto region = arnRegion(view(arn->get_string())); isRegion(region))
      out["profileRegion"] = region;
  return json::serialize(out);
}

}  // namespace omni::kiro
