// Accounts: import, list, show, rename, disable, remove, refresh, test.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "service/admin/connection_json.hpp"
#include "service/admin/context.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

// What a person or script calls an account: its id, or its name when no other provider has an
// account of that name.
Result<Connection> findConnection(ConnectionStore& store, std::string_view id_or_name) {
  auto by_id = store.get(id_or_name);
  if (by_id || by_id.error().kind != FailureKind::NotFound) return by_id;
  auto all = store.list();
  if (!all) return std::unexpected(std::move(all.error()));
  Connection* found = nullptr;
  for (Connection& connection : *all) {
    if (connection.name != id_or_name) continue;
    if (found != nullptr) {
      return makeError(
          FailureKind::Conflict,
          fmt::format("Two accounts are called \"{}\": {} ({}) and {} ({}). Use the id.",
                      id_or_name, found->id, found->provider, connection.id, connection.provider),
          "id");
    }
    found = &connection;
  }
  if (found != nullptr) return std::move(*found);
  return makeError(
      FailureKind::NotFound,
      "Connection not found: no account has this id or name. GET /api/providers lists them.", "id");
}

std::string param(const Request& request, const char* name) {
  const auto found = request.params.find(name);
  return found == request.params.end() ? std::string() : found->second;
}

// A page bound from the query; `fallback` when it is not there.
Result<size_t> pageNumber(const Request& request, const char* key, size_t fallback) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return fallback;
  const std::string& text = found->second;
  size_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("\"{}\" must be a whole number, 0 or more.", key), key);
  }
  return number;
}

Result<Provider*> findProvider(ProviderRegistry& providers, std::string_view id) {
  if (Provider* provider = providers.find(id)) return provider;
  // Out of an address, so it may be any bytes; only a plausible id is shown again.
  const bool plain = std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  return makeError(
      FailureKind::NotFound,
      fmt::format(
          "There is no provider \"{}\". Loaded: {}. GET /api/plugins says why one is missing.",
          plain ? shownName(id) : "?", fmt::join(providers.ids(), ", ")),
      "provider");
}

Result<json::object> answerObject(std::string_view text) {
  boost::system::error_code problem;
  json::value value = json::parse(json::string_view(text.data(), text.size()), problem);
  if (problem || !value.is_object()) {
    return makeError(FailureKind::Protocol,
                     "The provider's plugin gave an answer that is no JSON object.");
  }
  return std::move(value.as_object());
}

int64_t numberMember(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code problem;
  const auto number = value->to_number<int64_t>(problem);
  return problem ? 0 : number;
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
  body->erase("name");  // the account's, not the sign-in's; the rest is checked by the plugin,
                        // which knows its form
  auto draft = (*provider)->draft({});
  if (!draft) return std::unexpected(std::move(draft.error()));
  if (auto done = (*draft)->control("accounts.import", json::serialize(*body), cancel); !done)
    return std::unexpected(std::move(done.error()));
  auto id = (*draft)->finish(name->value_or(""));
  if (!id) return std::unexpected(std::move(id.error()));
  auto connection = context.deps.accounts.get(*id);
  if (!connection) return std::unexpected(std::move(connection.error()));
  return json::object{{"success", true}, {"connection", importedConnection(*connection)}};
}

Result<json::object> listAccounts(Context& context, const Request& request) {
  auto limit = pageNumber(request, "limit", SIZE_MAX);
  if (!limit) return std::unexpected(std::move(limit.error()));
  auto offset = pageNumber(request, "offset", 0);
  if (!offset) return std::unexpected(std::move(offset.error()));
  auto all = context.deps.accounts.list();
  if (!all) return std::unexpected(std::move(all.error()));
  json::array shown;
  for (size_t i = *offset; i < all->size() && shown.size() < *limit; ++i)
    shown.push_back(connectionRecord((*all)[i]));
  return json::object{{"connections", std::move(shown)}, {"total", all->size()}};
}

Result<> setActive(Context& context, const Connection& connection, bool active) {
  const bool disabled = connection.state.state == AccountState::Disabled;
  if (active != disabled)
    return {};  // nothing to change; enabling does not hide why an account rests
  StateRecord state;
  state.state = active ? AccountState::Active : AccountState::Disabled;
  state.reason = active ? "" : "Disabled by a person.";
  state.since_ms = context.deps.clock.nowMs();
  return context.deps.accounts.setState(connection.id, state);
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
  ConnectionStore& store = context.deps.accounts;
  auto connection = findConnection(store, param(request, "id"));
  if (!connection) return std::unexpected(std::move(connection.error()));
  if (name->has_value() && **name != connection->name) {
    if (auto done = store.rename(connection->id, **name); !done)
      return std::unexpected(std::move(done.error()));
  }
  if (active->has_value()) {
    if (auto done = setActive(context, *connection, **active); !done)
      return std::unexpected(std::move(done.error()));
  }
  auto changed = store.get(connection->id);
  if (!changed) return std::unexpected(std::move(changed.error()));
  return connectionRecord(*changed);
}

Result<json::object> removeAccount(Context& context, const Request& request) {
  auto connection = findConnection(context.deps.accounts, param(request, "id"));
  if (!connection) return std::unexpected(std::move(connection.error()));
  if (auto done = context.deps.accounts.remove(connection->id); !done)
    return std::unexpected(std::move(done.error()));
  return json::object{{"success", true}, {"id", connection->id}, {"name", connection->name}};
}

int refreshStatus(const Error& error, bool from_provider) {
  if (!from_provider) return 0;
  switch (error.kind) {
    case FailureKind::Unsupported:
      return 400;
    case FailureKind::BadRequest:
      return 422;  // the account lacks what a refresh needs
    case FailureKind::ReauthRequired:
    case FailureKind::AuthInvalid:
      return 401;
    case FailureKind::Network:
    case FailureKind::Upstream:
    case FailureKind::Protocol:
      return 502;
    default:
      return 0;
  }
}

// What a refresh says about the account. One that worked ends "sign in again" at once, without
// waiting for the next probe; of quota or suspension it says nothing.
void noteRefresh(Context& context, const Connection& connection, const Error* failure) {
  const int64_t now = context.deps.clock.nowMs();
  if (failure != nullptr) return context.deps.accounts.applyFailure(connection.id, *failure, now);
  if (connection.state.state != AccountState::ReauthRequired) return;
  StateRecord state;
  state.since_ms = now;
  // The new token is stored. A state that could not be written is found out again at the next use.
  (void)context.deps.accounts.setState(connection.id, state);
}

void refreshAccount(Context& context, const Request& request, ResponseWriter& writer) {
  auto body = parseOptionalObject(request);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {}); !fine) return sendError(writer, fine.error());
  auto connection = findConnection(context.deps.accounts, param(request, "id"));
  if (!connection) return sendError(writer, connection.error());
  auto provider = findProvider(context.deps.providers, connection->provider);
  if (!provider) return sendError(writer, provider.error());
  auto text = (*provider)->control(connection->id, "accounts.refresh", R"({"force":true})",
                                   writer.cancel());
  const Error* failure = text ? nullptr : &text.error();
  noteRefresh(context, *connection, failure);
  if (failure != nullptr) {
    Error shown = *failure;
    if (shown.kind == FailureKind::Unsupported)
      shown.message = fmt::format("Accounts of {} have no token to refresh.", connection->provider);
    const int status = refreshStatus(shown, true);
    return status == 0 ? sendError(writer, shown) : sendError(writer, shown, status);
  }
  auto answer = answerObject(*text);
  if (!answer) return sendError(writer, answer.error());
  sendJson(writer, 200,
           json::object{{"success", true},
                        {"connectionId", connection->id},
                        {"provider", connection->provider},
                        {"expiresAt", isoTime(numberMember(*answer, "expiresAt"))},
                        {"refreshedAt", isoTime(context.deps.clock.nowMs())}});
}

std::string_view diagnosis(FailureKind kind) {
  switch (kind) {
    case FailureKind::Network:
    case FailureKind::Timeout:
      return "network_error";
    case FailureKind::AuthInvalid:
      return "token_refresh_failed";
    case FailureKind::NotAuthorized:
      return "upstream_auth_error";
    case FailureKind::ReauthRequired:
      return "reauth_required";
    case FailureKind::Suspended:
      return "account_deactivated";
    case FailureKind::Quota:
    case FailureKind::RateLimited:
      return "upstream_rate_limited";
    case FailureKind::Capacity:
    case FailureKind::Unavailable:
      return "upstream_unavailable";
    case FailureKind::Unsupported:
      return "unsupported";
    default:
      return "upstream_error";
  }
}

// What the first failed check says; nullopt when all passed.
std::optional<std::string> firstFailure(const json::object& answer) {
  const json::value* checks = answer.if_contains("checks");
  if (checks == nullptr || !checks->is_array()) return "The provider's plugin reported no checks.";
  for (const json::value& check : checks->as_array()) {
    const json::object* object = check.if_object();
    if (object == nullptr) continue;
    const json::value* ok = object->if_contains("ok");
    if (ok != nullptr && ok->is_bool() && ok->as_bool()) continue;
    const json::value* message = object->if_contains("message");
    return message != nullptr && message->is_string() ? std::string(message->as_string())
                                                      : std::string("A check failed.");
  }
  return std::nullopt;
}

void testAccount(Context& context, const Request& request, ResponseWriter& writer) {
  auto body = parseOptionalObject(request);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"probe"}); !fine) return sendError(writer, fine.error());
  auto probe = boolMember(*body, "probe");
  if (!probe) return sendError(writer, probe.error());
  auto connection = findConnection(context.deps.accounts, param(request, "id"));
  if (!connection) return sendError(writer, connection.error());
  auto provider = findProvider(context.deps.providers, connection->provider);
  if (!provider) return sendError(writer, provider.error());

  const int64_t begun = context.deps.clock.steadyMs();
  auto text = (*provider)->control(connection->id, "accounts.test",
                                   json::serialize(json::object{{"probe", probe->value_or(false)}}),
                                   writer.cancel());
  json::object shown{{"connectionId", connection->id},
                     {"latencyMs", context.deps.clock.steadyMs() - begun},
                     {"testedAt", isoTime(context.deps.clock.nowMs())}};
  if (text) {
    auto answer = answerObject(*text);
    if (!answer) return sendError(writer, answer.error());
    const auto failed = firstFailure(*answer);
    shown["valid"] = !failed;
    shown["error"] = failed ? json::value(*failed) : json::value(nullptr);
    shown["diagnosis"] = {{"type", failed ? "upstream_error" : "ok"},
                          {"message", failed.value_or("All checks passed.")}};
    shown["checks"] =
        answer->contains("checks") ? answer->at("checks") : json::value(json::array{});
    return sendJson(writer, 200, shown);
  }
  // The test itself worked: its finding is that the account does not.
  const Error& error = text.error();
  if (error.kind == FailureKind::Cancelled || error.kind == FailureKind::Internal)
    return sendError(writer, error);
  shown["valid"] = false;
  shown["error"] = error.message;
  shown["statusCode"] =
      error.upstream_status == 0 ? json::value(nullptr) : json::value(error.upstream_status);
  shown["diagnosis"] = {
      {"type", diagnosis(error.kind)}, {"message", error.message}, {"code", error.reason}};
  shown["checks"] = json::array{};
  sendJson(writer, 200, shown);
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
  table.push_back(route("POST", "/api/oauth/{provider}/import", true,
                        guarded([context](const Request& request, ResponseWriter& writer) {
                          auto answer = importAccount(*context, request, writer.cancel());
                          if (!answer) return sendError(writer, answer.error());
                          sendJson(writer, 200, *answer);
                        })));
  table.push_back(route("GET", "/api/providers", false, answering(context, listAccounts)));
  table.push_back(
      route("GET", "/api/providers/{id}", false,
            answering(context, [](Context& shared, const Request& request) -> Result<json::object> {
              auto connection = findConnection(shared.deps.accounts, param(request, "id"));
              if (!connection) return std::unexpected(std::move(connection.error()));
              return connectionRecord(*connection);
            })));
  for (const char* method : {"PUT", "PATCH"})
    table.push_back(route(method, "/api/providers/{id}", true, answering(context, changeAccount)));
  table.push_back(route("DELETE", "/api/providers/{id}", false, answering(context, removeAccount)));
  // No body is needed for these two, so none is insisted on.
  table.push_back(route("POST", "/api/providers/{id}/refresh", false,
                        guarded([context](const Request& request, ResponseWriter& writer) {
                          refreshAccount(*context, request, writer);
                        })));
  table.push_back(route("POST", "/api/providers/{id}/test", false,
                        guarded([context](const Request& request, ResponseWriter& writer) {
                          testAccount(*context, request, writer);
                        })));
}

}  // namespace omni::admin
