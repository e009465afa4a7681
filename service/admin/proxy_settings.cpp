// OmniRoute's addresses for the same: one proxy a level, written in place, and its test. What is
// written here is an entry of the registry with an assignment, and shows there.

#include <fmt/format.h>

#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/names.hpp"
#include "service/admin/proxy_context.hpp"
#include "service/admin/proxy_json.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;

std::string queryText(const Request& request, const char* key) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? std::string() : found->second;
}

json::value proxyOf(ProxyContext& context, const ProxyAssignment& assignment) {
  auto record = context.deps.proxies.get(assignment.proxy_id);
  if (!record) return nullptr;
  return proxyJson(*record);
}

struct Level {
  ProxyScope scope;
  std::string id;
};

Result<Level> levelOf(ProxyContext& context, std::string_view level, std::string_view id) {
  if (level == "combo")
    return makeError(FailureKind::BadRequest,
                     "Proxies are assigned to all accounts, a provider or an account, not to a "
                     "combo: an account must not change its address with the way it is reached.",
                     "level");
  auto scope = parseProxyScope(level, "level");
  if (!scope) return std::unexpected(std::move(scope.error()));
  auto scope_id =
      scopeId(context, *scope, *scope == ProxyScope::Global ? std::string_view() : id, "id");
  if (!scope_id) return std::unexpected(std::move(scope_id.error()));
  return Level{*scope, std::move(*scope_id)};
}

Result<json::object> wholeConfig(ProxyContext& context) {
  auto all = context.deps.proxies.assignments();
  if (!all) return std::unexpected(std::move(all.error()));
  json::object out{{"global", nullptr},
                   {"providers", json::object{}},
                   {"keys", json::object{}},
                   {"combos", json::object{}}};
  for (const ProxyAssignment& assignment : *all) {
    json::value proxy = proxyOf(context, assignment);
    if (assignment.scope == ProxyScope::Global)
      out["global"] = std::move(proxy);
    else
      out[assignment.scope == ProxyScope::Provider ? "providers" : "keys"]
          .as_object()[assignment.scope_id] = std::move(proxy);
  }
  return out;
}

Result<json::object> oneLevel(ProxyContext& context, const Level& level) {
  auto all = context.deps.proxies.assignments();
  if (!all) return std::unexpected(std::move(all.error()));
  json::object out{{"level", proxyScopeName(level.scope)},
                   {"id", level.id.empty() ? json::value(nullptr) : json::value(level.id)},
                   {"proxy", nullptr}};
  for (const ProxyAssignment& assignment : *all)
    if (assignment.scope == level.scope && assignment.scope_id == level.id)
      out["proxy"] = proxyOf(context, assignment);
  return out;
}

Result<json::object> getSettings(ProxyContext& context, const Request& request,
                                 const CancelToken&) {
  if (const std::string id = queryText(request, "resolve"); !id.empty())
    return explainProxy(context, "", id);
  const std::string level = queryText(request, "level");
  if (level.empty()) return wholeConfig(context);
  auto found = levelOf(context, level, queryText(request, "id"));
  if (!found) return std::unexpected(std::move(found.error()));
  return oneLevel(context, *found);
}

Result<json::object> putSettings(ProxyContext& context, const Request& request,
                                 const CancelToken&) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto fine = refuseUnknown(*body, {"level", "id", "proxy"}); !fine)
    return std::unexpected(std::move(fine.error()));
  auto level_text = stringMember(*body, "level");
  if (!level_text) return std::unexpected(std::move(level_text.error()));
  auto id = stringMember(*body, "id");
  if (!id) return std::unexpected(std::move(id.error()));
  auto level = levelOf(context, level_text->value_or(""), id->value_or(""));
  if (!level) return std::unexpected(std::move(level.error()));
  const json::value* proxy = body->if_contains("proxy");
  const std::lock_guard lock(context.writes);
  if (proxy != nullptr && proxy->is_null()) {
    if (auto done = context.deps.proxies.unassign(level->scope, level->id); !done)
      return std::unexpected(std::move(done.error()));
    audit(context, request, "proxy.unassigned", {},
          {{"from", scopeLabel(context, {level->scope, level->id, {}})}});
    return oneLevel(context, *level);
  }
  if (proxy == nullptr || !proxy->is_object())
    return makeError(FailureKind::BadRequest,
                     "\"proxy\" must be an object with type, host and port, or null for none.",
                     "proxy");
  auto input = parseProxyInput(proxy->as_object(), "proxy.");
  if (!input) return std::unexpected(std::move(input.error()));
  // The level's own entry is changed when there is one, so that a script may run again.
  const std::string name =
      level->id.empty() ? "global" : fmt::format("{} {}", proxyScopeName(level->scope), level->id);
  ProxyRecord record;
  auto existing = findProxy(context, name, "name");
  if (existing)
    record = std::move(*existing);
  else if (existing.error().kind != FailureKind::NotFound)
    return std::unexpected(std::move(existing.error()));
  else
    record.id = newUuid(context.deps.random);
  input->name = name;
  if (!input->scheme) input->scheme = ProxyScheme::Http;
  if (!input->username) input->username = std::string();
  if (!input->password) input->password = std::string();
  if (auto fine = applyProxyInput(*input, record, "proxy."); !fine)
    return std::unexpected(std::move(fine.error()));
  if (auto stored = context.deps.proxies.put(record, input->password); !stored)
    return std::unexpected(std::move(stored.error()));
  const ProxyAssignment assignment{level->scope, level->id, record.id};
  if (auto done = context.deps.proxies.assign(assignment); !done)
    return std::unexpected(std::move(done.error()));
  audit(context, request, "proxy.assigned", record, {{"to", scopeLabel(context, assignment)}});
  return oneLevel(context, *level);
}

Result<json::object> dropSettings(ProxyContext& context, const Request& request,
                                  const CancelToken&) {
  auto level = levelOf(context, queryText(request, "level"), queryText(request, "id"));
  if (!level) return std::unexpected(std::move(level.error()));
  if (auto done = context.deps.proxies.unassign(level->scope, level->id); !done)
    return std::unexpected(std::move(done.error()));
  audit(context, request, "proxy.unassigned", {},
        {{"from", scopeLabel(context, {level->scope, level->id, {}})}});
  return oneLevel(context, *level);
}

Result<json::object> testSettings(ProxyContext& context, const Request& request,
                                  const CancelToken& cancel) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto fine = refuseUnknown(*body, {"proxy", "proxyId", "url"}); !fine)
    return std::unexpected(std::move(fine.error()));
  auto url = stringMember(*body, "url");
  if (!url) return std::unexpected(std::move(url.error()));
  auto stored = stringMember(*body, "proxyId");
  if (!stored) return std::unexpected(std::move(stored.error()));
  if (*stored) {
    auto record = findProxy(context, **stored, "proxyId");
    if (!record) return std::unexpected(std::move(record.error()));
    auto route = context.deps.proxies.route(record->id);
    if (!route) return std::unexpected(std::move(route.error()));
    return testProxy(context, *record, *route, url->value_or(""), cancel);
  }
  const json::value* proxy = body->if_contains("proxy");
  if (proxy == nullptr || !proxy->is_object())
    return makeError(FailureKind::BadRequest,
                     "Name a stored proxy (\"proxyId\") or give one (\"proxy\": type, host, port).",
                     "proxy");
  auto input = parseProxyInput(proxy->as_object(), "proxy.");
  if (!input) return std::unexpected(std::move(input.error()));
  ProxyRecord record;
  if (auto fine = applyProxyInput(*input, record, "proxy."); !fine)
    return std::unexpected(std::move(fine.error()));
  record.has_password = input->password && !input->password->empty();
  ProxyRoute route;
  route.id = "test";
  route.name = record.name;
  route.scheme = record.scheme;
  route.host = record.host;
  route.port = record.port;
  route.username = record.username;
  route.password = input->password.value_or("");
  return testProxy(context, record, route, url->value_or(""), cancel);
}

}  // namespace

void addProxySettingsRoutes(http::RouteTable& table, const ProxyContextPtr& context) {
  addAnswering(table, context, "GET", "/api/settings/proxy", 200, false, getSettings);
  addAnswering(table, context, "PUT", "/api/settings/proxy", 200, true, putSettings);
  addAnswering(table, context, "DELETE", "/api/settings/proxy", 200, false, dropSettings);
  addAnswering(table, context, "POST", "/api/settings/proxy/test", 200, true, testSettings);
}

}  // namespace omni::admin
