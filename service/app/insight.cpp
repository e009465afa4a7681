#include "service/app/insight.hpp"

#include <fmt/format.h>

#include "core/errors/error_table.hpp"
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
  out += fmt::format("{}\"{}\":", out.back() == '{' ? "" : ",", name);
  appendJsonString(out, value);
}

std::string attemptsJson(const RouteReport& route) {
  std::string out = "[";
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
  return e;
}

}  // namespace

struct Insight::Parts {
  Parts(const InsightDeps& given, const config::Config& config)
      : deps(given),
        table(given.store.sessions()),
        log(table, given.clock,
            {.keep_ms = config.request_keep_days * kDayMs,
             .keep_rows = config.request_keep_rows,
             .after_batch = given.after_batch,
             .failed = [this](const Error& error) {
               deps.log.log(Level::Error, "the request log cannot be written",
                            {{"error", error.message}});
             }}) {}

  InsightDeps deps;
  storage::RequestTable table;
  telemetry::RequestLog log;
};

Insight::Insight(const InsightDeps& deps, const config::Config& config)
    : parts_(std::make_unique<Parts>(deps, config)) {}
Insight::~Insight() = default;

void Insight::addRoutes(http::RouteTable& table) {
  admin::addRequestRoutes(table,
                          {.log = parts_->table, .feed = parts_->log, .clock = parts_->deps.clock});
}

void Insight::finished(const http::InferenceRecord& record) {
  parts_->log.add(entryOf(record));
}

void Insight::closeViews() {
  parts_->log.closeFeed();
}

void Insight::stop() {
  parts_->log.stop();
}

}  // namespace omni::app
