#include "service/plugins/account_locks.hpp"

#include <chrono>

namespace omni::plugins {

Result<> AccountLocks::acquire(const std::string& key, const CancelToken& cancel) {
  std::unique_lock lock(mutex_);
  while (held_.contains(key)) {
    if (cancel.cancelled()) return makeError(FailureKind::Cancelled, "the request was cancelled");
    freed_.wait_for(lock, std::chrono::milliseconds(100));
  }
  held_.insert(key);
  return {};
}

void AccountLocks::release(const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    held_.erase(key);
  }
  freed_.notify_all();
}

}  // namespace omni::plugins
