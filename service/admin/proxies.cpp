#include "service/admin/proxies.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/names.hpp"
#include "service/admin/proxy_context.hpp"
#include "service/admin/proxy_json.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;

Result<std::vector<ProxyAssignment>> usesOf(ProxyContext& context, std::string_view id) {
  auto all = context.deps.proxies.assignments();
  if (all) std::erase_if(*all, [&](const ProxyAssignment& a) { return a.proxy_id != id; });
  return all;
}

Result<json::object> shown(ProxyContext& context, const ProxyRecord& record) {
  auto uses = usesOf(context, record.id);
  if (!uses) return std::unexpected(std::move(uses.error()));
  json::array used_by;
  for (const ProxyAssignment& use : *uses)
    used_by.push_back(json::object{
        {"scope", proxyScopeName(use.scope)},
        {"scopeId", use.scope_id.empty() ? json::value(nullptr) : json::value(use.scope_id)},
        {"label", scopeLabel(context, use)}});
  json::object out = proxyJson(record);
  out["usedBy"] = std::move(used_by);
  return out;
}

Result<json::object> listProxies(ProxyContext& context, const Request&, const CancelToken&) {
  auto all = context.deps.proxies.list();
  if (!all) return std::unexpected(std::move(all.error()));
  json::array proxies;
  for (const ProxyRecord& record : *all) {
    auto one = shown(context, record);
    if (!one) return one;
    proxies.push_back(std::move(*one));
  }
  const size_t total = proxies.size();
  return json::object{{"proxies", std::move(proxies)}, {"total", total}};
}

Result<json::object> createProxy(ProxyContext& context, const Request& request,
                                 const CancelToken&) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  auto input = parseProxyInput(*body);
  if (!input) return std::unexpected(std::move(input.error()));
  ProxyRecord record;
  record.id = newUuid(context.deps.random);
  if (auto fine = applyProxyInput(*input, record); !fine)
    return std::unexpected(std::move(fine.error()));
  if (auto stored = context.deps.proxies.put(record, input->password.value_or("")); !stored)
    return std::unexpected(std::move(stored.error()));
  auto made = context.deps.proxies.get(record.id);
  if (!made) return std::unexpected(std::move(made.error()));
  audit(context, request, "proxy.created", *made, {{"url", shownProxyUrl(*made)}});
  return shown(context, *made);
}

Result<json::object> showProxy(ProxyContext& context, const Request& request, const CancelToken&) {
  auto record = findProxy(context, param(request, "id"), "id");
  if (!record) return std::unexpected(std::move(record.error()));
  return shown(context, *record);
}

Result<json::object> changeProxy(ProxyContext& context, const Request& request,
                                 const CancelToken&) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  auto input = parseProxyInput(*body);
  if (!input) return std::unexpected(std::move(input.error()));
  if (body->empty())
    return makeError(FailureKind::BadRequest, "There is nothing to change.", "body");
  const std::lock_guard lock(context.writes);
  auto record = findProxy(context, param(request, "id"), "id");
  if (!record) return std::unexpected(std::move(record.error()));
  const std::string before = shownProxyUrl(*record);
  if (auto fine = applyProxyInput(*input, *record); !fine)
    return std::unexpected(std::move(fine.error()));
  if (auto stored = context.deps.proxies.put(*record, input->password); !stored)
    return std::unexpected(std::move(stored.error()));
  auto changed = context.deps.proxies.get(record->id);
  if (!changed) return std::unexpected(std::move(changed.error()));
  audit(context, request, "proxy.changed", *changed,
        {{"before", before},
         {"url", shownProxyUrl(*changed)},
         {"passwordChanged", input->password.has_value()}});
  return shown(context, *changed);
}

Result<json::object> removeProxy(ProxyContext& context, const Request& request,
                                 const CancelToken&) {
  if (auto fine = refuseUnknownQuery(request, {"force"}); !fine)
    return std::unexpected(std::move(fine.error()));
  const auto given = request.query.find("force");
  const bool force = given != request.query.end();
  if (force && given->second != "true")
    return makeError(FailureKind::BadRequest, "\"force\" must be true, or left out.", "force");
  const std::lock_guard lock(context.writes);
  auto record = findProxy(context, param(request, "id"), "id");
  if (!record) return std::unexpected(std::move(record.error()));
  auto uses = usesOf(context, record->id);
  if (!uses) return std::unexpected(std::move(uses.error()));
  json::array left;
  std::vector<std::string> labels;
  for (const ProxyAssignment& use : *uses) {
    labels.push_back(scopeLabel(context, use));
    left.emplace_back(labels.back());
  }
  if (auto done = context.deps.proxies.remove(record->id, force); !done) {
    if (done.error().kind == FailureKind::Conflict) {
      done.error().message = fmt::format(
          "The proxy \"{}\" is used by {}. Assign another, or \"direct\", with PUT "
          "/api/proxies/assignments first. With ?force=true it is removed and what uses it cannot "
          "call out until that is done: nothing is ever sent around a proxy that is gone.",
          record->name, fmt::join(labels, ", "));
    }
    return std::unexpected(std::move(done.error()));
  }
  audit(context, request, "proxy.removed", *record,
        {{"url", shownProxyUrl(*record)}, {"leftWithoutProxy", left}});
  return json::object{{"success", true},
                      {"id", record->id},
                      {"name", record->name},
                      {"leftWithoutProxy", std::move(left)}};
}

Result<json::object> runTest(ProxyContext& context, const Request& request,
                             const CancelToken& cancel) {
  auto body = parseOptionalObject(request);
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto fine = refuseUnknown(*body, {"url"}); !fine)
    return std::unexpected(std::move(fine.error()));
  auto url = stringMember(*body, "url");
  if (!url) return std::unexpected(std::move(url.error()));
  auto record = findProxy(context, param(request, "id"), "id");
  if (!record) return std::unexpected(std::move(record.error()));
  auto route = context.deps.proxies.route(record->id);
  if (!route) return std::unexpected(std::move(route.error()));
  return testProxy(context, *record, *route, url->value_or(""), cancel);
}

}  // namespace

Result<ProxyRecord> findProxy(ProxyContext& context, std::string_view id_or_name,
                              std::string_view field) {
  auto all = context.deps.proxies.list();
  if (!all) return std::unexpected(std::move(all.error()));
  for (ProxyRecord& record : *all)
    if (record.id == id_or_name) return std::move(record);
  for (ProxyRecord& record : *all)
    if (record.name == id_or_name) return std::move(record);
  return makeError(FailureKind::NotFound,
                   "No proxy has this id or name. GET /api/proxies lists them.",
                   std::string(field));
}

void audit(ProxyContext& context, const Request& request, std::string_view action,
           const ProxyRecord& proxy, json::object detail) {
  noteChange(context.deps.audit, context.deps.clock, request,
             {.action = action,
              .subject = "proxy",
              .id = proxy.id,
              .name = proxy.name,
              .detail = std::move(detail)});
}

void addProxyRegistryRoutes(http::RouteTable& table, const ProxyContextPtr& context) {
  addAnswering(table, context, "GET", "/api/proxies", 200, false, listProxies);
  addAnswering(table, context, "POST", "/api/proxies", 201, true, createProxy);
  addAnswering(table, context, "GET", "/api/proxies/{id}", 200, false, showProxy);
  addAnswering(table, context, "PATCH", "/api/proxies/{id}", 200, true, changeProxy);
  addAnswering(table, context, "DELETE", "/api/proxies/{id}", 200, false, removeProxy);
  addAnswering(table, context, "POST", "/api/proxies/{id}/test", 200, false, runTest);
}

void addProxyRoutes(http::RouteTable& table, ProxyDeps deps) {
  const auto context = std::make_shared<ProxyContext>(std::move(deps));
  addProxyRegistryRoutes(table, context);
  addProxyAssignmentRoutes(table, context);
  addProxySettingsRoutes(table, context);
}

}  // namespace omni::admin
