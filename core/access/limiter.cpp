#include "core/access/limiter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace omni::access {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr int64_t kMinuteMs = 60'000;
// How soon a client that is over its concurrency may find a slot free; nobody knows better.
constexpr int64_t kSlotRetryMs = 1000;

sys_days dayPoint(int64_t unix_ms) {
  return std::chrono::floor<days>(std::chrono::sys_time<milliseconds>(milliseconds(unix_ms)));
}
int64_t msOf(sys_days day) {
  return std::chrono::duration_cast<milliseconds>(day.time_since_epoch()).count();
}

std::unexpected<Error> limited(std::string reason, std::string message, int64_t retry_after_ms) {
  Error error;
  error.kind = FailureKind::RateLimited;
  error.message = std::move(message);
  error.reason = std::move(reason);
  error.retry_after_ms = std::max<int64_t>(retry_after_ms, 1);
  return std::unexpected(std::move(error));
}

}  // namespace

std::string dayOf(int64_t unix_ms) {
  const year_month_day date(dayPoint(unix_ms));
  const auto year = static_cast<unsigned>(std::clamp(static_cast<int>(date.year()), 0, 9999));
  const auto month = static_cast<unsigned>(date.month());
  const auto day = static_cast<unsigned>(date.day());
  // By hand: it is asked for with every request.
  std::string out = "0000-00-00";
  const auto put = [&](size_t at, unsigned two_digits) {
    out[at] = static_cast<char>('0' + two_digits / 10);
    out[at + 1] = static_cast<char>('0' + two_digits % 10);
  };
  put(0, year / 100);
  put(2, year % 100);
  put(5, month);
  put(8, day);
  return out;
}

std::string monthOf(int64_t unix_ms) {
  return dayOf(unix_ms).substr(0, 7);
}

int64_t dayEnd(int64_t unix_ms) {
  return msOf(dayPoint(unix_ms) + days(1));
}

int64_t monthEnd(int64_t unix_ms) {
  const year_month_day date(dayPoint(unix_ms));
  return msOf(sys_days((date.year() / date.month() / 1) + std::chrono::months(1)));
}

int64_t TokenBucket::take(int per_minute, int64_t steady_ms) {
  if (size_ == 0) {
    tokens_ = per_minute;
  } else {
    const double passed = static_cast<double>(std::max<int64_t>(steady_ms - at_ms_, 0));
    tokens_ = std::min<double>(tokens_ + passed * per_minute / kMinuteMs, per_minute);
  }
  size_ = per_minute;
  at_ms_ = steady_ms;
  // A hair of tolerance: sums of fractions must not make somebody wait who waited as told.
  if (tokens_ >= 1 - 1e-6) {
    tokens_ = std::max(tokens_ - 1, 0.0);
    return 0;
  }
  return static_cast<int64_t>(std::ceil((1 - tokens_) * kMinuteMs / per_minute));
}

void Limiter::roll(int64_t unix_ms) {
  if (std::string day = dayOf(unix_ms); day != day_) {
    day_ = std::move(day);
    day_spent_ = {};
  }
  if (std::string month = monthOf(unix_ms); month != month_) {
    month_ = std::move(month);
    month_spent_ = {};
  }
}

Result<> Limiter::enter(const KeyPolicy& policy, int64_t unix_ms, int64_t steady_ms) {
  roll(unix_ms);
  const Budgets& b = policy.budgets;
  const auto over = [&](bool is_over, std::string_view what, bool day) -> Result<> {
    if (!is_over) return {};
    return limited("key_budget",
                   fmt::format("The API key's budget of {} for this {} is spent.", what,
                               day ? "day" : "month"),
                   (day ? dayEnd(unix_ms) : monthEnd(unix_ms)) - unix_ms);
  };
  // The month first: its end is the later one, so that nobody comes back in vain.
  for (const Result<>& verdict :
       {over(b.credits_per_month > 0 && month_spent_.credits >= b.credits_per_month, "credits",
             false),
        over(b.tokens_per_month > 0 && month_spent_.tokens >= b.tokens_per_month, "tokens", false),
        over(b.credits_per_day > 0 && day_spent_.credits >= b.credits_per_day, "credits", true),
        over(b.tokens_per_day > 0 && day_spent_.tokens >= b.tokens_per_day, "tokens", true)})
    if (!verdict) return verdict;
  if (policy.max_concurrent > 0 && running_ >= policy.max_concurrent)
    return limited(
        "key_concurrency",
        fmt::format("The API key may have {} requests under way at once.", policy.max_concurrent),
        kSlotRetryMs);
  if (policy.requests_per_minute > 0)
    if (const int64_t wait = bucket_.take(policy.requests_per_minute, steady_ms); wait > 0)
      return limited(
          "key_rate",
          fmt::format("The API key may send {} requests a minute.", policy.requests_per_minute),
          wait);
  ++running_;
  return {};
}

void Limiter::leave(const Spent& spent, int64_t unix_ms) {
  running_ = std::max(running_ - 1, 0);
  roll(unix_ms);
  day_spent_.add(spent);
  month_spent_.add(spent);
}

void Limiter::restore(const Spent& day, const Spent& month, int64_t unix_ms) {
  roll(unix_ms);
  day_spent_ = day;
  month_spent_ = month;
}

}  // namespace omni::access
