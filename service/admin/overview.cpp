// Plugins, health, and the page that says where to go.

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "service/admin/context.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en"><meta charset="utf-8"><title>OmniRoute</title>
<h1>OmniRoute is running</h1>
<p>Point any OpenAI client at <code>/v1</code> of this address. There is no dashboard in this version: the addresses below and
the REST API behind them are what there is.</p>
<ul>
<li><a href="/api/providers">/api/providers</a>: the accounts (secrets masked, clientId shown)</li>
<li><a href="/api/combos">/api/combos</a>: the combos</li>
<li><a href="/api/plugins">/api/plugins</a>: providers, loaded and refused</li>
<li><a href="/api/health">/api/health</a>: health, with a count of accounts per state</li>
<li><a href="/v1/models">/v1/models</a>: what clients may ask for as model</li>
</ul>
<p>No admin password is set: everybody on this machine, and nobody else, may use /api.</p>
</html>
)html";

constexpr std::string_view kText =
    R"(OmniRoute is running. Point any OpenAI client at /v1 of this address.
There is no dashboard in this version; these addresses are what there is:
  /api/providers   the accounts (secrets masked, clientId shown)
  /api/combos      the combos
  /api/plugins     providers, loaded and refused
  /api/health      health, with a count of accounts per state
  /v1/models       what clients may ask for as model
No admin password is set: everybody on this machine, and nobody else, may use /api.
)";

json::array plugins(const Context& context) {
  if (!context.deps.plugins_json) return {};
  boost::system::error_code problem;
  json::value value = json::parse(context.deps.plugins_json(), problem);
  if (problem) return {};
  if (value.is_object() && value.as_object().contains("plugins"))
    value = json::value(value.as_object().at("plugins"));
  return value.is_array() ? value.as_array() : json::array{};
}

// {"loaded": 2, "refused": 1}
json::object countByStatus(const json::array& list) {
  json::object counts{{"loaded", 0}, {"refused", 0}};
  for (const json::value& plugin : list) {
    const json::object* object = plugin.if_object();
    const json::value* status = object != nullptr ? object->if_contains("status") : nullptr;
    if (status == nullptr || !status->is_string()) continue;
    json::value& count = counts[status->as_string()];
    count = count.is_int64() ? count.as_int64() + 1 : int64_t{1};
  }
  return counts;
}

json::object countByState(const std::vector<Connection>& connections) {
  json::object counts{{"total", connections.size()}};
  for (const AccountState state :
       {AccountState::Active, AccountState::Cooling, AccountState::Exhausted,
        AccountState::Suspended, AccountState::ReauthRequired, AccountState::Disabled})
    counts[accountStateName(state)] = 0;
  for (const Connection& connection : connections) {
    json::value& count = counts[accountStateName(connection.state.state)];
    count = count.as_int64() + 1;
  }
  return counts;
}

// The accounts are in memory, so it takes the combos to hear from the store itself.
Result<> storeAnswers(Context& context) {
  if (auto listed = context.deps.combos.listCombos(); !listed)
    return std::unexpected(std::move(listed.error()));
  return {};
}

void health(Context& context, ResponseWriter& writer) {
  json::object shown{
      {"status", "ok"},
      {"version", context.deps.version},
      {"uptimeSeconds", (context.deps.clock.steadyMs() - context.started_ms) / 1000}};
  shown["connections"] = countByState(*context.deps.accounts.snapshot());
  const Result<> answers = storeAnswers(context);
  if (!answers) {
    shown["status"] = "error";
    shown["error"] = answers.error().message;
  }
  // A full or read-only disk: what is in memory goes on being served.
  const Result<> storable = context.deps.storable ? context.deps.storable() : Result<>();
  shown["storage"] = json::object{{"writable", storable.has_value()}};
  if (!storable) {
    shown["storage"].as_object()["error"] = storable.error().message;
    shown["storage"].as_object()["reason"] = storable.error().reason;
    if (answers) shown["status"] = "degraded";
  }
  shown["plugins"] = countByStatus(plugins(context));
  sendJson(writer, answers ? 200 : 503, shown);
}

void readiness(Context& context, ResponseWriter& writer) {
  const Result<> ready = context.deps.ready ? context.deps.ready() : storeAnswers(context);
  // Anybody may ask this, so the reason stays in the log and in /api/health.
  sendJson(writer, ready ? 200 : 503, json::object{{"status", ready ? "ready" : "not ready"}});
}

void page(const Request& request, ResponseWriter& writer) {
  writer.setHeader("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  writer.setHeader("x-content-type-options", "nosniff");
  const std::string accepted = request.header ? request.header("accept") : std::string();
  if (accepted.find("text/html") != std::string::npos) {
    writer.send(200, "text/html; charset=utf-8", kPage);
  } else {
    writer.send(200, "text/plain; charset=utf-8", kText);
  }
}

}  // namespace

void addOverviewRoutes(http::RouteTable& table, const ContextPtr& context) {
  const auto add = [&](const char* pattern, http::Door door, Handler handler) {
    http::Route route;
    route.method = "GET";
    route.pattern = pattern;
    route.door = door;
    route.handler = std::move(handler);
    table.push_back(std::move(route));
  };
  add("/api/plugins", http::Door::Admin, guarded([context](const Request&, ResponseWriter& writer) {
        sendJson(writer, 200, json::object{{"plugins", plugins(*context)}});
      }));
  add("/api/health", http::Door::Admin,
      guarded([context](const Request&, ResponseWriter& writer) { health(*context, writer); }));
  add("/healthz", http::Door::Health, [](const Request&, ResponseWriter& writer) {
    sendJson(writer, 200, json::object{{"status", "ok"}});
  });
  add("/readyz", http::Door::Health,
      [context](const Request&, ResponseWriter& writer) { readiness(*context, writer); });
  add("/", http::Door::Health, page);
}

}  // namespace omni::admin
