// The health of each account's sign-in, and the log of changes.

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "service/admin/context.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

constexpr size_t kDefaultPage = 100;
constexpr size_t kLargestPage = 1000;

json::value textOrNull(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value plain(const Connection& connection, std::string_view key) {
  const auto found = connection.values.find(key);
  return found == connection.values.end() ? json::value(nullptr) : json::value(found->second);
}

enum class Verdict { Healthy, Warning, Errored, Disabled };

// One word per account: what a person should look at.
Verdict verdict(const Connection& connection, const KeeperView& view) {
  switch (connection.state.state) {
    case AccountState::Disabled:
      return Verdict::Disabled;
    case AccountState::Suspended:
    case AccountState::ReauthRequired:
      return Verdict::Errored;
    default:
      break;
  }
  if (view.health.failures > 0 || view.registration != RegistrationLevel::Fine ||
      connection.state.state != AccountState::Active)
    return Verdict::Warning;
  return Verdict::Healthy;
}

std::string_view verdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::Healthy:
      return "healthy";
    case Verdict::Warning:
      return "warning";
    case Verdict::Errored:
      return "error";
    case Verdict::Disabled:
      return "disabled";
  }
  return "healthy";
}

// By the last reading, which the router took for itself; the provider is not asked for this.
json::value quotaOf(const QuotaView* view, const Connection& connection) {
  const auto reading = view == nullptr ? std::nullopt : view->quota(connection.id);
  if (!reading) return nullptr;
  return json::object{
      {"limit", reading->limit < 0 ? json::value(nullptr) : json::value(reading->limit)},
      {"used", reading->used},
      {"unlimited", reading->unlimited},
      {"resetsAt", isoTime(reading->resets_at_ms)},
      {"takenAt", isoTime(reading->taken_ms)}};
}

json::object healthOf(const Connection& connection, const KeeperView& view, int64_t now) {
  json::object shown;
  shown["connectionId"] = connection.id;
  shown["provider"] = connection.provider;
  shown["name"] = connection.name;
  shown["status"] = verdictName(verdict(connection, view));
  shown["state"] = {{"name", accountStateName(connection.state.state)},
                    {"reason", connection.state.reason},
                    {"since", isoTime(connection.state.since_ms)},
                    {"until", isoTime(connection.state.until_ms)},
                    {"nextProbe", isoTime(connection.state.next_probe_ms)}};
  shown["lastCheckAt"] = isoTime(view.health.last_check_ms);
  shown["lastSuccessAt"] = isoTime(view.health.last_success_ms);
  shown["nextCheckAt"] = isoTime(view.next_check_ms);
  shown["failures"] = view.health.failures;
  shown["lastError"] = textOrNull(view.health.last_error);
  shown["tokenExpiresAt"] = isoTime(view.token_expires_ms);
  json::object registration{{"expiresAt", isoTime(view.registration_expires_ms)}};
  registration["daysLeft"] = view.registration_expires_ms > 0
                                 ? json::value(daysLeft(view.registration_expires_ms, now))
                                 : json::value(nullptr);
  registration["level"] = registrationLevelName(view.registration);
  registration["renewalError"] = textOrNull(view.renewal);
  shown["registration"] = std::move(registration);
  shown["isolation"] = plain(connection, "isolation");
  shown["isolationReason"] = plain(connection, "isolationReason");
  return shown;
}

void tokenHealth(Context& context, const Request&, ResponseWriter& writer) {
  const int64_t now = context.deps.clock.nowMs();
  const auto all = context.deps.accounts.snapshot();
  json::array list;
  int64_t counts[4] = {};
  int64_t last_check = 0;
  for (const Connection& connection : *all) {
    KeeperView view;
    if (context.deps.keeper != nullptr) view = context.deps.keeper->view(connection.id);
    ++counts[static_cast<size_t>(verdict(connection, view))];
    last_check = std::max(last_check, view.health.last_check_ms);
    list.push_back(healthOf(connection, view, now));
    list.back().as_object()["quota"] = quotaOf(context.deps.quota, connection);
  }
  const int64_t errored = counts[static_cast<size_t>(Verdict::Errored)];
  const int64_t warning = counts[static_cast<size_t>(Verdict::Warning)];
  sendJson(writer, 200,
           json::object{{"total", all->size()},
                        {"healthy", counts[static_cast<size_t>(Verdict::Healthy)]},
                        {"warning", warning},
                        {"errored", errored},
                        {"disabled", counts[static_cast<size_t>(Verdict::Disabled)]},
                        {"lastCheckAt", isoTime(last_check)},
                        {"status", errored > 0   ? "error"
                                   : warning > 0 ? "warning"
                                                 : "healthy"},
                        {"connections", std::move(list)}});
}

json::object entryOf(const AuditEntry& entry) {
  json::object shown;
  shown["id"] = entry.id;
  shown["at"] = isoTime(entry.at_ms);
  shown["actor"] = entry.actor;
  shown["action"] = entry.action;
  shown["subject"] = entry.subject;
  shown["subjectId"] = entry.subject_id;
  shown["subjectName"] = entry.subject_name;
  boost::system::error_code failed;
  json::value detail = json::parse(entry.detail, failed);
  shown["detail"] = failed ? json::value(json::object{}) : std::move(detail);
  return shown;
}

void auditLog(Context& context, const Request& request, ResponseWriter& writer) {
  if (auto fine = refuseUnknownQuery(request, {"connection", "before", "limit"}); !fine)
    return sendError(writer, fine.error());
  auto before = queryNumber(request, "before", 0);
  if (!before) return sendError(writer, before.error());
  auto limit = queryNumber(request, "limit", kDefaultPage);
  if (!limit) return sendError(writer, limit.error());
  if (*limit < 1 || *limit > kLargestPage) {
    Error error;
    error.kind = FailureKind::BadRequest;
    error.field = "limit";
    error.message = "\"limit\" must be 1 to 1000.";
    return sendError(writer, error);
  }
  // By id or name; an id that is no connection any more still has its past.
  std::string subject;
  if (const auto given = request.query.find("connection"); given != request.query.end()) {
    auto connection = findConnection(context.deps.accounts, given->second);
    if (!connection && connection.error().kind != FailureKind::NotFound)
      return sendError(writer, connection.error());
    subject = connection ? connection->id : given->second;
  }
  json::array list;
  if (context.deps.audit != nullptr) {
    auto entries =
        context.deps.audit->list(subject, static_cast<int64_t>(*before), static_cast<int>(*limit));
    if (!entries) return sendError(writer, entries.error());
    for (const AuditEntry& entry : *entries) list.push_back(entryOf(entry));
  }
  sendJson(writer, 200, json::object{{"entries", std::move(list)}});
}

}  // namespace

void addTokenHealthRoutes(http::RouteTable& table, const ContextPtr& context) {
  using Handle = void (*)(Context&, const Request&, ResponseWriter&);
  const auto add = [&](const char* pattern, Handle handle) {
    http::Route route;
    route.method = "GET";
    route.pattern = pattern;
    route.handler = guarded([context, handle](const Request& request, ResponseWriter& writer) {
      handle(*context, request, writer);
    });
    table.push_back(std::move(route));
  };
  add("/api/token-health", tokenHealth);
  add("/api/audit", auditLog);
}

}  // namespace omni::admin
