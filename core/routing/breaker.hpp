#pragma once
// A circuit breaker: after several failures in a row the way is closed for a while, then one call
// at a time finds out whether it works again. A plain value: the owner locks and brings the time.

#include <algorithm>
#include <cstdint>

namespace omni::routing {

struct BreakerRules {
  int failures = 5;               // in a row, until it opens
  int64_t first_open_ms = 10000;  // doubles with each failed probe
  int64_t longest_open_ms = 300000;
  int64_t forced_every_ms = 1000;  // when nothing else can serve, a probe this often
  int64_t probe_ttl_ms = 120000;   // a probe that has not come back by then is forgotten
};

class Breaker {
 public:
  explicit Breaker(const BreakerRules& rules = {}) : rules_(rules) {}

  bool open() const { return open_until_ms_ != 0; }
  int failures() const { return failures_; }
  // When it may be tried in the normal course; 0: now.
  int64_t openUntil() const { return open_until_ms_; }
  bool probing(int64_t now_ms) const {
    return probe_since_ms_ != 0 && now_ms < probe_since_ms_ + rules_.probe_ttl_ms;
  }
  bool mayProbe(int64_t now_ms) const { return now_ms >= open_until_ms_ && !probing(now_ms); }
  // For when there is nothing else.
  bool mayForce(int64_t now_ms) const { return !probing(now_ms) && now_ms >= mayForceAt(); }
  int64_t mayForceAt() const { return last_failure_ms_ + rules_.forced_every_ms; }
  void probeStarts(int64_t now_ms) { probe_since_ms_ = now_ms; }
  void probeEnds() { probe_since_ms_ = 0; }

  // `at_least_ms`: a delay that the other side asked for; 0: none.
  void fail(int64_t now_ms, int64_t at_least_ms = 0) {
    const bool was_open = open();
    // Calls that were under way when it opened say nothing new.
    const bool late = was_open && now_ms < open_until_ms_ && probe_since_ms_ == 0;
    ++failures_;
    last_failure_ms_ = now_ms;
    probe_since_ms_ = 0;
    if (!late && (was_open || failures_ >= rules_.failures)) {
      open_ms_ = was_open ? std::min(open_ms_ * 2, rules_.longest_open_ms) : rules_.first_open_ms;
      open_until_ms_ = now_ms + open_ms_;
    }
    if (at_least_ms > 0) {
      if (open_ms_ == 0) open_ms_ = rules_.first_open_ms;
      open_until_ms_ = std::max(open_until_ms_, now_ms + at_least_ms);
    }
  }
  void succeed() { *this = Breaker(rules_); }

 private:
  BreakerRules rules_;
  int failures_ = 0;
  int64_t open_ms_ = 0;
  int64_t open_until_ms_ = 0;
  int64_t probe_since_ms_ = 0;
  int64_t last_failure_ms_ = 0;
};

}  // namespace omni::routing
