#pragma once
// The service's log: one line per event, JSON or text, written by a thread of its own so that no
// request waits for the disk. JSON:
// {"time":"2026-01-31T23:59:59.123Z","level":"info","message":"…", then the fields in their order}.
// A field must not use one of those three names.

#include <atomic>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/clock.hpp"

namespace omni::telemetry {

// The numbers are those of OMNI_LOG_* in the plugin ABI.
enum class Level : uint32_t { Debug = 0, Info = 1, Warning = 2, Error = 3 };

std::string_view levelName(Level level);  // "debug", "info", "warning", "error"

// One value of a log line. Text is borrowed for the call of log() only.
class FieldValue {
 public:
  FieldValue(std::string_view text) : value_(text) {}  // NOLINT(google-explicit-constructor)
  FieldValue(const std::string& text)
      : value_(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
  FieldValue(const char* text)
      : value_(std::string_view(text)) {}      // NOLINT(google-explicit-constructor)
  FieldValue(bool value) : value_(value) {}    // NOLINT(google-explicit-constructor)
  FieldValue(double value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  template <std::integral T>
  FieldValue(T value) {  // NOLINT(google-explicit-constructor)
    if constexpr (std::signed_integral<T>) {
      value_ = static_cast<int64_t>(value);
    } else {
      value_ = static_cast<uint64_t>(value);
    }
  }

  using Variant = std::variant<std::string_view, bool, double, int64_t, uint64_t>;
  const Variant& get() const { return value_; }

 private:
  Variant value_;
};

struct Field {
  std::string_view key;
  FieldValue value;
};

// Thread-safe. log() takes a short lock, allocates the line, and never waits for the output: when
// `capacity` lines wait, the line is dropped, and the writer reports how many were as soon as it is
// through. Every text is redacted (redact.hpp), every control character and invalid UTF-8 escaped,
// so that nobody can forge a line.
class Logger {
 public:
  struct Options {
    Level level = Level::Info;
    std::filesystem::path path{};  // appended to, made with mode 0640; empty: `fd` is used
    bool json = true;
    int fd = 2;                    // not closed by the logger
    size_t capacity = 8'192;       // lines
    const Clock* clock = nullptr;  // borrowed; nullptr: the system's
    // Also gets each warning and error, as its line without the line break, on the writer's thread:
    // for a log of the system's that is not read from the output. Must not throw.
    std::function<void(Level, std::string_view)> also{};
  };

  // When the file cannot be opened the log goes to `fd`, and its first line says so.
  explicit Logger(Options options);
  ~Logger();  // writes what waits
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  bool enabled(Level level) const { return level >= level_.load(std::memory_order_relaxed); }
  void setLevel(Level level) { level_.store(level, std::memory_order_relaxed); }

  void log(Level level, std::string_view message,
           std::initializer_list<Field> fields = {}) noexcept;
  // Returns when all lines that were logged before the call have been handed to the system (no
  // fsync).
  void flush();
  // Opens the file anew, after a rotation moved it away. On an error the old one stays in use.
  Result<> reopen();
  // Lines lost so far, for want of room or because the output failed.
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  std::string line(Level level, std::string_view message, const Field* fields, size_t count) const;
  void run();
  bool writeAll(std::string_view bytes);

  struct Waiting {
    Level level;
    std::string text;
  };

  const Options options_;
  std::atomic<Level> level_;
  std::atomic<uint64_t> lost_ = 0;

  std::mutex output_mutex_;  // never held together with mutex_
  int output_ = -1;
  bool owns_output_ = false;

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::vector<Waiting> queue_;
  uint64_t dropped_ = 0;   // since the last report
  uint64_t accepted_ = 0;  // lines ever queued
  uint64_t written_ = 0;   // of them, those through
  bool stopping_ = false;

  std::thread writer_;  // last: it uses all of the above
};

}  // namespace omni::telemetry
