#include "plugins/kiro/control_plane.hpp"

#include <fmt/format.h>

#include "plugins/kiro/auth_headers.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/region.hpp"
#include "plugins/kiro/sign_in_error.hpp"
#include "plugins/kiro/upstream_error.hpp"

namespace omni::kiro {
namespace {

sdk::Failure failureOf(const sdk::HttpResponse& response) {
  UpstreamError error = readError(response);
  error.message = safeText(error.message);
  return runtimeFailure(error);
}

}  // namespace

sdk::Result<json::object> controlPlane(sdk::Call& call, const Endpoints& endpoints,
                                       ControlCall what) {
  const DataTarget target = dataTarget(call, endpoints);
  std::string arn = target.profile_arn;
  // A completion with an API key names no profile; the control plane wants the key's own.
  if (arn.empty()) arn = call.value("apiProfileArn").value_or("");
  if (what.with_profile && !arn.empty()) what.body["profileArn"] = arn;
  what.body["origin"] = "AI_EDITOR";
  const std::string body = json::serialize(what.body);
  const std::string region = what.region.empty() ? target.region : what.region;
  // The search for a profile cannot be guided by one.
  bool legacy = (what.region.empty() ? target.wire : endpoints.wire(true)) == Wire::Legacy;
  sdk::HttpRequest request;
  request.body = body;
  request.idempotent = true;
  request.first_byte_timeout_ms = what.timeout_ms;

  std::string seen;
  for (bool moved = false;;) {
    sdk::Result<std::string> token = what.token;
    if (what.token.empty())
      token = freshAccessToken(call, endpoints,
                               seen.empty() ? RefreshWhen::NearExpiry : RefreshWhen::Now, seen);
    if (!token) return std::unexpected(std::move(token.error()));
    request.url = (legacy ? endpoints.legacy(region) : endpoints.management(region)) + "/";
    request.headers = {
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "AmazonCodeWhispererService." + std::string(what.operation)},
        {"User-Agent", userAgent()}};
    addAuthHeaders(call, *token, request.headers);
    auto response = call.fetch(request);
    if (!response) return std::unexpected(std::move(response.error()));
    if (response->status == 200) {
      auto object = parseObject(response->body);
      if (!object)
        return sdk::fail(OMNI_FAILURE_PROTOCOL,
                         fmt::format("{} sent an answer that is not JSON", what.operation));
      return std::move(*object);
    }
    // One family of hosts may know an operation that the other does not (any more).
    if (response->status == 404 && !moved) {
      moved = true;
      legacy = !legacy;
      continue;
    }
    auto failure = failureOf(*response);
    if (failure.kind != OMNI_FAILURE_AUTH_INVALID || !what.may_refresh || !seen.empty())
      return std::unexpected(std::move(failure));
    seen = *token;
  }
}

}  // namespace omni::kiro
