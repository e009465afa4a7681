// The sign-in service of AWS: registrations, device sign-in, authorization code with PKCE, refresh.
#include <algorithm>
#include <regex>

#include "simulator/random.hpp"
#include "simulator/world.hpp"

namespace omni::sim {
namespace {

constexpr int kDeviceLifetime = 600;
constexpr int kCodeLifetime = 600;

struct OidcError {
  int status;
  std::string type;
  std::string error;
  std::string description;
  json::object more = {};
};

Reply errorReply(const OidcError& problem) {
  json::object body{{"error", problem.error}, {"error_description", problem.description}};
  for (const auto& [key, value] : problem.more) body[key] = value;
  auto reply = jsonReply(problem.status, body);
  reply.headers = {{"x-amzn-requestid", uuid()}, {"x-amzn-errortype", problem.type}};
  return reply;
}

Reply okReply(const json::object& body) {
  auto reply = jsonReply(200, body);
  reply.headers = {{"x-amzn-requestid", uuid()}, {"cache-control", "no-store"}};
  return reply;
}

OidcError invalidRequest(std::string why) {
  return {400, "InvalidRequestException", "invalid_request", std::move(why)};
}
OidcError invalidGrant(std::string why) {
  return {400, "InvalidGrantException", "invalid_grant", std::move(why)};
}
OidcError invalidClient(std::string why) {
  return {401, "InvalidClientException", "invalid_client", std::move(why)};
}

using Outcome = std::expected<json::object, OidcError>;

std::unexpected<OidcError> fail(OidcError problem) {
  return std::unexpected(std::move(problem));
}

std::vector<std::string> strings(const json::object& body, std::string_view key) {
  std::vector<std::string> out;
  if (const auto* list = array(member(body, key))) {
    for (const auto& entry : *list) out.push_back(text(&entry));
  }
  return out;
}

// Loopback redirects match whatever their port is.
bool sameRedirect(const std::string& registered, const std::string& asked) {
  if (registered == asked) return true;
  static const std::regex kPort(R"(^(http://(127\.0\.0\.1|localhost|\[::1\]))(:\d+)?(/.*)?$)");
  std::smatch a;
  std::smatch b;
  return std::regex_match(registered, a, kPort) && std::regex_match(asked, b, kPort) &&
         a[1] == b[1] && a[4] == b[4];
}

bool knownGrant(std::string_view grant) {
  return grant == "urn:ietf:params:oauth:grant-type:device_code" || grant == "refresh_token" ||
         grant == "authorization_code";
}

Outcome registerClient(World& world, const Route& route, const json::object& body) {
  const auto name = text(body, "clientName");
  const auto type = text(body, "clientType");
  if (name.empty() || type.empty()) {
    return fail(invalidRequest("clientName and clientType are required"));
  }
  if (type != "public") {
    return fail({400, "InvalidClientMetadataException", "invalid_client_metadata",
                 "clientType must be public"});
  }
  Client client;
  client.name = name;
  client.region = route.region;
  client.issuer = text(body, "issuerUrl");
  client.scopes = strings(body, "scopes");
  client.grant_types = strings(body, "grantTypes");
  client.redirect_uris = strings(body, "redirectUris");
  for (const auto& grant : client.grant_types) {
    if (!knownGrant(grant)) {
      return fail({400, "UnsupportedGrantTypeException", "unsupported_grant_type",
                   "unsupported grant type " + grant});
    }
  }
  static const std::regex kScope("[a-zA-Z0-9_:.-]+");
  for (const auto& scope : client.scopes) {
    if (!std::regex_match(scope, kScope)) {
      return fail({400, "InvalidScopeException", "invalid_scope", "invalid scope " + scope});
    }
  }
  for (const auto& uri : client.redirect_uris) {
    if (uri.find("://") == std::string::npos || uri.find('#') != std::string::npos) {
      return fail({400, "InvalidRedirectUriException", "invalid_redirect_uri",
                   "invalid redirect URI " + uri});
    }
  }
  if (!client.issuer.empty() && !client.issuer.starts_with("https://")) {
    return fail(invalidRequest("issuerUrl must be an https address"));
  }
  const auto made = world.identity.registerClient(std::move(client));
  return json::object{{"clientId", made.id},
                      {"clientSecret", made.secret},
                      {"clientIdIssuedAt", made.issued_at},
                      {"clientSecretExpiresAt", made.expires_at}};
}

std::expected<Client, OidcError> checkClient(World& world, const Route& route,
                                             const json::object& body) {
  const auto id = text(body, "clientId");
  const auto secret = text(body, "clientSecret");
  if (id.empty() || secret.empty()) {
    return fail(invalidRequest("clientId and clientSecret are required"));
  }
  const auto client = world.identity.client(id);
  if (!client) return fail(invalidClient("Invalid client provided"));
  if (client->region != route.region) {
    return fail({400,
                 "InvalidRequestRegionException",
                 "invalid_request",
                 "The client is registered in another region",
                 {{"region", client->region},
                  {"endpoint", "https://oidc." + client->region + ".amazonaws.com"}}});
  }
  if (client->secret != secret) return fail(invalidClient("Invalid client secret provided"));
  if (client->expires_at <= world.clock.seconds()) return fail(invalidClient("Client is expired"));
  return *client;
}

Outcome startDevice(World& world, const Route& route, const json::object& body) {
  const auto start_url = text(body, "startUrl");
  if (start_url.empty()) return fail(invalidRequest("startUrl is required"));
  const auto client = checkClient(world, route, body);
  if (!client) return fail(client.error());
  static const std::regex kStartUrl(R"(https://[A-Za-z0-9-]+\.awsapps\.com/start(/.*|#.*)?)");
  if (!std::regex_match(start_url, kStartUrl)) {
    return fail(invalidRequest("invalid start url provided"));
  }
  if (!client->grant_types.empty() &&
      std::ranges::find(client->grant_types, "urn:ietf:params:oauth:grant-type:device_code") ==
          client->grant_types.end()) {
    return fail({400, "UnauthorizedClientException", "unauthorized_client",
                 "The client is not registered for device sign-in"});
  }
  DeviceCode wanted;
  wanted.client = client->id;
  wanted.region = route.region;
  wanted.start_url = start_url;
  wanted.expires_at = world.clock.seconds() + kDeviceLifetime;
  const auto device = world.identity.addDevice(std::move(wanted));
  const auto verify = start_url.substr(0, start_url.find("/start")) + "/start/#/device";
  return json::object{{"deviceCode", device.device_code},
                      {"userCode", device.user_code},
                      {"verificationUri", verify},
                      {"verificationUriComplete", verify + "?user_code=" + device.user_code},
                      {"expiresIn", kDeviceLifetime},
                      {"interval", device.interval / 1000}};
}

json::object tokenBody(const IssuedTokens& tokens) {
  json::object out{{"accessToken", tokens.access_token},
                   {"tokenType", "Bearer"},
                   {"expiresIn", tokens.expires_in}};
  if (!tokens.refresh_token.empty()) out["refreshToken"] = tokens.refresh_token;
  return out;
}

Outcome deviceToken(World& world, const Route& route, const Client& client,
                    const json::object& body) {
  const auto code = text(body, "deviceCode");
  if (code.empty()) return fail(invalidRequest("deviceCode is required"));
  const auto device = world.identity.pollDevice(code, client.id);
  if (device) return tokenBody(world.identity.signIn(device->account, client.id, route.region));
  using Problem = Identity::PollProblem;
  switch (device.error()) {
    case Problem::kPending:
      return fail({400, "AuthorizationPendingException", "authorization_pending",
                   "The sign-in is not approved yet"});
    case Problem::kSlowDown:
      return fail({400, "SlowDownException", "slow_down", "Polling too fast"});
    case Problem::kExpired:
      return fail({400, "ExpiredTokenException", "expired_token", "Device code has expired"});
    case Problem::kDenied:
      return fail({400, "AccessDeniedException", "access_denied", "The user refused the sign-in"});
    default:
      return fail(invalidGrant("Invalid device code provided"));
  }
}

Outcome codeToken(World& world, const Route& route, const Client& client,
                  const json::object& body) {
  const auto code = text(body, "code");
  const auto verifier = text(body, "codeVerifier");
  const auto redirect = text(body, "redirectUri");
  if (code.empty() || verifier.empty() || redirect.empty()) {
    return fail(invalidRequest("code, codeVerifier and redirectUri are required"));
  }
  const auto found = world.identity.takeCode(code);
  if (!found || found->client != client.id) return fail(invalidGrant("Invalid code provided"));
  if (found->redirect_uri != redirect) return fail(invalidGrant("Invalid redirect URI provided"));
  if (base64Url(sha256(verifier)) != found->challenge) {
    return fail(invalidGrant("Invalid code verifier provided"));
  }
  return tokenBody(world.identity.signIn(found->account, client.id, route.region));
}

Outcome refreshGrant(World& world, const Client& client, const json::object& body) {
  const auto token = text(body, "refreshToken");
  if (token.empty()) return fail(invalidRequest("refreshToken is required"));
  const auto tokens = world.identity.refresh(token, client);
  if (!tokens) return fail(invalidGrant("Invalid refresh token provided"));
  return tokenBody(*tokens);
}

Outcome createToken(World& world, const Route& route, const json::object& body) {
  const auto grant = text(body, "grantType");
  if (grant.empty()) return fail(invalidRequest("grantType is required"));
  const auto client = checkClient(world, route, body);
  if (!client) return fail(client.error());
  if (!knownGrant(grant)) {
    return fail(
        {400, "UnsupportedGrantTypeException", "unsupported_grant_type", "Unsupported grant type"});
  }
  if (grant == "refresh_token") return refreshGrant(world, *client, body);
  if (!client->grant_types.empty() &&
      std::ranges::find(client->grant_types, grant) == client->grant_types.end()) {
    return fail({400, "UnauthorizedClientException", "unauthorized_client",
                 "The client is not registered for this grant type"});
  }
  return grant == "authorization_code" ? codeToken(world, route, *client, body)
                                       : deviceToken(world, route, *client, body);
}

// The browser's part. Whoever comes here is signed in at once, as a new account or the one named in
// login_hint.
void authorize(World& world, const Route& route, const Request& request, Exchange& exchange) {
  const auto form = parseForm(request.query);
  const auto redirect = formValue(form, "redirect_uri");
  const auto client = world.identity.client(formValue(form, "client_id"));
  if (!client || client->region != route.region) {
    return exchange.send(errorReply(invalidClient("Invalid client provided")));
  }
  const bool known = std::ranges::any_of(
      client->redirect_uris, [&](const auto& uri) { return sameRedirect(uri, redirect); });
  if (!known) {
    return exchange.send(errorReply({400, "InvalidRedirectUriException", "invalid_redirect_uri",
                                     "The redirect URI is not registered"}));
  }
  const auto answer = [&](const std::string& query) {
    const auto state = formValue(form, "state");
    exchange.send(
        {.status = 302,
         .headers = {{"location", redirect + (redirect.find('?') == std::string::npos ? "?" : "&") +
                                      query + "&state=" + percentEncode(state)}}});
  };
  if (formValue(form, "response_type") != "code" ||
      formValue(form, "code_challenge_method") != "S256" ||
      formValue(form, "code_challenge").empty()) {
    return answer("error=invalid_request&error_description=PKCE%20with%20S256%20is%20required");
  }
  // Clients join the scopes with commas or with spaces.
  auto scopes = formValue(form, "scopes");
  std::ranges::replace(scopes, ',', ' ');
  std::size_t begin = 0;
  while (begin < scopes.size()) {
    const auto end = std::min(scopes.find(' ', begin), scopes.size());
    const auto scope = scopes.substr(begin, end - begin);
    begin = end + 1;
    if (!scope.empty() && !client->scopes.empty() &&
        std::ranges::find(client->scopes, scope) == client->scopes.end()) {
      return answer("error=invalid_scope&error_description=" + percentEncode(scope));
    }
  }
  AuthorizationCode code;
  code.code = randomText(64);
  code.client = client->id;
  code.region = route.region;
  code.redirect_uri = redirect;
  code.challenge = formValue(form, "code_challenge");
  code.expires_at = world.clock.seconds() + kCodeLifetime;
  const auto hint = formValue(form, "login_hint");
  const bool builder =
      client->issuer.empty() || client->issuer.find("//view.awsapps.com") != std::string::npos;
  code.account =
      world.identity.account(hint)
          ? hint
          : world.identity
                .createAccount({{"kind", builder ? "builder_id" : "idc"}, {"region", route.region}})
                ->id;
  world.identity.addCode(code);
  answer("code=" + code.code);
}

}  // namespace

void serveOidc(World& world, const Route& route, const Request& request, Exchange& exchange) {
  std::string operation;
  if (route.path == "/client/register") operation = "register";
  if (route.path == "/device_authorization") operation = "device";
  if (route.path == "/token") operation = "token";
  if (route.path == "/authorize") operation = "authorize";
  const auto method = operation == "authorize" ? "GET" : "POST";
  if (operation.empty() || request.method != method) {
    auto reply = jsonReply(404, {{"message", "Not Found"}});
    reply.headers = {{"x-amzn-errortype", "UnknownOperationException"}};
    return exchange.send(reply);
  }
  boost::system::error_code error;
  auto parsed = json::parse(request.body.empty() ? "{}" : request.body, error);
  const auto owner =
      error ? std::string() : world.identity.ownerOf(text(member(&parsed, "refreshToken")));
  if (playFault(world, {"oidc." + operation}, owner, exchange)) return;
  if (operation == "authorize") return authorize(world, route, request, exchange);
  if (error || !parsed.is_object()) {
    return exchange.send(errorReply(invalidRequest("The request body is not a JSON object")));
  }
  const auto& body = parsed.as_object();
  const auto outcome = operation == "register" ? registerClient(world, route, body)
                       : operation == "device" ? startDevice(world, route, body)
                                               : createToken(world, route, body);
  exchange.send(outcome ? okReply(*outcome) : errorReply(outcome.error()));
}

}  // namespace omni::sim
