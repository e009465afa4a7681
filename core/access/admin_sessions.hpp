#pragma once
// Log-ins of people: random tokens, kept as keyed hashes in memory, so that a restart ends them.
// Thread-safe. What the constructor gets must outlive it.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/ports/clock.hpp"
#include "core/ports/keyed_hash.hpp"

namespace omni::access {

class AdminSessions {
 public:
  static constexpr int64_t kIdleMs = 12 * 3'600'000LL;
  static constexpr int64_t kLongestMs = 7 * 24 * 3'600'000LL;

  AdminSessions(KeyedHash& hash, Clock& clock, Random& random)
      : hash_(hash), clock_(clock), random_(random) {}

  // A new session's token, 64 hex digits.
  Result<std::string> open();
  // Whether the token is one of an open session; using it keeps it open. Gives the Unix time at
  // which it ends when nobody uses it.
  std::optional<int64_t> use(std::string_view token);
  void close(std::string_view token);
  void closeAll();  // after the password was changed

 private:
  struct Session {
    int64_t opened_ms;
    int64_t used_ms;
  };
  std::optional<std::string> hashOf(std::string_view token);
  bool over(const Session& session, int64_t now_ms) const {
    return now_ms - session.used_ms >= kIdleMs || now_ms - session.opened_ms >= kLongestMs;
  }

  KeyedHash& hash_;
  Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::map<std::string, Session, std::less<>> by_hash_;
};

}  // namespace omni::access
