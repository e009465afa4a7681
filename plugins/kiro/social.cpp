#include "plugins/kiro/social.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>

#include "plugins/kiro/allow_list.hpp"
#include "plugins/kiro/base64url.hpp"
#include "plugins/kiro/region.hpp"
#include "plugins/kiro/sign_in_http.hpp"
#include "plugins/kiro/signin.hpp"

namespace omni::kiro {
namespace {

constexpr std::string_view kWho = "Kiro's sign-in service";
// The service knows no other client of its device form.
constexpr std::string_view kClientId = "kiro-cli";
constexpr double kDefaultLifetimeMs = 300'000;
constexpr double kDefaultIntervalMs = 5'000;
constexpr int64_t kBrowserLifetimeMs = 600'000;

double positive(const json::object& body, std::string_view name, double otherwise, double most) {
  const double value = number(body, name).value_or(0);
  return value > 0 ? std::min(value, most) : otherwise;
}

// The account's own registration: social sessions do not need it, but with it the account can move
// to AWS SSO OIDC without touching any other.
sdk::Result<std::vector<sdk::Change>> ownClient(sdk::Call& call, const Endpoints& endpoints,
                                                const Form& form, std::string_view provider) {
  std::vector<sdk::Change> changes = {
      {std::string(kDraftMethod), std::string(provider), false},
      {"region", std::string(kDefaultRegion), false},
      // What an earlier sign-in of the same connection left must not be taken for this one's.
      {"clientId", std::nullopt, false},
      {"clientSecret", std::nullopt, true},
      {"clientSecretExpiresAt", std::nullopt, false}};
  auto client = registerClient(call, endpoints, kDefaultRegion);
  if (client) {
    changes[2].value = client->client_id;
    changes[3].value = client->client_secret;
    changes[4].value = std::to_string(client->secret_expires_ms);
  } else if (!form.flag("allowShared") || client.error().cancelled) {
    return std::unexpected(std::move(client.error()));
  }
  return changes;
}

sdk::Result<> refusedStart(const sdk::HttpResponse& response) {
  auto failure = signInFailure(readSignInError(response), kWho);
  if (failure.kind == OMNI_FAILURE_REAUTH_REQUIRED) failure.kind = OMNI_FAILURE_PROTOCOL;
  return std::unexpected(std::move(failure));
}

// name -> value of a query; nullopt when an escape is broken or a name comes twice.
std::optional<std::map<std::string, std::string>> queryOf(std::string_view path) {
  std::map<std::string, std::string> out;
  const auto mark = path.find('?');
  if (mark == std::string_view::npos) return out;
  std::string_view rest = path.substr(mark + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = percentDecoded(pair.substr(0, equals));
    auto value = percentDecoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value || !out.emplace(*name, *value).second) return std::nullopt;
  }
  return out;
}

std::unexpected<sdk::Failure> badCallback(std::string message) {
  return badField("callbackUrl", "callbackUrl: " + std::move(message));
}

std::unexpected<sdk::Failure> refusedByUser(const std::string& error, const std::string& why) {
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_NOT_AUTHORIZED;
  failure.reason = safeText(error);
  failure.message = fmt::format("the sign-in was refused in the browser{}{}; start it again",
                                why.empty() ? "" : ": ", safeText(why));
  return std::unexpected(std::move(failure));
}

}  // namespace

sdk::Result<std::string> startSocialDevice(sdk::Call& call, const Endpoints& endpoints,
                                           const Form& form, std::string_view provider) {
  auto changes = ownClient(call, endpoints, form, provider);
  if (!changes) return std::unexpected(std::move(changes.error()));
  auto response = postJson(
      call, endpoints.social() + "/oauth/device/authorization",
      {{"clientId", kClientId}, {"loginProvider", provider == "google" ? "Google" : "Github"}},
      Repeat::Allowed);
  if (!response) return std::unexpected(std::move(response.error()));
  if (response->status != 200) return std::unexpected(std::move(refusedStart(*response).error()));
  DeviceCode code;
  if (const auto body = parseObject(response->body)) {
    code.device_code = text(*body, "deviceCode");
    code.user_code = text(*body, "userCode");
    code.verification_uri = text(*body, "verificationUri");
    code.verification_uri_complete = text(*body, "verificationUriComplete");
    if (code.verification_uri.empty()) code.verification_uri = code.verification_uri_complete;
    code.lifetime_ms = static_cast<int64_t>(
        positive(*body, "expiresInMilliseconds", kDefaultLifetimeMs, 3'600'000));
    code.interval_ms =
        static_cast<int64_t>(positive(*body, "intervalInMilliseconds", kDefaultIntervalMs, 60'000));
  }
  if (auto good = checkDeviceCode(code, kWho); !good)
    return std::unexpected(std::move(good.error()));
  for (auto& change : deviceDraft(call, code)) changes->push_back(std::move(change));
  if (auto saved = call.commit(*changes); !saved) return std::unexpected(std::move(saved.error()));
  return deviceAnswer(call, code);
}

sdk::Result<DeviceAnswer> askSocialDevice(sdk::Call& call, const Endpoints& endpoints) {
  auto response =
      postJson(call, endpoints.social() + "/oauth/device/poll",
               {{"deviceCode", call.value(kDraftCode).value_or("")}, {"clientId", kClientId}},
               Repeat::Never);
  if (!response) return std::unexpected(std::move(response.error()));
  DeviceAnswer answer;
  // A refusal may come with 200 as well: what counts is what the body says.
  const auto body = parseObject(response->body);
  if (response->status == 200 && body && !text(*body, "accessToken").empty()) {
    auto tokens = readTokens(call, response->body, kWho);
    if (!tokens) return std::unexpected(std::move(tokens.error()));
    answer.tokens = std::move(*tokens);
    return answer;
  }
  answer.error = readSignInError(*response);
  if (response->status == 200 && answer.error.problem == SignInProblem::Unknown)
    return sdk::fail(OMNI_FAILURE_PROTOCOL,
                     "Kiro's sign-in service sent an answer without an access token; start the "
                     "sign-in again");
  return answer;
}

sdk::Result<std::string> startSocialBrowser(sdk::Call& call, const Endpoints& endpoints,
                                            const Form& form, std::string_view provider) {
  int port = kLoopbackPorts.front();
  if (const auto wanted = form.text("redirectPort"); !wanted.empty()) {
    const auto end = wanted.data() + wanted.size();
    const auto parsed = std::from_chars(wanted.data(), end, port);
    if (parsed.ec != std::errc() || parsed.ptr != end ||
        std::ranges::find(kLoopbackPorts, port) == kLoopbackPorts.end())
      return badField("redirectPort", fmt::format("redirectPort must be one of {}: Kiro's sign-in "
                                                  "service sends a browser back to no other",
                                                  fmt::join(kLoopbackPorts, ", ")));
  }
  auto changes = ownClient(call, endpoints, form, provider);
  if (!changes) return std::unexpected(std::move(changes.error()));
  const std::string verifier = randomText(call.host(), 32);
  const std::string state = randomText(call.host(), 16);
  const std::string redirect = fmt::format("http://localhost:{}", port);
  const int64_t expires = call.host().nowMs() + kBrowserLifetimeMs;
  changes->push_back({std::string(kDraftForm), "browser", false});
  changes->push_back({std::string(kDraftVerifier), verifier, true});
  changes->push_back({std::string(kDraftState), state, true});
  changes->push_back({std::string(kDraftRedirect), redirect, false});
  changes->push_back({std::string(kDraftExpires), std::to_string(expires), false});
  if (auto saved = call.commit(*changes); !saved) return std::unexpected(std::move(saved.error()));
  // redirect_from is a fixed word of the page, like the client id above.
  const std::string url = fmt::format(
      "{}/signin?state={}&code_challenge={}&code_challenge_method=S256&redirect_uri={}"
      "&redirect_from=kirocli",
      endpoints.portal(), state, pkceChallenge(verifier), percentEncoded(redirect));
  return json::serialize(json::object{
      {"kind", "browser"}, {"url", url}, {"redirectUri", redirect}, {"expiresAt", expires}});
}

sdk::Result<Tokens> exchangeCallback(sdk::Call& call, const Endpoints& endpoints,
                                     const std::string& callback) {
  const std::string redirect = call.value(kDraftRedirect).value_or("");
  const auto url = parseUrl(callback);
  const auto expected = parseUrl(redirect);
  if (!url || !expected)
    return badCallback("paste the whole address that the browser ended at; it begins with " +
                       redirect);
  if (url->scheme != "http" || (url->host != "localhost" && url->host != "127.0.0.1") ||
      url->port != expected->port)
    return badCallback("this is not the address of this sign-in; it begins with " + redirect);
  const std::string path = url->path.substr(0, url->path.find_first_of("?#"));
  if (path != "/oauth/callback" && path != "/signin/callback")
    return badCallback("the path must be /oauth/callback or /signin/callback");
  auto query = queryOf(url->path);
  if (!query) return badCallback("the part after the question mark is damaged; copy it again");
  auto& q = *query;
  // Before anything else of it is believed.
  const std::string state = call.value(kDraftState).value_or("");
  if (state.empty() || q["state"] != state)
    return badCallback(
        "it belongs to another sign-in (its state differs); use the address of the page that this "
        "sign-in has opened, or start anew");
  if (!q["error"].empty()) return refusedByUser(q["error"], q["error_description"]);
  const std::string option = q["login_option"];
  if (!option.empty() && option != "google" && option != "github")
    return badCallback(fmt::format(
        "another way in ({}) was chosen on the page; choose Google or GitHub there, or start a "
        "sign-in with a code for a Builder ID or IAM Identity Center",
        safeText(option)));
  if (q["code"].empty()) return badCallback("it holds no code; copy the whole address");
  const std::string target = redirect + path + (option.empty() ? "" : "?login_option=" + option);
  auto response = postJson(call, endpoints.social() + "/oauth/token",
                           {{"code", q["code"]},
                            {"code_verifier", call.value(kDraftVerifier).value_or("")},
                            {"redirect_uri", target}},
                           Repeat::Never);
  if (!response) return std::unexpected(std::move(response.error()));
  if (response->status != 200) {
    const auto error = readSignInError(*response);
    auto failure = signInFailure(error, kWho);
    if (error.rejected()) {
      failure.message =
          "Kiro's sign-in service does not accept this code: it was used already or is too old; "
          "start the sign-in again";
      failure.reason = "expired_token";
    }
    return std::unexpected(std::move(failure));
  }
  auto tokens = readTokens(call, response->body, kWho);
  if (!tokens) return tokens;
  // The page lets people change their mind: what was chosen there is what the account is.
  if (!option.empty())
    if (auto saved = call.commit({{std::string(kDraftMethod), option, false}}); !saved)
      return std::unexpected(std::move(saved.error()));
  return tokens;
}

SignedIn socialAccount(const sdk::Call& call, Tokens tokens) {
  SignedIn in;
  in.auth_method = "social";
  in.provider = call.value(kDraftMethod).value_or("") == "github" ? "Github" : "Google";
  in.region = kDefaultRegion;
  in.route = "social";
  in.client.client_id = call.value("clientId").value_or("");
  in.client.client_secret = call.value("clientSecret").value_or("");
  if (const auto end = call.value("clientSecretExpiresAt"))
    in.client.secret_expires_ms = std::strtoll(end->c_str(), nullptr, 10);
  if (in.client.client_id.empty()) {
    in.isolation = "shared";
    in.isolation_reason = "it has no registration of its own";
  } else {
    in.isolation = "registered";
    in.isolation_reason =
        "it owns a registration; its session was issued by Kiro's sign-in service and is refreshed "
        "there";
  }
  in.tokens = std::move(tokens);
  return in;
}

}  // namespace omni::kiro
