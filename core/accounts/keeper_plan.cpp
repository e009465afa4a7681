#include "core/accounts/keeper_plan.hpp"

#include <algorithm>
#include <charconv>

#include "core/ports/background.hpp"

namespace omni {
namespace {

constexpr int64_t kFirstBackOff = 30'000;
constexpr int64_t kLongestBackOff = 30 * kMinuteMs;
constexpr int64_t kProbeJitter = kMinuteMs;
constexpr int64_t kCoolingMemory = 10 * kMinuteMs;

int64_t part(double spread, int64_t whole) {
  return static_cast<int64_t>(spread * static_cast<double>(whole));
}

}  // namespace

std::string_view registrationLevelName(RegistrationLevel level) {
  switch (level) {
    case RegistrationLevel::Fine:
      return "ok";
    case RegistrationLevel::Soon:
      return "soon";
    case RegistrationLevel::Urgent:
      return "urgent";
    case RegistrationLevel::Expired:
      return "expired";
  }
  return "ok";
}

int64_t timeValue(const Connection& connection, std::string_view key) {
  const auto found = connection.values.find(key);
  if (found == connection.values.end()) return 0;
  const std::string& text = found->second;
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() && value > 0 ? value : 0;
}

int64_t daysLeft(int64_t expires_ms, int64_t now_ms) {
  const int64_t left = expires_ms - now_ms;
  return left >= 0 ? left / kDayMs : -((-left + kDayMs - 1) / kDayMs);
}

RegistrationLevel registrationLevel(int64_t expires_ms, int64_t now_ms, const KeeperOptions& o) {
  if (expires_ms <= 0) return RegistrationLevel::Fine;
  const int64_t left = expires_ms - now_ms;
  if (left <= 0) return RegistrationLevel::Expired;
  if (left <= o.urgent_days * kDayMs) return RegistrationLevel::Urgent;
  return left <= o.warn_days * kDayMs ? RegistrationLevel::Soon : RegistrationLevel::Fine;
}

int64_t refreshDue(int64_t expires_ms, int64_t now_ms, double spread, const KeeperOptions& o) {
  if (expires_ms <= 0) return kNeverDue;
  const int64_t left = expires_ms - now_ms;
  if (left <= 0) return now_ms;
  return expires_ms - std::min(o.lead_ms, left / 4) - part(spread, std::min(o.jitter_ms, left / 4));
}

int64_t backOff(int failures, int64_t retry_after_ms, double spread) {
  if (failures <= 0) return 0;
  const int64_t plain = kFirstBackOff << std::min(failures - 1, 10);
  const int64_t wait = std::min(plain, kLongestBackOff);
  return std::max(wait - wait / 5 + part(spread, 2 * wait / 5), retry_after_ms);
}

int64_t probeDue(const StateRecord& state, double spread) {
  switch (state.state) {
    case AccountState::Cooling:
      return state.until_ms + kCoolingMemory;
    case AccountState::Exhausted:
      return state.until_ms + part(spread, kProbeJitter);
    case AccountState::Suspended:
    case AccountState::ReauthRequired:
      return state.next_probe_ms > 0 ? state.next_probe_ms + part(spread, kProbeJitter) : kNeverDue;
    case AccountState::Active:
    case AccountState::Disabled:
      return kNeverDue;
  }
  return kNeverDue;
}

int64_t renewDue(int64_t expires_ms, double spread, const KeeperOptions& o) {
  if (expires_ms <= 0) return kNeverDue;
  return expires_ms - o.warn_days * kDayMs + part(spread, kDayMs / 2);
}

}  // namespace omni
