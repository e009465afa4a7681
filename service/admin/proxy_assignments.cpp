// Who goes through which proxy, and why.

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/proxy_context.hpp"
#include "service/admin/proxy_json.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;

json::value orNull(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

std::string queryText(const Request& request, const char* key) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? std::string() : found->second;
}

json::object assignmentJson(ProxyContext& context, const ProxyAssignment& assignment) {
  json::object out{{"scope", proxyScopeName(assignment.scope)},
                   {"scopeId", orNull(assignment.scope_id)},
                   {"label", scopeLabel(context, assignment)},
                   {"proxyId", assignment.proxy_id}};
  const bool direct = assignment.proxy_id == kDirectProxy;
  auto record = context.deps.proxies.get(assignment.proxy_id);
  out["proxyName"] = direct ? json::value(nullptr) : record ? json::value(record->name) : nullptr;
  // Its calls fail until another is assigned.
  out["missing"] = !direct && !record;
  return out;
}

Result<json::object> listAssignments(ProxyContext& context, const Request&, const CancelToken&) {
  auto all = context.deps.proxies.assignments();
  if (!all) return std::unexpected(std::move(all.error()));
  json::array out;
  for (const ProxyAssignment& assignment : *all) out.push_back(assignmentJson(context, assignment));
  const size_t total = out.size();
  return json::object{{"assignments", std::move(out)}, {"total", total}};
}

Result<json::object> drop(ProxyContext& context, const Request& request,
                          const ProxyAssignment& assignment) {
  if (auto done = context.deps.proxies.unassign(assignment.scope, assignment.scope_id); !done)
    return std::unexpected(std::move(done.error()));
  audit(context, request, "proxy.unassigned", {}, {{"from", scopeLabel(context, assignment)}});
  return json::object{{"success", true},
                      {"scope", proxyScopeName(assignment.scope)},
                      {"scopeId", orNull(assignment.scope_id)}};
}

Result<json::object> putAssignment(ProxyContext& context, const Request& request,
                                   const CancelToken&) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto fine = refuseUnknown(*body, {"scope", "scopeId", "proxyId"}); !fine)
    return std::unexpected(std::move(fine.error()));
  auto scope_text = stringMember(*body, "scope");
  if (!scope_text) return std::unexpected(std::move(scope_text.error()));
  auto scope = parseProxyScope(scope_text->value_or(""), "scope");
  if (!scope) return std::unexpected(std::move(scope.error()));
  auto given = stringMember(*body, "scopeId");
  if (!given) return std::unexpected(std::move(given.error()));
  auto proxy = stringMember(*body, "proxyId");
  if (!proxy) return std::unexpected(std::move(proxy.error()));
  if (!body->contains("proxyId"))
    return makeError(FailureKind::BadRequest,
                     "\"proxyId\" is missing: a proxy's id or name, \"direct\" for no proxy, or "
                     "null to go by what is assigned above.",
                     "proxyId");
  auto id = scopeId(context, *scope, given->value_or(""), "scopeId");
  if (!id) return std::unexpected(std::move(id.error()));
  ProxyAssignment assignment{*scope, std::move(*id), {}};
  if (!*proxy) return drop(context, request, assignment);
  ProxyRecord record;
  if (**proxy == kDirectProxy) {
    assignment.proxy_id = kDirectProxy;
    record.name = kDirectProxy;
  } else {
    auto found = findProxy(context, **proxy, "proxyId");
    if (!found) return std::unexpected(std::move(found.error()));
    record = std::move(*found);
    assignment.proxy_id = record.id;
  }
  if (auto done = context.deps.proxies.assign(assignment); !done)
    return std::unexpected(std::move(done.error()));
  audit(context, request, "proxy.assigned", record, {{"to", scopeLabel(context, assignment)}});
  return assignmentJson(context, assignment);
}

Result<json::object> dropAssignment(ProxyContext& context, const Request& request,
                                    const CancelToken&) {
  if (auto fine = refuseUnknownQuery(request, {"scope", "scopeId"}); !fine)
    return std::unexpected(std::move(fine.error()));
  auto scope = parseProxyScope(queryText(request, "scope"), "scope");
  if (!scope) return std::unexpected(std::move(scope.error()));
  auto id = scopeId(context, *scope, queryText(request, "scopeId"), "scopeId");
  if (!id) return std::unexpected(std::move(id.error()));
  return drop(context, request, {*scope, std::move(*id), {}});
}

Result<json::object> resolve(ProxyContext& context, const Request& request, const CancelToken&) {
  if (auto fine = refuseUnknownQuery(request, {"connection", "provider"}); !fine)
    return std::unexpected(std::move(fine.error()));
  const std::string connection = queryText(request, "connection");
  const std::string provider = queryText(request, "provider");
  if (connection.empty() && provider.empty())
    return makeError(FailureKind::BadRequest,
                     "Name an account (?connection=) or, for a new one, a provider (?provider=).",
                     "connection");
  return explainProxy(context, provider, connection);
}

}  // namespace

Result<std::string> scopeId(ProxyContext& context, ProxyScope scope, std::string_view given,
                            std::string_view field) {
  if (scope == ProxyScope::Global) {
    if (given.empty()) return std::string();
    return makeError(FailureKind::BadRequest,
                     fmt::format("\"{}\" has no place in the scope global.", field),
                     std::string(field));
  }
  if (given.empty())
    return makeError(
        FailureKind::BadRequest,
        fmt::format("\"{}\" is missing: the {}.", field,
                    scope == ProxyScope::Provider ? "provider" : "account's id or name"),
        std::string(field));
  if (scope == ProxyScope::Connection) {
    auto connection = findConnection(context.deps.accounts, given);
    if (!connection) {
      connection.error().field = field;
      return std::unexpected(std::move(connection.error()));
    }
    return connection->id;
  }
  auto provider = findProvider(context.deps.providers, given);
  if (!provider) {
    provider.error().field = field;
    return std::unexpected(std::move(provider.error()));
  }
  return std::string((*provider)->id());
}

std::string scopeLabel(ProxyContext& context, const ProxyAssignment& assignment) {
  if (assignment.scope == ProxyScope::Global) return "all accounts";
  if (assignment.scope == ProxyScope::Provider)
    return fmt::format("the provider {}", assignment.scope_id);
  auto connection = context.deps.accounts.get(assignment.scope_id);
  if (!connection) return fmt::format("a sign-in under way ({})", assignment.scope_id);
  return fmt::format("the account {} ({})", connection->name, connection->provider);
}

Result<json::object> explainProxy(ProxyContext& context, std::string_view provider,
                                  std::string_view id_or_name) {
  Connection connection;
  connection.provider = provider;
  if (!id_or_name.empty()) {
    auto found = findConnection(context.deps.accounts, id_or_name);
    if (!found) {
      found.error().field = "connection";
      return std::unexpected(std::move(found.error()));
    }
    connection = std::move(*found);
  } else if (auto known = findProvider(context.deps.providers, provider); !known) {
    return std::unexpected(std::move(known.error()));
  }
  auto all = context.deps.proxies.assignments();
  if (!all) return std::unexpected(std::move(all.error()));
  const ProxyChoice choice = context.deps.proxies.explain(connection.provider, connection.id);

  json::array steps;
  for (const auto& [scope, id] : {std::pair(ProxyScope::Connection, connection.id),
                                  std::pair(ProxyScope::Provider, connection.provider),
                                  std::pair(ProxyScope::Global, std::string())}) {
    json::object step{
        {"scope", proxyScopeName(scope)}, {"scopeId", orNull(id)}, {"proxyId", nullptr}};
    for (const ProxyAssignment& assignment : *all)
      if (assignment.scope == scope && assignment.scope_id == id)
        step["proxyId"] = assignment.proxy_id;
    step["decides"] = choice.decided_by && choice.decided_by->scope == scope;
    steps.push_back(std::move(step));
  }

  json::object out{{"connectionId", orNull(connection.id)},
                   {"connectionName", orNull(connection.name)},
                   {"provider", connection.provider},
                   {"level", "direct"},
                   {"levelId", nullptr},
                   {"proxy", nullptr},
                   {"usable", choice.route.has_value()},
                   {"error", nullptr}};
  std::string why =
      "Nothing is assigned to the account, its provider or all accounts: calls go "
      "out directly.";
  if (choice.decided_by) {
    const ProxyAssignment& by = *choice.decided_by;
    out["level"] = proxyScopeName(by.scope);
    out["levelId"] = orNull(by.scope_id);
    const std::string label = scopeLabel(context, by);
    auto record = context.deps.proxies.get(by.proxy_id);
    if (record) {
      json::object shown = proxyJson(*record);
      out["proxy"] = std::move(shown);
      why = fmt::format("The proxy \"{}\" is assigned to {}.", record->name, label);
    } else {
      why = fmt::format("\"direct\" is assigned to {}: calls go out without a proxy.", label);
    }
  }
  if (!choice.route) {
    why = choice.route.error().message;
    out["error"] = why;
  }
  out["explanation"] = why;
  out["considered"] = std::move(steps);
  return out;
}

void addProxyAssignmentRoutes(http::RouteTable& table, const ProxyContextPtr& context) {
  addAnswering(table, context, "GET", "/api/proxies/assignments", 200, false, listAssignments);
  addAnswering(table, context, "PUT", "/api/proxies/assignments", 200, true, putAssignment);
  addAnswering(table, context, "DELETE", "/api/proxies/assignments", 200, false, dropAssignment);
  addAnswering(table, context, "GET", "/api/proxies/resolve", 200, false, resolve);
}

}  // namespace omni::admin
