#include "service/telemetry/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace omni::telemetry {
namespace {

void appendEscaped(std::string& out, std::string_view value) {
  const auto special = [](char c) { return c == '\n' || c == '\\' || c == '"'; };
  if (std::ranges::none_of(value, special)) {
    out += value;
    return;
  }
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || c == '"') out += '\\';
      out += c;
    }
  }
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

}  // namespace

void MetricText::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

std::string MetricText::labelText(Labels labels) {
  std::string out;
  size_t size = 0;
  for (const auto& [key, value] : labels) size += key.size() + value.size() + 4;
  out.reserve(size);
  for (const auto& [key, value] : labels) {
    if (!out.empty()) out += ',';
    out += key;
    out += "=\"";
    appendEscaped(out, value);
    out += '"';
  }
  return out;
}

void MetricText::sample(Labels labels, double value, std::string_view suffix) {
  raw(labelText(labels), value, suffix);
}

void MetricText::raw(std::string_view labels, double value, std::string_view suffix) {
  out_ += name_;
  out_ += suffix;
  if (!labels.empty()) fmt::format_to(std::back_inserter(out_), "{{{}}}", labels);
  out_ += ' ';
  out_ += number(value);
  out_ += '\n';
}

void RequestMetrics::Histogram::add(double seconds) {
  const auto bound = std::ranges::lower_bound(kBounds, seconds);
  ++counts[static_cast<size_t>(bound - kBounds.begin())];
  sum += seconds;
}

void RequestMetrics::observe(const RequestEntry& e) {
  const std::string status = std::to_string(e.status);
  const std::string requests =
      MetricText::labelText({{"api", e.api},
                             {"provider", e.provider},
                             {"connection", e.connection_name},
                             {"status", status},
                             // A stream can fail after its 200.
                             {"ok", e.status < 400 && e.error.empty() ? "true" : "false"}});
  const std::string timed = MetricText::labelText({{"api", e.api}, {"provider", e.provider}});
  const std::string account =
      MetricText::labelText({{"provider", e.provider}, {"connection", e.connection_name}});
  const std::lock_guard lock(mutex_);
  ++requests_[requests];
  durations_[timed].add(static_cast<double>(e.duration_ms) / 1000);
  if (e.first_byte_ms >= 0) first_bytes_[timed].add(static_cast<double>(e.first_byte_ms) / 1000);
  Sums& sums = sums_[account];
  sums.input_tokens += static_cast<double>(std::max<int64_t>(e.input_tokens, 0));
  sums.output_tokens += static_cast<double>(std::max<int64_t>(e.output_tokens, 0));
  sums.cached_tokens += static_cast<double>(std::max<int64_t>(e.cache_read_tokens, 0));
  sums.credits += std::max(e.credits, 0.0);
  // More than one attempt: the request moved on from another account.
  if (std::ranges::count(e.attempts, '{') > 1) ++fallbacks_[account];
}

void RequestMetrics::writeHistogram(MetricText& out, std::string_view name, std::string_view help,
                                    const std::map<std::string, Histogram>& by_labels) const {
  out.family(name, "histogram", help);
  for (const auto& [labels, histogram] : by_labels) {
    uint64_t below = 0;
    for (size_t i = 0; i < kBounds.size(); ++i) {
      below += histogram.counts[i];
      out.raw(fmt::format("{},le=\"{}\"", labels, kBounds[i]), static_cast<double>(below),
              "_bucket");
    }
    below += histogram.counts.back();
    out.raw(labels + ",le=\"+Inf\"", static_cast<double>(below), "_bucket");
    out.raw(labels, histogram.sum, "_sum");
    out.raw(labels, static_cast<double>(below), "_count");
  }
}

void RefreshMetrics::count(const Connection& connection, bool ok) {
  const std::string labels = MetricText::labelText({{"provider", connection.provider},
                                                    {"connection", connection.name},
                                                    {"result", ok ? "ok" : "failed"}});
  const std::lock_guard lock(mutex_);
  ++refreshes_[labels];
}

void RefreshMetrics::write(MetricText& out) const {
  const std::lock_guard lock(mutex_);
  out.family("omniroute_token_refreshes_total", "counter",
             "Access tokens got anew, and the keeper's attempts that failed.");
  for (const auto& [labels, count] : refreshes_) out.raw(labels, static_cast<double>(count));
}

void RequestMetrics::write(MetricText& out) const {
  const std::lock_guard lock(mutex_);
  out.family("omniroute_requests_total", "counter", "Finished inference requests.");
  for (const auto& [labels, count] : requests_) out.raw(labels, static_cast<double>(count));
  out.family("omniroute_fallbacks_total", "counter",
             "Requests that this account answered after another attempt had failed.");
  for (const auto& [labels, count] : fallbacks_) out.raw(labels, static_cast<double>(count));
  writeHistogram(out, "omniroute_request_duration_seconds",
                 "From the request to the last byte of its answer.", durations_);
  writeHistogram(out, "omniroute_first_byte_seconds", "From the request to the first content.",
                 first_bytes_);
  out.family("omniroute_tokens_total", "counter", "Tokens, as far as providers tell them.");
  for (const auto& [labels, sums] : sums_) {
    out.raw(labels + ",kind=\"input\"", sums.input_tokens);
    out.raw(labels + ",kind=\"output\"", sums.output_tokens);
    out.raw(labels + ",kind=\"cached\"", sums.cached_tokens);
  }
  out.family("omniroute_credits_total", "counter", "Credits spent, as providers tell them.");
  for (const auto& [labels, sums] : sums_) out.raw(labels, sums.credits);
}

}  // namespace omni::telemetry
