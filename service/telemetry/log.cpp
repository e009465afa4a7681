#include "service/telemetry/log.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <system_error>
#include <utility>

#include "core/base/trace_context.hpp"
#include "core/base/utf8.hpp"
#include "service/telemetry/redact.hpp"

#ifdef _WIN32
#include <io.h>
#include <sys/stat.h>
#else
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#endif

namespace omni::telemetry {
namespace {

namespace fs = std::filesystem;

#ifdef _WIN32
int openLog(const fs::path& path) {
  return ::_wopen(path.c_str(), _O_WRONLY | _O_CREAT | _O_APPEND | _O_BINARY, _S_IREAD | _S_IWRITE);
}
void closeLog(int fd) {
  ::_close(fd);
}
auto writeLog(int fd, const char* data, size_t size) {
  return ::_write(fd, data, static_cast<unsigned>(size));
}
#else
int openLog(const fs::path& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}
void closeLog(int fd) {
  ::close(fd);
}
auto writeLog(int fd, const char* data, size_t size) {
  return ::write(fd, data, size);
}
#endif

// A quoted JSON string. Text lines use it too, so that a line break in a value stays in its line.
void appendQuoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t length = utf8Length(text);
    const char c = text[0];
    if (length == 0) {
      out += "\\ufffd";
    } else if (length > 1) {
      out += text.substr(0, length);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void appendValue(std::string& out, const FieldValue& value) {
  std::visit(
      [&out](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string_view>) {
          appendQuoted(out, redact(held));
        } else if constexpr (std::is_same_v<Held, double>) {
          out += std::isfinite(held) ? fmt::format("{}", held) : "null";
        } else {
          out += fmt::format("{}", held);
        }
      },
      value.get());
}

std::string timeText(int64_t unix_ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(unix_ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

int64_t systemNowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::string_view levelName(Level level) {
  switch (level) {
    case Level::Debug:
      return "debug";
    case Level::Info:
      return "info";
    case Level::Warning:
      return "warning";
    case Level::Error:
      break;
  }
  return "error";  // also for a number that a plugin made up
}

Logger::Logger(Options options)
    : options_(std::move(options)), level_(options_.level), output_(options_.fd) {
  int failure = 0;
  if (!options_.path.empty()) {
    const int fd = openLog(options_.path);
    failure = fd < 0 ? errno : 0;
    if (fd >= 0) {
      output_ = fd;
      owns_output_ = true;
    }
  }
  writer_ = std::thread([this] { run(); });
  if (failure != 0) {
    log(Level::Error, "The log file cannot be opened; logging goes on here.",
        {{"file", options_.path.string()}, {"cause", std::generic_category().message(failure)}});
  }
}

Logger::~Logger() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  writer_.join();
  if (owns_output_) closeLog(output_);
}

std::string Logger::line(Level level, std::string_view message, const Field* fields,
                         size_t count) const {
  const auto time = timeText(options_.clock != nullptr ? options_.clock->nowMs() : systemNowMs());
  std::string out;
  out.reserve(96 + message.size() + count * 32);
  if (options_.json) {
    out += fmt::format(R"({{"time":"{}","level":"{}","message":)", time, levelName(level));
    appendQuoted(out, redact(message));
  } else {
    out += fmt::format("{} {:<7} ", time, levelName(level));
    std::string quoted;
    appendQuoted(quoted, redact(message));
    out.append(quoted, 1, quoted.size() - 2);
  }
  const auto add = [&](std::string_view key, const FieldValue& value) {
    if (options_.json) {
      out += ',';
      appendQuoted(out, key);
      out += ':';
    } else {
      out += ' ';
      out += key;
      out += '=';
    }
    appendValue(out, value);
  };
  bool has_request = false;
  for (size_t i = 0; i < count; ++i) {
    add(fields[i].key, fields[i].value);
    has_request = has_request || fields[i].key == "requestId";
  }
  // Whatever is logged on a request's thread can be found by the request.
  if (const auto id = TraceScope::requestId(); !has_request && !id.empty()) add("requestId", id);
  if (const TraceContext* trace = TraceScope::trace()) add("traceId", trace->trace_id);
  out += options_.json ? "}\n" : "\n";
  return out;
}

void Logger::log(Level level, std::string_view message,
                 std::initializer_list<Field> fields) noexcept {
  if (!enabled(level)) return;
  try {
    auto text = line(level, message, fields.begin(), fields.size());
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.capacity) {
      ++dropped_;
      lost_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    queue_.push_back({level, std::move(text)});
    ++accepted_;
  } catch (...) {  // no memory: a log line is no reason to fail a request
    lost_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  work_.notify_one();
}

void Logger::flush() {
  std::unique_lock lock(mutex_);
  const uint64_t target = accepted_;
  done_.wait(lock, [&] { return written_ >= target; });
}

Result<> Logger::reopen() {
  if (options_.path.empty()) return {};
  const int fd = openLog(options_.path);
  if (fd < 0) {
    return makeError(FailureKind::Unavailable,
                     fmt::format("The log file {} cannot be opened: {}.", options_.path.string(),
                                 std::generic_category().message(errno)));
  }
  const std::lock_guard lock(output_mutex_);
  if (owns_output_) closeLog(output_);
  output_ = fd;
  owns_output_ = true;
  return {};
}

void Logger::run() {
#ifndef _WIN32
  // Signals belong to the main thread; a SIGPIPE of the output becomes an error of write().
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
#endif
  std::vector<Waiting> batch;
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stopping_ || !queue_.empty() || dropped_ > 0; });
    if (queue_.empty() && dropped_ == 0) return;  // stopping, and nothing is left
    batch.clear();
    batch.swap(queue_);
    const uint64_t dropped = std::exchange(dropped_, 0);
    lock.unlock();

    for (const auto& [level, text] : batch) {
      if (!writeAll(text)) lost_.fetch_add(1, std::memory_order_relaxed);
      if (options_.also && level >= Level::Warning)
        options_.also(level, std::string_view(text).substr(0, text.size() - 1));
    }
    if (dropped > 0) {
      const Field count{"dropped", dropped};
      writeAll(
          line(Level::Warning, "Log lines were dropped: the output did not keep up.", &count, 1));
    }

    lock.lock();
    written_ += batch.size();
    done_.notify_all();
  }
}

bool Logger::writeAll(std::string_view bytes) {
  const std::lock_guard lock(output_mutex_);
  while (!bytes.empty()) {
    const auto put = writeLog(output_, bytes.data(), bytes.size());
    if (put > 0) {
      bytes.remove_prefix(static_cast<size_t>(put));
      continue;
    }
    if (put < 0 && errno == EINTR) continue;
#ifndef _WIN32
    if (put < 0 && errno == EAGAIN) {  // somebody made the terminal or pipe non-blocking
      struct pollfd ready{output_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
      continue;
    }
#endif
    return false;
  }
  return true;
}

}  // namespace omni::telemetry
