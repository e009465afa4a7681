#include "plugins/kiro/registration.hpp"

#include <fmt/format.h>

#include <charconv>

#include "plugins/kiro/allow_list.hpp"
#include "plugins/kiro/sign_in_http.hpp"

namespace omni::kiro {
namespace {

constexpr double kDefaultLifetime = 3600;
constexpr double kLongestLifetime = 30 * 86'400.0;

// Some providers write the number as text.
double lifetime(const json::object& body) {
  for (const std::string_view name : {"expiresIn", "expires_in"}) {
    double seconds = number(body, name).value_or(0);
    if (const auto written = text(body, name); !written.empty()) {
      int64_t whole = 0;
      std::from_chars(written.data(), written.data() + written.size(), whole);
      seconds = static_cast<double>(whole);
    }
    if (seconds > 0) return std::min(seconds, kLongestLifetime);
  }
  return kDefaultLifetime;
}

sdk::Result<TokenAnswer> tokenAnswer(sdk::Call& call, sdk::Result<sdk::HttpResponse> response,
                                     std::string_view who) {
  if (!response) return std::unexpected(std::move(response.error()));
  TokenAnswer answer;
  if (response->status != 200) {
    answer.error = readSignInError(*response);
    answer.rejected = answer.error.rejected();
    if (!answer.rejected) return std::unexpected(signInFailure(answer.error, who));
    return answer;
  }
  auto tokens = readTokens(call, response->body, who);
  if (!tokens) return std::unexpected(std::move(tokens.error()));
  answer.tokens = std::move(*tokens);
  return answer;
}

}  // namespace

sdk::Result<Tokens> readTokens(sdk::Call& call, std::string_view body, std::string_view who) {
  const auto object = parseObject(body);
  const auto either = [&](std::string_view camel, std::string_view snake) {
    if (!object) return std::string();
    const auto value = text(*object, camel);
    return std::string(value.empty() ? text(*object, snake) : value);
  };
  Tokens tokens;
  tokens.access_token = either("accessToken", "access_token");
  if (tokens.access_token.empty())
    return sdk::fail(OMNI_FAILURE_PROTOCOL,
                     fmt::format("{} sent an answer without an access token; try again later, and "
                                 "report it if it stays so",
                                 who));
  tokens.refresh_token = either("refreshToken", "refresh_token");
  tokens.profile_arn = either("profileArn", "profile_arn");
  tokens.id_token = either("idToken", "id_token");
  tokens.expires_ms = call.host().nowMs() + static_cast<int64_t>(lifetime(*object) * 1000);
  return tokens;
}

sdk::Result<Registration> registerClient(sdk::Call& call, const Endpoints& endpoints,
                                         std::string_view region) {
  constexpr std::string_view kWho = "RegisterClient of AWS SSO OIDC";
  const json::object body{
      {"clientName", "OmniRoute"},
      {"clientType", "public"},
      {"scopes",
       {"codewhisperer:completions", "codewhisperer:analysis", "codewhisperer:conversations"}},
      {"grantTypes", {"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}}};
  auto response =
      postJson(call, endpoints.oidc(region) + "/client/register", body, Repeat::Allowed);
  if (!response) return std::unexpected(std::move(response.error()));
  if (response->status != 200) {
    auto failure = signInFailure(readSignInError(*response), kWho);
    // No token of the account took part, so it cannot be what is dead.
    if (failure.kind == OMNI_FAILURE_REAUTH_REQUIRED) failure.kind = OMNI_FAILURE_PROTOCOL;
    return std::unexpected(std::move(failure));
  }
  const auto object = parseObject(response->body);
  Registration out;
  if (object) {
    out.client_id = text(*object, "clientId");
    out.client_secret = text(*object, "clientSecret");
    out.secret_expires_ms =
        milliseconds(number(*object, "clientSecretExpiresAt").value_or(0) * 1000).value_or(0);
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
  return tokenAnswer(call, postJson(call, endpoints.oidc(region) + "/token", body, Repeat::Never),
                     "the token endpoint of AWS SSO OIDC");
}

sdk::Result<TokenAnswer> refreshAtSocial(sdk::Call& call, const Endpoints& endpoints,
                                         std::string_view refresh_token) {
  const json::object body{{"refreshToken", refresh_token}};
  return tokenAnswer(call,
                     postJson(call, endpoints.social() + "/refreshToken", body, Repeat::Never),
                     "Kiro's sign-in service");
}

sdk::Result<TokenAnswer> refreshAtExternalIdp(sdk::Call& call, std::string_view token_endpoint,
                                              std::string_view client_id, std::string_view scopes,
                                              std::string_view refresh_token) {
  if (auto problem = tokenEndpointProblem(call.host(), token_endpoint); !problem.empty())
    return sdk::fail(OMNI_FAILURE_NOT_AUTHORIZED, std::move(problem));
  FormFields fields = {
      {"grant_type", "refresh_token"}, {"client_id", client_id}, {"refresh_token", refresh_token}};
  // Entra refuses a refresh without the scopes of the sign-in (AADSTS90009).
  if (!scopes.empty()) fields.push_back({"scope", scopes});
  return tokenAnswer(call, postForm(call, std::string(token_endpoint), fields),
                     "the company's identity provider");
}

}  // namespace omni::kiro
