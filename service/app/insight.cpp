#include "service/app/insight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/errors/error_table.hpp"
#include "service/admin/metrics.hpp"
#include "service/admin/requests.hpp"
#include "service/storage/request_log_store.hpp"
#include "service/telemetry/request_log.hpp"

namespace omni::app {
namespace {

using telemetry::Level;

constexpr int64_t kDayMs = 86'400'000;
constexpr size_t kMaxError = 500;
constexpr size_t kMaxModel = 300;

void member(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  out.append("\"").append(name).append("\":");
  appendJsonString(out, value);
}

std::string attemptsJson(const RouteReport& route) {
  std::string out;
  out.reserve(2 + 128 * route.attempts.size());
  out += '[';
  for (const RouteAttempt& attempt : route.attempts) {
    if (out.size() > 1) out += ',';
    out += '{';
    member(out, "connection", attempt.connection_name);
    member(out, "provider", attempt.provider);
    member(out, "model", attempt.model);
    out += attempt.ok ? ",\"ok\":true" : ",\"ok\":false";
    if (!attempt.ok) {
      member(out, "error", errorRule(attempt.error.kind).code);
      if (!attempt.error.reason.empty()) member(out, "reason", attempt.error.reason);
    }
    out += '}';
  }
  return out + "]";
}

RequestEntry entryOf(const http::InferenceRecord& record) {
  RequestEntry e;
  e.request_id = record.request_id;
  e.trace_id = record.trace_id;
  e.at_ms = record.started_at_ms;
  e.api = record.api;
  e.model = record.model.substr(0, kMaxModel);
  if (!record.route.attempts.empty()) {
    const RouteAttempt& last = record.route.attempts.back();
    e.served_model = last.model;
    e.connection_id = last.connection_id;
    e.connection_name = last.connection_name;
    e.provider = last.provider;
  }
  e.attempts = attemptsJson(record.route);
  e.status = record.status;
  if (record.error)
    e.error = fmt::format("{}: {}", errorRule(record.error->kind).code, record.error->message)
                  .substr(0, kMaxError);
  e.streamed = record.streamed;
  e.first_byte_ms = record.first_byte_ms;
  e.duration_ms = record.duration_ms;
  e.input_tokens = record.usage.input_tokens;
  e.output_tokens = record.usage.output_tokens;
  e.cache_read_tokens = record.usage.cache_read_tokens;
  e.credits = record.usage.credits;
  e.caller = record.caller;
  e.content = record.content;
  return e;
}

// A plugin's time stamp in Unix ms; 0: none.
int64_t timeValue(const Connection& connection, std::string_view key) {
  const auto found = connection.values.find(key);
  int64_t ms = 0;
  if (found != connection.values.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), ms);
  return ms;
}

void writeAccounts(telemetry::MetricText& out, const AccountDirectory::Snapshot& accounts,
                   const QuotaView& quota) {
  out.family("omniroute_connection_state", "gauge", "1 for the state that the account is in.");
  for (const Connection& c : accounts)
    out.sample({{"provider", c.provider},
                {"connection", c.name},
                {"state", accountStateName(c.state.state)}},
               1);
  const auto times = [&](std::string_view name, std::string_view help, auto&& of) {
    out.family(name, "gauge", help);
    for (const Connection& c : accounts)
      if (const int64_t ms = of(c); ms > 0)
        out.sample({{"provider", c.provider}, {"connection", c.name}},
                   static_cast<double>(ms) / 1000);
  };
  times("omniroute_connection_usable_again_timestamp_seconds",
        "When a cooling or exhausted account may be used again.",
        [](const Connection& c) { return c.state.until_ms; });
  times("omniroute_token_expiry_timestamp_seconds", "When the access token ends.",
        [](const Connection& c) { return timeValue(c, "expiresAt"); });
  times("omniroute_registration_expiry_timestamp_seconds", "When the client registration ends.",
        [](const Connection& c) { return timeValue(c, "clientSecretExpiresAt"); });
  out.family("omniroute_quota_limit", "gauge", "The quota in the provider's unit.");
  for (const Connection& c : accounts)
    if (const auto q = quota.quota(c.id); q && q->limit >= 0)
      out.sample({{"provider", c.provider}, {"connection", c.name}}, q->limit);
  out.family("omniroute_quota_left", "gauge", "What is left of the quota.");
  for (const Connection& c : accounts)
    if (const auto q = quota.quota(c.id); q && q->limit >= 0)
      out.sample({{"provider", c.provider}, {"connection", c.name}},
                 std::max(q->limit - q->used, 0.0));
}

}  // namespace

struct Insight::Parts {
  Parts(const InsightDeps& given, const config::Config& config)
      : deps(given),
        table(given.store.sessions(), given.sealer),
        log(table, given.clock,
            {.keep_ms = config.request_keep_days * kDayMs,
             .keep_rows = config.request_keep_rows,
             .content_keep_ms =
                 config.request_content ? config.request_content_keep_days * kDayMs : 0,
             .content_keep_rows = config.request_content_keep_rows,
             .after_batch = given.after_batch,
             .failed =
                 [this](const Error& error) {
                   deps.log.log(Level::Error, "the request log cannot be written",
                                {{"error", error.message}});
                 }}),
        content_kept(config.request_content) {}

  std::string metricsText() const {
    telemetry::MetricText out;
    requests.write(out);
    if (const auto accounts = deps.accounts.snapshot()) writeAccounts(out, *accounts, deps.quota);
    out.family("omniroute_request_log_lost_total", "counter",
               "Requests that could not be written to the log.");
    out.sample({}, static_cast<double>(log.lost()));
    out.family("omniroute_request_content_lost_total", "counter",
               "Requests in the log without what was said, because the disk was too slow for it.");
    out.sample({}, static_cast<double>(log.contentsLost()));
    if (deps.more_metrics) deps.more_metrics(out);
    return out.text();
  }

  InsightDeps deps;
  storage::RequestTable table;
  telemetry::RequestMetrics requests;
  telemetry::RequestLog log;
  const bool content_kept;
};

Insight::Insight(const InsightDeps& deps, const config::Config& config)
    : parts_(std::make_unique<Parts>(deps, config)) {}
Insight::~Insight() = default;

void Insight::addRoutes(http::RouteTable& table, AuditLog& audit) {
  admin::addRequestRoutes(table, {.log = parts_->table,
                                  .feed = parts_->log,
                                  .clock = parts_->deps.clock,
                                  .written = [parts = parts_.get()] { parts->log.flush(); },
                                  .content_kept = parts_->content_kept,
                                  .audit = &audit});
  admin::addMetricsRoute(table, [parts = parts_.get()] { return parts->metricsText(); });
}

void Insight::finished(const http::InferenceRecord& record) {
  RequestEntry entry = entryOf(record);
  parts_->requests.observe(entry);
  parts_->log.add(std::move(entry));
}

void Insight::closeViews() {
  parts_->log.closeFeed();
}

void Insight::stop() {
  parts_->log.stop();
}

}  // namespace omni::app
