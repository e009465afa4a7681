#pragma once
// One key's running account: rate, concurrency and what it has spent. Times come from the caller,
// so that tests need no clock. Not thread-safe: KeyRing guards it.

#include <cstdint>
#include <string>

#include "core/access/policy.hpp"
#include "core/base/error.hpp"

namespace omni::access {

// "2026-11-24" and "2026-11", in UTC.
std::string dayOf(int64_t unix_ms);
std::string monthOf(int64_t unix_ms);
// The Unix time at which the day or month of `unix_ms` is over.
int64_t dayEnd(int64_t unix_ms);
int64_t monthEnd(int64_t unix_ms);

struct Spent {
  int64_t requests = 0;
  int64_t tokens = 0;
  double credits = 0;
  void add(const Spent& other) {
    requests += other.requests;
    tokens += other.tokens;
    credits += other.credits;
  }
};

// A bucket of `per_minute` tokens that refills evenly.
class TokenBucket {
 public:
  // 0: a token was taken; else the milliseconds until there is one.
  int64_t take(int per_minute, int64_t steady_ms);

 private:
  double tokens_ = 0;
  int64_t at_ms_ = 0;
  int size_ = 0;  // of the last call; 0: never called
};

class Limiter {
 public:
  // Takes a slot and a token, or says what is used up: RateLimited with retry_after_ms and reason
  // "key_concurrency", "key_rate" or "key_budget". A budget is checked against what finished
  // requests have spent: those under way can pass it.
  Result<> enter(const KeyPolicy& policy, int64_t unix_ms, int64_t steady_ms);
  // After each successful enter().
  void leave(const Spent& spent, int64_t unix_ms);

  // What a store remembers, at start.
  void restore(const Spent& day, const Spent& month, int64_t unix_ms);
  int running() const { return running_; }
  Spent today(int64_t unix_ms) const { return day_ == dayOf(unix_ms) ? day_spent_ : Spent{}; }
  Spent thisMonth(int64_t unix_ms) const {
    return month_ == monthOf(unix_ms) ? month_spent_ : Spent{};
  }

 private:
  void roll(int64_t unix_ms);

  TokenBucket bucket_;
  int running_ = 0;
  std::string day_;
  std::string month_;
  Spent day_spent_;
  Spent month_spent_;
};

}  // namespace omni::access
