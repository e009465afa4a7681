#pragma once
// Single flight per account and name, e.g. one token refresh at a time. Thread-safe.

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

#include "core/base/error.hpp"
#include "core/ports/cancel.hpp"

namespace omni::plugins {

class AccountLocks {
 public:
  // Waits until nobody holds `key`. Cancelled when the token fires while waiting (looked at each
  // 100 ms).
  Result<> acquire(const std::string& key, const CancelToken& cancel);
  void release(const std::string& key);

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<std::string> held_;
};

}  // namespace omni::plugins
