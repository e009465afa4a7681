#include "plugins/kiro/registration.hpp"

#include <fmt/format.h>

#include "plugins/kiro/json.hpp"

namespace omni::kiro {
namespace {

constexpr int64_t kTimeoutMs = 20'000;
constexpr double kDefaultLifetime = 3600;

sdk::Result<sdk::HttpResponse> post(sdk::Call& call, std::string url, const json::object& body,
                                    bool idempotent) {
  const std::string text = json::serialize(body);
  sdk::HttpRequest request;
  request.url = std::move(url);
  request.headers = {{"Content-Type", "application/json"},
                     {"Accept", "application/json"},
                     {"User-Agent", userAgent()}};
  request.body = text;
  // A refresh must not be sent twice: the first may have used the token up.
  request.idempotent = idempotent;
  request.first_byte_timeout_ms = kTimeoutMs;
  return call.fetch(request, 1u << 20);
}

sdk::Failure signInFailure(const UpstreamError& error, std::string_view what) {
  sdk::Failure failure;
  failure.kind = error.status == 429   ? OMNI_FAILURE_RATE_LIMITED
                 : error.status >= 500 ? OMNI_FAILURE_UPSTREAM
                                       : OMNI_FAILURE_PROTOCOL;
  failure.upstream_status = error.status;
  failure.retry_after_ms = error.retry_after_ms;
  failure.reason = error.oauth.empty() ? error.type : error.oauth;
  failure.message = fmt::format("{} answered {}{}{}", what, error.status,
                                error.message.empty() ? "" : ": ", error.message);
  return failure;
}

sdk::Result<TokenAnswer> readTokens(sdk::Call& call, const sdk::HttpResponse& response,
                                    std::string_view what) {
  TokenAnswer answer;
  if (response.status != 200) {
    answer.error = readError(response);
    if (!isRejectedGrant(answer.error)) return std::unexpected(signInFailure(answer.error, what));
    answer.rejected = true;
    return answer;
  }
  const auto object = parseObject(response.body);
  if (!object || text(*object, "accessToken").empty())
    return sdk::fail(OMNI_FAILURE_PROTOCOL,
                     fmt::format("{} sent an answer without an access token", what));
  answer.tokens.access_token = text(*object, "accessToken");
  answer.tokens.refresh_token = text(*object, "refreshToken");
  answer.tokens.profile_arn = text(*object, "profileArn");
  answer.tokens.expires_ms =
      call.host().nowMs() +
      static_cast<int64_t>(number(*object, "expiresIn").value_or(kDefaultLifetime) * 1000);
  return answer;
}

}  // namespace

sdk::Result<Registration> registerClient(sdk::Call& call, const Endpoints& endpoints,
                                         std::string_view region) {
  const json::object body{
      {"clientName", "OmniRoute"},
      {"clientType", "public"},
      {"scopes",
       {"codewhisperer:completions", "codewhisperer:analysis", "codewhisperer:conversations"}},
      {"grantTypes", {"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}}};
  auto response = post(call, endpoints.oidc(region) + "/client/register", body, true);
  if (!response) return std::unexpected(std::move(response.error()));
  if (response->status != 200)
    return std::unexpected(signInFailure(readError(*response), "RegisterClient of AWS SSO OIDC"));
  const auto object = parseObject(response->body);
  Registration out;
  if (object) {
    out.client_id = text(*object, "clientId");
    out.client_secret = text(*object, "clientSecret");
    out.secret_expires_ms =
        static_cast<int64_t>(number(*object, "clientSecretExpiresAt").value_or(0) * 1000);
  }
  if (out.client_id.empty() || out.client_secret.empty())
    return sdk::fail(OMNI_FAILURE_PROTOCOL,
                     "RegisterClient of AWS SSO OIDC sent an answer without a client");
  return out;
}

sdk::Result<TokenAnswer> refreshAtOidc(sdk::Call& call, const Endpoints& endpoints,
                                       std::string_view region, std::string_view client_id,
                                       std::string_view client_secret,
                                       std::string_view refresh_token) {
  const json::object body{{"clientId", client_id},
                          {"clientSecret", client_secret},
                          {"grantType", "refresh_token"},
                          {"refreshToken", refresh_token}};
  auto response = post(call, endpoints.oidc(region) + "/token", body, false);
  if (!response) return std::unexpected(std::move(response.error()));
  return readTokens(call, *response, "the token endpoint of AWS SSO OIDC");
}

sdk::Result<TokenAnswer> refreshAtSocial(sdk::Call& call, const Endpoints& endpoints,
                                         std::string_view refresh_token) {
  const json::object body{{"refreshToken", refresh_token}};
  auto response = post(call, endpoints.social() + "/refreshToken", body, false);
  if (!response) return std::unexpected(std::move(response.error()));
  return readTokens(call, *response, "Kiro's sign-in service");
}

}  // namespace omni::kiro
