#pragma once
// Numbers in Prometheus' text format (version 0.0.4: "Exposition formats" of its documentation).
// Written here rather than taken from a library: the format is a page, and no library for it is
// there on every platform of the service.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/accounts/connection.hpp"
#include "core/ports/request_log.hpp"

namespace omni::telemetry {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Builds one answer. All samples of a family have to follow its family() call. Not thread-safe.
class MetricText {
 public:
  // type: "counter", "gauge" or "histogram".
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(Labels labels, double value, std::string_view suffix = {});
  // As sample(), with labels that are written already: R"(a="b",c="d")".
  void raw(std::string_view labels, double value, std::string_view suffix = {});
  const std::string& text() const { return out_; }

  static std::string labelText(Labels labels);

 private:
  std::string name_;
  std::string out_;
};

// What finished requests add up to. Thread-safe. Label values are names of accounts and providers,
// never a client's words, so that nobody can make the series grow.
class RequestMetrics {
 public:
  void observe(const RequestEntry& entry);
  void write(MetricText& out) const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.05, 0.1, 0.25, 0.5, 1,   2.5,
                                                     5,    10,  30,   60,  120, 300};
  struct Histogram {
    std::array<uint64_t, kBounds.size() + 1> counts{};
    double sum = 0;
    void add(double seconds);
  };
  struct Sums {
    double input_tokens = 0;
    double output_tokens = 0;
    double cached_tokens = 0;
    double credits = 0;
  };
  void writeHistogram(MetricText& out, std::string_view name, std::string_view help,
                      const std::map<std::string, Histogram>& by_labels) const;

  mutable std::mutex mutex_;
  // By label text.
  std::map<std::string, uint64_t> requests_;
  std::map<std::string, uint64_t> fallbacks_;
  std::map<std::string, Histogram> durations_;
  std::map<std::string, Histogram> first_bytes_;
  std::map<std::string, Sums> sums_;
};

// Access tokens got anew: by the keeper ahead of time, or on a request's way. Thread-safe.
class RefreshMetrics {
 public:
  void done(const Connection& connection) { count(connection, true); }
  void failed(const Connection& connection) { count(connection, false); }
  void write(MetricText& out) const;

 private:
  void count(const Connection& connection, bool ok);

  mutable std::mutex mutex_;
  std::map<std::string, uint64_t> refreshes_;  // by label text
};

}  // namespace omni::telemetry
