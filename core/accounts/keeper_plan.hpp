#pragma once
// When an account is to be looked at next, and for what. Pure: time and chance are arguments.

#include <cstdint>
#include <string_view>

#include "core/accounts/connection.hpp"
#include "core/ports/health.hpp"

namespace omni {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int64_t kDayMs = 24 * kHourMs;

struct KeeperOptions {
  // A token is refreshed so long before it expires, and earlier still by chance, so that a thousand
  // that were issued together are not refreshed together. Both shrink to a quarter of the life that
  // is left when the keeper first sees the token.
  int64_t lead_ms = 10 * kMinuteMs;
  int64_t jitter_ms = 5 * kMinuteMs;
  size_t in_flight = 8;  // calls at once
  int64_t gap_ms = 50;   // between the starts of two calls
  int64_t warn_days = 14;
  int64_t urgent_days = 3;
};

enum class RegistrationLevel { Fine, Soon, Urgent, Expired };
std::string_view registrationLevelName(RegistrationLevel level);  // "ok" "soon" "urgent" "expired"

// A number that the plugin keeps in plain; 0: not set, or no number.
int64_t timeValue(const Connection& connection, std::string_view key);
inline int64_t tokenExpiry(const Connection& c) {
  return timeValue(c, "expiresAt");
}
inline int64_t registrationExpiry(const Connection& c) {
  return timeValue(c, "clientSecretExpiresAt");
}
// Whole days, rounded down; negative once it has expired.
int64_t daysLeft(int64_t expires_ms, int64_t now_ms);
RegistrationLevel registrationLevel(int64_t expires_ms, int64_t now_ms, const KeeperOptions& o);

// `spread` is a random number in [0, 1). Results are Unix ms; kNeverDue: not at all.
int64_t refreshDue(int64_t expires_ms, int64_t now_ms, double spread, const KeeperOptions& o);
// The wait after `failures` in a row: half a minute, doubled each time up to half an hour, with a
// fifth of chance either way; at least what the other side asked for (retry_after_ms, -1: nothing).
int64_t backOff(int failures, int64_t retry_after_ms, double spread);
// When a resting account is looked at again: exhausted after its reset, suspended and
// reauth_required at their probe. Cooling ends by itself, but is kept for ten minutes more, so that
// the next failure knows how long the last one lasted.
int64_t probeDue(const StateRecord& state, double spread);
// First try to renew a registration.
int64_t renewDue(int64_t expires_ms, double spread, const KeeperOptions& o);

}  // namespace omni
