// The operator's side of the simulator, below /__control/.
#include <fmt/format.h>

#include "simulator/random.hpp"
#include "simulator/world.hpp"

namespace omni::sim {
namespace {

void createAccount(World& world, const json::object& spec, Exchange& exchange) {
  const auto kind_name = text(spec, "kind", "social");
  const auto kind = accountKind(kind_name);
  if (!kind) return exchange.send(jsonReply(400, {{"message", "unknown kind " + kind_name}}));
  std::string client_id = text(spec, "clientId");
  std::optional<Client> client;
  if (!client_id.empty()) {
    client = world.identity.client(client_id);
    if (!client) return exchange.send(jsonReply(400, {{"message", "unknown clientId"}}));
  }
  const auto account = world.identity.createAccount(spec);
  json::object out{{"accountId", account->id},
                   {"kind", name(*kind)},
                   {"region", account->region},
                   {"email", account->email},
                   {"profileArn", account->profileArn()}};
  if (*kind == AccountKind::kApiKey) {
    out["apiKey"] = account->api_key;
    return exchange.send(jsonReply(201, out));
  }
  if (*kind == AccountKind::kBuilderId || *kind == AccountKind::kIdc) {
    if (!client) {
      Client wanted;
      wanted.name = "kiro-sim";
      wanted.region = account->region;
      wanted.scopes = {"codewhisperer:completions", "codewhisperer:analysis",
                       "codewhisperer:conversations"};
      client = world.identity.registerClient(std::move(wanted));
    }
    out["clientId"] = client->id;
    out["clientSecret"] = client->secret;
    out["clientSecretExpiresAt"] = client->expires_at;
    out["startUrl"] = *kind == AccountKind::kBuilderId ? "https://view.awsapps.com/start"
                                                       : "https://d-1234567890.awsapps.com/start";
  }
  if (*kind == AccountKind::kExternalIdp) {
    out["tokenEndpoint"] = world.base_url + "/idp/token";
    out["issuerUrl"] = world.base_url + "/idp";
  }
  const auto tokens = world.identity.signIn(account->id, client ? client->id : std::string(),
                                            client ? client->region : account->region);
  out["refreshToken"] = tokens.refresh_token;
  out["accessToken"] = tokens.access_token;
  out["expiresIn"] = tokens.expires_in;
  exchange.send(jsonReply(201, out));
}

void accountCall(World& world, const Request& request, const std::string& rest,
                 const json::object& body, Exchange& exchange) {
  const auto slash = rest.find('/');
  const auto id = rest.substr(0, slash);
  const auto verb = slash == std::string::npos ? std::string() : rest.substr(slash + 1);
  if (!world.identity.account(id)) {
    return exchange.send(jsonReply(404, {{"message", "unknown account " + id}}));
  }
  if (verb == "revoke") {
    const auto ended = world.identity.endAccount(id, "revoked by the control API");
    return exchange.send(jsonReply(200, {{"ended", ended}}));
  }
  if (verb == "signin") {
    // The same person signs in once more, perhaps with another registration.
    const auto client = world.identity.client(text(body, "clientId"));
    const auto tokens = world.identity.signIn(id, client ? client->id : std::string(),
                                              client ? client->region : "us-east-1");
    return exchange.send(jsonReply(
        200, {{"refreshToken", tokens.refresh_token}, {"accessToken", tokens.access_token}}));
  }
  if (request.method == "DELETE") {
    world.identity.removeAccount(id);
    return exchange.send({.status = 204});
  }
  world.identity.changeAccount(id, body);
  exchange.send(jsonReply(200, {{"accountId", id}}));
}

json::object health(World& world) {
  return {{"status", "ok"},
          {"activeStreams", world.active_streams.load()},
          {"requests", world.requests.load()},
          {"now", world.clock.seconds()}};
}

}  // namespace

void serveControl(World& world, const Route& route, const Request& request, Exchange& exchange) {
  const auto ok = [&] { exchange.send(jsonReply(200, {{"ok", true}})); };
  boost::system::error_code error;
  const auto parsed = json::parse(request.body.empty() ? "{}" : request.body, error);
  if (error || !parsed.is_object()) {
    return exchange.send(jsonReply(400, {{"message", "the body must be a JSON object"}}));
  }
  const auto& body = parsed.as_object();
  const auto call = request.method + " " + route.path;
  if (call == "GET /health") return exchange.send(jsonReply(200, health(world)));
  if (call == "GET /state") {
    auto state = world.identity.state(request.parameter("reveal") == "1");
    state["script"] = world.script.state();
    state["policy"] = world.policy.get()->describe();
    state["health"] = health(world);
    return exchange.send(jsonReply(200, state));
  }
  if (call == "POST /accounts") return createAccount(world, body, exchange);
  if (route.path.starts_with("/accounts/")) {
    return accountCall(world, request, route.path.substr(10), body, exchange);
  }
  if (call == "POST /device/approve" || call == "POST /device/deny") {
    const bool done =
        world.identity.decideDevice(text(body, "userCode"), call.ends_with("approve"), body);
    return done ? ok() : exchange.send(jsonReply(404, {{"message", "no such pending user code"}}));
  }
  if (call == "POST /turns") {
    world.script.addTurn(body);
    return ok();
  }
  if (call == "DELETE /turns") {
    world.script.clearTurns();
    return ok();
  }
  if (call == "POST /faults") return exchange.send(jsonReply(200, world.script.addFault(body)));
  if (call == "DELETE /faults") {
    world.script.clearFaults();
    return ok();
  }
  if (call == "GET /requests") {
    json::object out;
    out["requests"] = world.recorder.list();
    return exchange.send(jsonReply(200, out));
  }
  if (call == "DELETE /requests") {
    world.recorder.clear();
    return ok();
  }
  if (call == "POST /clock/advance") {
    world.clock.advance(integer(body, "seconds"));
    return exchange.send(jsonReply(200, {{"now", world.clock.seconds()}}));
  }
  if (call == "POST /policy") {
    world.policy.update(body);
    return exchange.send(jsonReply(200, world.policy.get()->describe()));
  }
  if (call == "POST /reset") {
    world.identity.clear();
    world.script.clear();
    world.recorder.clear();
    world.policy.set(world.start_policy);
    world.clock.setOffset(0);
    return ok();
  }
  exchange.send(jsonReply(404, {{"message", "no such control call: " + call}}));
}

}  // namespace omni::sim
