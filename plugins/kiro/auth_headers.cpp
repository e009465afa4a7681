#include "plugins/kiro/auth_headers.hpp"

#include "plugins/kiro/region.hpp"

namespace omni::kiro {

bool isApiKey(const sdk::Call& call) {
  return call.value("authMethod").value_or("") == kApiKeyMethod;
}

void addAuthHeaders(const sdk::Call& call, std::string_view token,
                    std::vector<sdk::Header>& headers) {
  headers.push_back({"Authorization", "Bearer " + std::string(token)});
  const std::string method = call.value("authMethod").value_or("");
  if (method == kApiKeyMethod)
    headers.push_back({"TokenType", "API_KEY"});
  else if (method == kExternalIdpMethod)
    headers.push_back({"TokenType", "EXTERNAL_IDP"});
}

DataTarget dataTarget(const sdk::Call& call, const Endpoints& endpoints) {
  DataTarget out;
  const bool key = isApiKey(call);
  if (!key) out.profile_arn = call.value("profileArn").value_or("");
  const std::string region = key ? call.value("apiRegion").value_or("") : "";
  out.region = isRegion(region) ? region : serviceRegion(out.profile_arn);
  // Only profile-less sign-ins have to stay on the old hosts; an API key carries its profile
  // itself.
  out.wire = endpoints.wire(key || !out.profile_arn.empty());
  return out;
}

}  // namespace omni::kiro
