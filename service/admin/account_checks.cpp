// What is asked of the provider about one account: refresh, test, isolate, usage, models, profiles.

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

#include "service/admin/connection_json.hpp"
#include "service/admin/context.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

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

// What a refresh that a person asked for says about the account. One that worked ends "sign in
// again" and cooling at once, without waiting; of quota or suspension it says nothing.
void noteRefresh(Context& context, const Request& request, const Connection& connection,
                 const Error* failure) {
  if (failure != nullptr && failure->kind == FailureKind::Cancelled) return;
  const int64_t now = context.deps.clock.nowMs();
  if (failure == nullptr || failure->kind != FailureKind::Unsupported)
    if (context.deps.keeper != nullptr) context.deps.keeper->noted(connection.id, failure);
  if (failure != nullptr) {
    context.deps.accounts.applyFailure(connection.id, *failure, now);
    return;
  }
  context.note(request, "token.refreshed", connection);
  if (connection.state.state == AccountState::ReauthRequired ||
      connection.state.state == AccountState::Cooling)
    context.deps.accounts.recover(connection.id, now);
}

void refreshAccount(Context& context, const Request& request, ResponseWriter& writer) {
  auto body = parseOptionalObject(request);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"rotate"}); !fine) return sendError(writer, fine.error());
  auto rotate = boolMember(*body, "rotate");
  if (!rotate) return sendError(writer, rotate.error());
  auto connection = findConnection(context.deps.accounts, param(request, "id"));
  if (!connection) return sendError(writer, connection.error());
  auto provider = findProvider(context.deps.providers, connection->provider);
  if (!provider) return sendError(writer, provider.error());
  json::object wanted{{"force", true}};
  if (rotate->value_or(false)) wanted["rotate"] = true;
  auto text = (*provider)->control(connection->id, "accounts.refresh", json::serialize(wanted),
                                   writer.cancel());
  const Error* failure = text ? nullptr : &text.error();
  noteRefresh(context, request, *connection, failure);
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
      return "quota_exhausted";
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

// The words that plugins name the failure of a check with.
FailureKind kindNamed(std::string_view name) {
  static constexpr std::pair<std::string_view, FailureKind> kNames[] = {
      {"network", FailureKind::Network},
      {"timeout", FailureKind::Timeout},
      {"upstream", FailureKind::Upstream},
      {"auth_invalid", FailureKind::AuthInvalid},
      {"reauth_required", FailureKind::ReauthRequired},
      {"suspended", FailureKind::Suspended},
      {"not_authorized", FailureKind::NotAuthorized},
      {"quota", FailureKind::Quota},
      {"rate_limited", FailureKind::RateLimited},
      {"capacity", FailureKind::Capacity},
  };
  for (const auto& [known, kind] : kNames)
    if (known == name) return kind;
  return FailureKind::Protocol;
}

struct FailedCheck {
  Error error;
  std::string check, advice;
};

// The first check that failed; nullopt when all passed.
std::optional<FailedCheck> firstFailure(const json::object& answer) {
  FailedCheck out;
  out.error.kind = FailureKind::Protocol;
  const json::value* checks = answer.if_contains("checks");
  if (checks == nullptr || !checks->is_array()) {
    out.error.message = "The provider's plugin reported no checks.";
    return out;
  }
  for (const json::value& check : checks->as_array()) {
    const json::object* object = check.if_object();
    if (object == nullptr) continue;
    const json::value* ok = object->if_contains("ok");
    if (ok != nullptr && ok->is_bool() && ok->as_bool()) continue;
    const auto text = [&](const char* key) {
      const json::value* value = object->if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->as_string())
                                                    : std::string();
    };
    out.check = text("name");
    out.advice = text("advice");
    out.error.kind = kindNamed(text("kind"));
    out.error.reason = text("reason");
    out.error.message = text("message");
    if (out.error.message.empty()) out.error.message = "A check failed.";
    if (const int64_t reset = numberMember(*object, "resetAt"); reset > 0)
      out.error.reset_at_ms = reset;
    return out;
  }
  return std::nullopt;
}

// A test asks upstream itself, so a good one proves that the account works; of credits it says
// nothing, and of a request rate only when it was a request that a model answered. One that found a
// dead session, a suspension or no credits has found the account's state; what passes by itself
// says nothing about it.
void noteTest(Context& context, const Connection& connection,
              const std::optional<FailedCheck>& failed, bool probed) {
  const int64_t now = context.deps.clock.nowMs();
  if (context.deps.keeper != nullptr)
    context.deps.keeper->noted(connection.id, failed ? &failed->error : nullptr);
  if (!failed) {
    const AccountState state = connection.state.state;
    if (state != AccountState::Exhausted && (state != AccountState::Cooling || probed))
      context.deps.accounts.recover(connection.id, now);
    return;
  }
  switch (failed->error.kind) {
    case FailureKind::ReauthRequired:
    case FailureKind::Suspended:
    case FailureKind::Quota:
      context.deps.accounts.applyFailure(connection.id, failed->error, now);
      return;
    default:
      return;
  }
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
    noteTest(context, *connection, failed, probe->value_or(false));
    shown["valid"] = !failed;
    shown["error"] = failed ? json::value(failed->error.message) : json::value(nullptr);
    json::object found{{"type", failed ? diagnosis(failed->error.kind) : "ok"},
                       {"message", failed ? failed->error.message : "All checks passed."}};
    if (failed) {
      found["check"] = failed->check;
      found["code"] = failed->error.reason;
      found["advice"] = failed->advice.empty() ? json::value(nullptr) : json::value(failed->advice);
    }
    shown["diagnosis"] = std::move(found);
    shown["checks"] =
        answer->contains("checks") ? answer->at("checks") : json::value(json::array{});
    return sendJson(writer, 200, shown);
  }
  // The test itself worked: its finding is that the account does not.
  const Error& error = text.error();
  if (error.kind == FailureKind::Cancelled || error.kind == FailureKind::Internal)
    return sendError(writer, error);
  if (context.deps.keeper != nullptr && error.kind != FailureKind::Unsupported)
    context.deps.keeper->noted(connection->id, &error);
  context.deps.accounts.applyFailure(connection->id, error, context.deps.clock.nowMs());
  shown["valid"] = false;
  shown["error"] = error.message;
  shown["statusCode"] =
      error.upstream_status == 0 ? json::value(nullptr) : json::value(error.upstream_status);
  shown["diagnosis"] = {
      {"type", diagnosis(error.kind)}, {"message", error.message}, {"code", error.reason}};
  shown["checks"] = json::array{};
  sendJson(writer, 200, shown);
}

// A method of the plugin whose answer is shown as it is. `error_status` as for a refresh.
struct Asked {
  Connection connection;
  json::object answer;
};
std::optional<Asked> ask(Context& context, const Request& request, ResponseWriter& writer,
                         std::string_view method, std::string_view input) {
  auto connection = findConnection(context.deps.accounts, param(request, "id"));
  if (!connection) {
    sendError(writer, connection.error());
    return std::nullopt;
  }
  auto provider = findProvider(context.deps.providers, connection->provider);
  if (!provider) {
    sendError(writer, provider.error());
    return std::nullopt;
  }
  auto text = (*provider)->control(connection->id, method, input, writer.cancel());
  if (!text) {
    Error error = text.error();
    if (error.kind == FailureKind::Unsupported)
      error.message = fmt::format("The provider {} does not offer this.", connection->provider);
    if (error.kind == FailureKind::Suspended || error.kind == FailureKind::ReauthRequired) {
      if (context.deps.keeper != nullptr) context.deps.keeper->noted(connection->id, &error);
      context.deps.accounts.applyFailure(connection->id, error, context.deps.clock.nowMs());
    }
    const int status = refreshStatus(error, true);
    status == 0 ? sendError(writer, error) : sendError(writer, error, status);
    return std::nullopt;
  }
  auto answer = answerObject(*text);
  if (!answer) {
    sendError(writer, answer.error());
    return std::nullopt;
  }
  return Asked{std::move(*connection), std::move(*answer)};
}

bool emptyBody(const Request& request, ResponseWriter& writer) {
  auto body = parseOptionalObject(request);
  Result<> fine = body ? refuseUnknown(*body, {}) : std::unexpected(body.error());
  if (!fine) sendError(writer, fine.error());
  return fine.has_value();
}

void isolateAccount(Context& context, const Request& request, ResponseWriter& writer) {
  if (!emptyBody(request, writer)) return;
  auto asked = ask(context, request, writer, "accounts.isolate", "{}");
  if (!asked) return;
  const Connection& before = asked->connection;
  const auto old = before.values.find("isolation");
  const json::value* now = asked->answer.if_contains("isolation");
  if (now != nullptr && now->is_string() &&
      (old == before.values.end() || std::string_view(now->as_string()) != old->second))
    context.note(request, "connection.isolated", before, json::object{{"isolation", *now}});
  asked->answer["connectionId"] = before.id;
  if (const json::value* needed = asked->answer.if_contains("signInNeeded");
      needed != nullptr && needed->is_bool() && needed->as_bool())
    asked->answer["signIn"] = {{"method", "POST"},
                               {"path", fmt::format("/api/oauth/{}/signin", before.provider)},
                               {"body", {{"mode", "replace"}, {"connectionId", before.id}}}};
  sendJson(writer, 200, asked->answer);
}

template <const char* kMethod>
void show(Context& context, const Request& request, ResponseWriter& writer) {
  auto asked = ask(context, request, writer, kMethod, "{}");
  if (!asked) return;
  asked->answer["connectionId"] = asked->connection.id;
  sendJson(writer, 200, asked->answer);
}
constexpr char kUsage[] = "accounts.usage";
constexpr char kModels[] = "models.list";
constexpr char kProfiles[] = "accounts.profiles";

void selectProfile(Context& context, const Request& request, ResponseWriter& writer) {
  auto body = parseObject(request.body);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"select"}); !fine) return sendError(writer, fine.error());
  auto select = stringMember(*body, "select");
  if (!select) return sendError(writer, select.error());
  if (select->value_or("").empty()) {
    Error error;
    error.kind = FailureKind::BadRequest;
    error.field = "select";
    error.message = "\"select\" is missing: the ARN of the profile to use; GET lists them.";
    return sendError(writer, error);
  }
  auto asked =
      ask(context, request, writer, kProfiles, json::serialize(json::object{{"select", **select}}));
  if (!asked) return;
  context.note(request, "connection.profile_selected", asked->connection,
               json::object{{"profileArn", **select}});
  asked->answer["connectionId"] = asked->connection.id;
  sendJson(writer, 200, asked->answer);
}

}  // namespace

void addAccountCheckRoutes(http::RouteTable& table, const ContextPtr& context) {
  using Handle = void (*)(Context&, const Request&, ResponseWriter&);
  const auto add = [&](const char* method, const char* pattern, Handle handle,
                       bool needs_json = false) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.needs_json = needs_json;
    route.handler = guarded([context, handle](const Request& request, ResponseWriter& writer) {
      handle(*context, request, writer);
    });
    table.push_back(std::move(route));
  };
  // No body is needed for these three, so none is insisted on.
  add("POST", "/api/providers/{id}/refresh", refreshAccount);
  add("POST", "/api/providers/{id}/test", testAccount);
  add("POST", "/api/providers/{id}/isolate", isolateAccount);
  add("GET", "/api/providers/{id}/usage", show<kUsage>);
  add("GET", "/api/providers/{id}/models", show<kModels>);
  add("GET", "/api/providers/{id}/profiles", show<kProfiles>);
  add("POST", "/api/providers/{id}/profiles", selectProfile, true);
}

}  // namespace omni::admin
