// Kiro's own sign-in service (Google and GitHub), and a stand-in for a company's identity provider.
#include <array>

#include "simulator/random.hpp"
#include "simulator/world.hpp"

namespace omni::sim {
namespace {

constexpr int kCodeLifetime = 600;
constexpr int kDeviceLifetimeMs = 300'000;

void answer(Exchange& exchange, int status, const json::value& body) {
  auto reply = jsonReply(status, body);
  reply.headers = {{"x-amzn-requestid", uuid()}};
  exchange.send(reply);
}

void refuse(Exchange& exchange, int status, std::string_view error, std::string_view message) {
  answer(exchange, status,
         {{"error", error}, {"error_description", message}, {"message", message}});
}

json::object tokenBody(const IssuedTokens& tokens) {
  return {{"accessToken", tokens.access_token},
          {"expiresIn", tokens.expires_in},
          {"profileArn", tokens.profile_arn},
          {"refreshToken", tokens.refresh_token}};
}

// The account that signs in: the one a test named, or a new one.
std::string chooseAccount(World& world, const std::string& hint) {
  if (!hint.empty() && world.identity.account(hint)) return hint;
  return world.identity.createAccount({{"kind", "social"}})->id;
}

void login(World& world, const Request& request, Exchange& exchange) {
  const auto form = parseForm(request.query);
  const auto redirect = formValue(form, "redirect_uri");
  const auto provider = formValue(form, "idp");
  if (redirect.empty() || (provider != "Google" && provider != "Github")) {
    return refuse(exchange, 400, "invalid_request", "idp and redirect_uri are required");
  }
  if (formValue(form, "code_challenge_method") != "S256" ||
      formValue(form, "code_challenge").empty()) {
    return refuse(exchange, 400, "invalid_request", "only S256 is supported");
  }
  AuthorizationCode code;
  code.code = uuid();
  code.redirect_uri = redirect;
  code.challenge = formValue(form, "code_challenge");
  code.expires_at = world.clock.seconds() + kCodeLifetime;
  code.account = chooseAccount(world, formValue(form, "login_hint"));
  world.identity.addCode(code);
  exchange.send(
      {.status = 302,
       .headers = {{"location", redirect + (redirect.find('?') == std::string::npos ? "?" : "&") +
                                    "code=" + code.code +
                                    "&state=" + percentEncode(formValue(form, "state"))}}});
}

// The portal adds which button was pressed to the redirect, and the exchange must repeat it.
bool sameRedirect(const std::string& asked, const std::string& given) {
  return given == asked || given.starts_with(asked + "?login_option=");
}

void exchangeCode(World& world, const json::object& body, Exchange& exchange) {
  if (world.policy.get()->signups_paused) {
    return refuse(exchange, 400, "invalid_request", "New signups are temporarily paused.");
  }
  const auto code = text(body, "code");
  const auto verifier = text(body, "code_verifier");
  const auto redirect = text(body, "redirect_uri");
  if (code.empty() || verifier.empty() || redirect.empty()) {
    return refuse(exchange, 400, "invalid_request",
                  "code, code_verifier and redirect_uri are required");
  }
  const auto found = world.identity.takeCode(code);
  if (!found || !found->client.empty() || !sameRedirect(found->redirect_uri, redirect) ||
      base64Url(sha256(verifier)) != found->challenge) {
    return refuse(exchange, 400, "invalid_grant", "Invalid authorization code provided");
  }
  answer(exchange, 200, tokenBody(world.identity.signIn(found->account, "", "us-east-1")));
}

void refresh(World& world, const json::object& body, Exchange& exchange) {
  const auto token = text(body, "refreshToken");
  if (token.empty()) return refuse(exchange, 400, "invalid_request", "refreshToken is required");
  const auto tokens = world.identity.refreshSocial(token);
  if (!tokens) {
    return refuse(exchange, world.policy.get()->social_401 ? 401 : 400, "invalid_grant",
                  "Invalid refresh token provided");
  }
  answer(exchange, 200, tokenBody(*tokens));
}

void startDevice(World& world, const json::object& body, Exchange& exchange) {
  const auto provider = text(body, "loginProvider");
  if (text(body, "clientId").empty() || (provider != "Google" && provider != "Github")) {
    return refuse(exchange, 400, "invalid_request", "clientId and loginProvider are required");
  }
  DeviceCode wanted;
  wanted.client = text(body, "clientId");
  wanted.provider = provider;
  wanted.expires_at = world.clock.seconds() + kDeviceLifetimeMs / 1000;
  const auto device = world.identity.addDevice(std::move(wanted));
  constexpr std::string_view kVerify = "https://app.kiro.dev/account/device";
  answer(exchange, 200,
         {{"deviceCode", device.device_code},
          {"userCode", device.user_code},
          {"verificationUri", kVerify},
          {"verificationUriComplete", std::string(kVerify) + "?user_code=" + device.user_code},
          {"expiresInMilliseconds", kDeviceLifetimeMs},
          {"intervalInMilliseconds", device.interval}});
}

void pollDevice(World& world, const json::object& body, Exchange& exchange) {
  const auto device = world.identity.pollDevice(text(body, "deviceCode"), text(body, "clientId"));
  if (device) {
    auto tokens = tokenBody(world.identity.signIn(device->account, "", "us-east-1"));
    tokens["status"] = "authorized";
    return answer(exchange, 200, tokens);
  }
  using Problem = Identity::PollProblem;
  switch (device.error()) {
    case Problem::kPending:
      return answer(exchange, 400, {{"error", "authorization_pending"}});
    case Problem::kSlowDown:
      return answer(exchange, 400, {{"error", "slow_down"}});
    case Problem::kExpired:
      return answer(exchange, 400, {{"error", "expired_token"}});
    case Problem::kDenied:
      return answer(exchange, 403, {{"error", "access_denied"}});
    default:
      return refuse(exchange, 400, "invalid_grant", "Invalid device code provided");
  }
}

void deleteAccount(World& world, const Request& request, Exchange& exchange) {
  const auto header = request.header("authorization");
  const auto token = header.starts_with("Bearer ") ? header.substr(7) : std::string();
  const auto account = world.identity.bearer(token, "");
  if (!account) return refuse(exchange, 401, "invalid_token", "Invalid access token");
  world.identity.removeAccount((*account)->id);
  answer(exchange, 200, json::object{});
}

}  // namespace

void serveSocial(World& world, const Route& route, const Request& request, Exchange& exchange) {
  boost::system::error_code error;
  const auto parsed = json::parse(request.body.empty() ? "{}" : request.body, error);
  const bool readable = !error && parsed.is_object();
  struct Operation {
    std::string_view method, path, tag;
  };
  constexpr std::array<Operation, 7> kOperations = {{
      {"GET", "/login", "social.login"},
      {"POST", "/oauth/token", "social.token"},
      {"POST", "/refreshToken", "social.refresh"},
      {"POST", "/logout", "social.logout"},
      {"DELETE", "/account", "social.delete"},
      {"POST", "/oauth/device/authorization", "social.device"},
      {"POST", "/oauth/device/poll", "social.poll"},
  }};
  for (const auto& [method, path, tag] : kOperations) {
    if (request.method != method || route.path != path) continue;
    const auto token = readable ? text(parsed.as_object(), "refreshToken") : std::string();
    if (playFault(world, {std::string(tag)}, world.identity.ownerOf(token), exchange)) return;
    if (!readable) return refuse(exchange, 400, "invalid_request", "the body is not JSON");
    const auto& body = parsed.as_object();
    if (tag == "social.login") return login(world, request, exchange);
    if (tag == "social.token") return exchangeCode(world, body, exchange);
    if (tag == "social.refresh") return refresh(world, body, exchange);
    if (tag == "social.delete") return deleteAccount(world, request, exchange);
    if (tag == "social.device") return startDevice(world, body, exchange);
    if (tag == "social.poll") return pollDevice(world, body, exchange);
    world.identity.endByRefreshToken(token, "signed out");
    return exchange.send({.headers = {{"x-amzn-requestid", uuid()}}});
  }
  refuse(exchange, 404, "not_found", "no such operation");
}

void serveIdp(World& world, const Route& route, const Request& request, Exchange& exchange) {
  const auto issuer = world.base_url + "/idp";
  if (route.path == "/.well-known/openid-configuration") {
    return exchange.send(jsonReply(200, {{"issuer", issuer},
                                         {"authorization_endpoint", issuer + "/authorize"},
                                         {"token_endpoint", issuer + "/token"}}));
  }
  if (route.path != "/token" || request.method != "POST") {
    return exchange.send(jsonReply(404, {{"error", "not_found"}}));
  }
  const auto form = parseForm(request.body);
  const auto token = formValue(form, "refresh_token");
  if (playFault(world, {"idp.token"}, world.identity.ownerOf(token), exchange)) return;
  if (formValue(form, "client_id").empty()) {
    return exchange.send(jsonReply(401, {{"error", "invalid_client"}}));
  }
  if (formValue(form, "grant_type") != "refresh_token") {
    return exchange.send(jsonReply(400, {{"error", "unsupported_grant_type"}}));
  }
  const auto tokens = world.identity.refreshSocial(token);
  if (!tokens) return exchange.send(jsonReply(400, {{"error", "invalid_grant"}}));
  exchange.send(jsonReply(200, {{"access_token", tokens->access_token},
                                {"refresh_token", tokens->refresh_token},
                                {"token_type", "Bearer"},
                                {"expires_in", tokens->expires_in}}));
}

}  // namespace omni::sim
