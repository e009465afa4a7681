#include "core/routing/load.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace omni::routing {
namespace {

constexpr double kHalfLifeMs = 600000;

double faded(double value, int64_t from_ms, int64_t now_ms) {
  if (value == 0 || now_ms <= from_ms) return value;
  return value * std::exp2(-static_cast<double>(now_ms - from_ms) / kHalfLifeMs);
}

}  // namespace

double AccountLoad::recent(int64_t now_ms) const {
  std::lock_guard lock(mutex_);
  return faded(recent_, recent_at_ms_, now_ms);
}

void AccountLoad::begins(int64_t now_ms) {
  in_flight_.fetch_add(1, std::memory_order_relaxed);
  served_.fetch_add(1, std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  recent_ = faded(recent_, recent_at_ms_, now_ms) + 1;
  recent_at_ms_ = now_ms;
}

double AccountLoad::spentSince(int64_t taken_ms) {
  std::lock_guard lock(mutex_);
  if (taken_ms != reading_ms_) {
    reading_ms_ = taken_ms;
    credits_at_reading_ = credits_;
  }
  return credits_ - credits_at_reading_;
}

void AccountLoad::spent(double credits) {
  if (!(credits > 0)) return;
  std::lock_guard lock(mutex_);
  credits_ += credits;
}

std::shared_ptr<AccountLoad> LoadBook::of(std::string_view connection_id) {
  std::lock_guard lock(mutex_);
  auto found = loads_.find(connection_id);
  if (found == loads_.end())
    found = loads_.emplace(std::string(connection_id), std::make_shared<AccountLoad>()).first;
  return found->second;
}

void LoadBook::keepOnly(const AccountDirectory::Snapshot& accounts) {
  std::set<std::string_view> ids;
  for (const Connection& account : accounts) ids.insert(account.id);
  std::lock_guard lock(mutex_);
  std::erase_if(loads_, [&](const auto& item) { return !ids.contains(item.first); });
}

}  // namespace omni::routing
