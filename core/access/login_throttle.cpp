#include "core/access/login_throttle.hpp"

#include <algorithm>

namespace omni::access {
namespace {

constexpr int kFreeTries = 5;
constexpr int64_t kFirstLockMs = 30'000;
constexpr int64_t kLongestLockMs = 15 * 60'000;
constexpr int64_t kForgetMs = 60 * 60'000;
constexpr size_t kMostAddresses = 10'000;

}  // namespace

int64_t LoginThrottle::wait(std::string_view address, int64_t steady_ms) {
  const std::lock_guard lock(mutex_);
  const auto found = tries_.find(address);
  if (found == tries_.end()) return 0;
  return std::max<int64_t>(found->second.locked_until_ms - steady_ms, 0);
}

void LoginThrottle::failed(std::string_view address, int64_t steady_ms) {
  const std::lock_guard lock(mutex_);
  forgetOld(steady_ms);
  Tries& t = tries_[std::string(address)];
  ++t.failures;
  t.last_ms = steady_ms;
  if (t.failures < kFreeTries) return;
  const int doublings = std::min(t.failures - kFreeTries, 10);
  t.locked_until_ms = steady_ms + std::min(kFirstLockMs << doublings, kLongestLockMs);
}

void LoginThrottle::succeeded(std::string_view address) {
  const std::lock_guard lock(mutex_);
  if (const auto found = tries_.find(address); found != tries_.end()) tries_.erase(found);
}

void LoginThrottle::forgetOld(int64_t steady_ms) {
  std::erase_if(tries_, [&](const auto& entry) {
    return steady_ms - entry.second.last_ms > kForgetMs && entry.second.locked_until_ms < steady_ms;
  });
  // Somebody with very many addresses: the oldest goes, so that memory stays bounded.
  if (tries_.size() >= kMostAddresses)
    tries_.erase(std::ranges::min_element(tries_, {},
                                          [](const auto& entry) { return entry.second.last_ms; }));
}

}  // namespace omni::access
