// Accounts: import, list, show, rename, enable, disable, remove.

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "core/accounts/new_name.hpp"
#include "service/admin/connection_json.hpp"
#include "service/admin/context.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"
#include "service/admin/version.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

// All that could stand in the way of storing an account, before its token is used up.
Result<> readyToStore(Context& context, const Provider& provider, std::string_view name) {
  if (context.deps.storable) {
    if (auto done = context.deps.storable(); !done) return done;
  }
  return nameIsFree(context.deps.accounts, provider.id(), name);
}

Result<std::string> importInto(AccountDraft& draft, std::string_view input, std::string_view name,
                               const CancelToken& cancel) {
  if (auto done = draft.control("accounts.import", input, cancel); !done)
    return std::unexpected(std::move(done.error()));
  return finishAs(draft, name);
}

// The id of the account that gets the token in place; empty: it becomes a new one.
Result<std::string> replacedAccount(Context& context, const json::object& body, bool has_name,
                                    bool has_proxy) {
  auto mode = stringMember(body, "mode");
  if (!mode) return std::unexpected(std::move(mode.error()));
  auto wanted = stringMember(body, "connectionId");
  if (!wanted) return std::unexpected(std::move(wanted.error()));
  const std::string how = mode->value_or("create");
  if (how != "create" && how != "replace")
    return makeError(FailureKind::BadRequest, "\"mode\" must be \"create\" or \"replace\".",
                     "mode");
  if (how == "create") {
    if (!wanted->has_value()) return std::string();
    return makeError(FailureKind::BadRequest,
                     "\"connectionId\" needs \"mode\": \"replace\"; a new account gets an id of "
                     "its own.",
                     "connectionId");
  }
  if (wanted->value_or("").empty())
    return makeError(FailureKind::BadRequest,
                     "\"connectionId\" is missing: the id or name of the account that gets this "
                     "token.",
                     "connectionId");
  if (has_name || has_proxy) {
    const char* kept = has_name ? "name" : "proxyId";
    return makeError(FailureKind::BadRequest,
                     fmt::format("\"{}\" has no place here: an account that is replaced keeps its "
                                 "own.",
                                 kept),
                     kept);
  }
  auto connection = findConnection(context.deps.accounts, **wanted);
  if (!connection) return std::unexpected(std::move(connection.error()));
  return connection->id;
}

Result<json::object> importAccount(Context& context, const Request& request,
                                   const CancelToken& cancel) {
  auto provider = findProvider(context.deps.providers, param(request, "provider"));
  if (!provider) return std::unexpected(std::move(provider.error()));
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  auto name = stringMember(*body, "name");
  if (!name) return std::unexpected(std::move(name.error()));
  if (name->has_value()) {
    if (auto fine = checkName(**name, "name"); !fine)
      return std::unexpected(std::move(fine.error()));
  }
  if (auto ready = readyToStore(context, **provider, name->value_or("")); !ready)
    return std::unexpected(std::move(ready.error()));
  auto proxy = stringMember(*body, "proxyId");
  if (!proxy) return std::unexpected(std::move(proxy.error()));
  auto replaced = replacedAccount(context, *body, name->has_value(), proxy->has_value());
  if (!replaced) return std::unexpected(std::move(replaced.error()));
  ProxyAssigner* const proxies = context.deps.proxies;
  if (*proxy && proxies == nullptr)
    return makeError(FailureKind::Unsupported, "This service has no proxies.", "proxyId");
  // The account's, not the sign-in's; the rest is checked by the plugin, which knows its form.
  for (const char* own : {"name", "proxyId", "mode", "connectionId"}) body->erase(own);
  auto draft = (*provider)->draft(*replaced);
  if (!draft) return std::unexpected(std::move(draft.error()));
  // Before the first call, which has to go through it already.
  if (*proxy) {
    if (auto done = proxies->assign((*draft)->connectionId(), **proxy); !done)
      return std::unexpected(std::move(done.error()));
  }
  auto id = importInto(**draft, json::serialize(*body), name->value_or(""), cancel);
  if (!id) {
    if (*proxy) (void)proxies->unassign((*draft)->connectionId());
    return std::unexpected(std::move(id.error()));
  }
  auto connection = context.deps.accounts.get(*id);
  if (!connection) return std::unexpected(std::move(connection.error()));
  context.note(request, replaced->empty() ? "connection.imported" : "connection.replaced",
               *connection);
  json::object shown = importedConnection(*connection);
  if (const auto all = context.deps.accounts.list()) Persons(*all).note(*connection, shown);
  return json::object{{"success", true}, {"connection", std::move(shown)}};
}

Result<json::object> listAccounts(Context& context, const Request& request) {
  if (auto fine = refuseUnknownQuery(request, {"limit", "offset"}); !fine)
    return std::unexpected(std::move(fine.error()));
  auto limit = queryNumber(request, "limit", SIZE_MAX);
  if (!limit) return std::unexpected(std::move(limit.error()));
  auto offset = queryNumber(request, "offset", 0);
  if (!offset) return std::unexpected(std::move(offset.error()));
  auto all = context.deps.accounts.list();
  if (!all) return std::unexpected(std::move(all.error()));
  const Persons persons(*all);
  json::array shown;
  for (size_t i = *offset; i < all->size() && shown.size() < *limit; ++i) {
    json::object record = connectionRecord((*all)[i]);
    persons.note((*all)[i], record);
    shown.push_back(std::move(record));
  }
  return json::object{{"connections", std::move(shown)}, {"total", all->size()}};
}

Result<> setActive(Context& context, const Request& request, const Connection& connection,
                   bool active) {
  const bool disabled = connection.state.state == AccountState::Disabled;
  if (active != disabled)
    return {};  // nothing to change; enabling does not hide why an account rests
  StateRecord state;
  state.state = active ? AccountState::Active : AccountState::Disabled;
  state.reason = active ? "" : "Disabled by a person.";
  state.since_ms = context.deps.clock.nowMs();
  if (auto done = context.deps.accounts.setState(connection.id, state); !done) return done;
  context.note(request, active ? "connection.enabled" : "connection.disabled", connection);
  return {};
}

Result<json::object> changeAccount(Context& context, const Request& request) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto fine = refuseUnknown(*body, {"name", "isActive"}); !fine)
    return std::unexpected(std::move(fine.error()));
  auto name = stringMember(*body, "name");
  if (!name) return std::unexpected(std::move(name.error()));
  auto active = boolMember(*body, "isActive");
  if (!active) return std::unexpected(std::move(active.error()));
  if (!name->has_value() && !active->has_value()) {
    return makeError(FailureKind::BadRequest,
                     "There is nothing to change: send \"name\", \"isActive\" or both.", "body");
  }
  if (name->has_value()) {
    if (auto fine = checkName(**name, "name"); !fine)
      return std::unexpected(std::move(fine.error()));
  }
  const std::lock_guard lock(context.connection_writes);
  ConnectionStore& store = context.deps.accounts;
  auto connection = findConnection(store, param(request, "id"));
  if (!connection) return std::unexpected(std::move(connection.error()));
  if (auto same = sameVersion(request, connectionVersion(*connection), connection->id, "account");
      !same)
    return std::unexpected(std::move(same.error()));
  if (name->has_value() && **name != connection->name) {
    if (auto done = store.rename(connection->id, **name); !done)
      return std::unexpected(std::move(done.error()));
    context.note(request, "connection.renamed", *connection,
                 json::object{{"from", connection->name}, {"to", **name}});
    if (context.deps.renamed)
      context.deps.renamed(connection->provider + "/" + connection->name,
                           connection->provider + "/" + **name, false);
  }
  if (active->has_value()) {
    if (auto done = setActive(context, request, *connection, **active); !done)
      return std::unexpected(std::move(done.error()));
  }
  auto changed = store.get(connection->id);
  if (!changed) return std::unexpected(std::move(changed.error()));
  return connectionRecord(*changed);
}

template <bool kActive>
Result<json::object> switchAccount(Context& context, const Request& request) {
  auto body = parseOptionalObject(request);
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto fine = refuseUnknown(*body, {}); !fine) return std::unexpected(std::move(fine.error()));
  const std::lock_guard lock(context.connection_writes);
  auto connection = findConnection(context.deps.accounts, param(request, "id"));
  if (!connection) return std::unexpected(std::move(connection.error()));
  if (auto done = setActive(context, request, *connection, kActive); !done)
    return std::unexpected(std::move(done.error()));
  auto changed = context.deps.accounts.get(connection->id);
  if (!changed) return std::unexpected(std::move(changed.error()));
  return connectionRecord(*changed);
}

Result<json::object> removeAccount(Context& context, const Request& request) {
  const std::lock_guard lock(context.connection_writes);
  auto connection = findConnection(context.deps.accounts, param(request, "id"));
  if (!connection) return std::unexpected(std::move(connection.error()));
  if (auto same = sameVersion(request, connectionVersion(*connection), connection->id, "account");
      !same)
    return std::unexpected(std::move(same.error()));
  if (auto done = context.deps.accounts.remove(connection->id); !done)
    return std::unexpected(std::move(done.error()));
  context.note(request, "connection.removed", *connection);
  return json::object{{"success", true}, {"id", connection->id}, {"name", connection->name}};
}

using Answering = Result<json::object> (*)(Context&, const Request&);

Handler answering(const ContextPtr& context, Answering handle) {
  return guarded([context, handle](const Request& request, ResponseWriter& writer) {
    auto answer = handle(*context, request);
    if (!answer) return sendError(writer, answer.error());
    sendJson(writer, 200, *answer);
  });
}

http::Route route(const char* method, const char* pattern, bool needs_json, Handler handler) {
  http::Route made;
  made.method = method;
  made.pattern = pattern;
  made.needs_json = needs_json;
  made.handler = std::move(handler);
  return made;
}

}  // namespace

void addAccountRoutes(http::RouteTable& table, const ContextPtr& context) {
  // The second name is OmniRoute's, for keys.
  for (const char* pattern : {"/api/oauth/{provider}/import", "/api/oauth/{provider}/api-key"})
    table.push_back(route("POST", pattern, true,
                          guarded([context](const Request& request, ResponseWriter& writer) {
                            auto answer = importAccount(*context, request, writer.cancel());
                            if (!answer) return sendError(writer, answer.error());
                            sendJson(writer, 200, *answer);
                          })));
  table.push_back(route("GET", "/api/providers", false, answering(context, listAccounts)));
  table.push_back(
      route("GET", "/api/providers/{id}", false,
            guarded([context](const Request& request, ResponseWriter& writer) {
              auto connection = findConnection(context->deps.accounts, param(request, "id"));
              if (!connection) return sendError(writer, connection.error());
              writer.setHeader("etag", fmt::format("\"{}\"", connectionVersion(*connection)));
              json::object record = connectionRecord(*connection);
              if (const auto all = context->deps.accounts.list())
                Persons(*all).note(*connection, record);
              sendJson(writer, 200, record);
            })));
  for (const char* method : {"PUT", "PATCH"})
    table.push_back(route(method, "/api/providers/{id}", true, answering(context, changeAccount)));
  table.push_back(route("DELETE", "/api/providers/{id}", false, answering(context, removeAccount)));
  table.push_back(
      route("POST", "/api/providers/{id}/enable", false, answering(context, switchAccount<true>)));
  table.push_back(route("POST", "/api/providers/{id}/disable", false,
                        answering(context, switchAccount<false>)));
}

}  // namespace omni::admin
