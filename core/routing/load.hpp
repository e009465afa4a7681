#pragma once
// How busy each account is, as least-used and the quota strategies count it.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/accounts/directory.hpp"

namespace omni::routing {

// Thread-safe.
class AccountLoad {
 public:
  int inFlight() const { return in_flight_.load(std::memory_order_relaxed); }
  // Requests of late: each counts half as much after ten minutes, so that a new account is not
  // flooded until it has caught up with the others' whole history.
  double recent(int64_t now_ms) const;
  uint64_t served() const { return served_.load(std::memory_order_relaxed); }
  // Credits used since the quota was last asked for (QuotaReading::taken_ms).
  double spentSince(int64_t taken_ms);

  void begins(int64_t now_ms);
  void ends() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
  void spent(double credits);

 private:
  std::atomic<int> in_flight_{0};
  std::atomic<uint64_t> served_{0};
  mutable std::mutex mutex_;
  double recent_ = 0;
  int64_t recent_at_ms_ = 0;
  double credits_ = 0;
  double credits_at_reading_ = 0;
  int64_t reading_ms_ = -1;
};

// Thread-safe.
class LoadBook {
 public:
  std::shared_ptr<AccountLoad> of(std::string_view connection_id);
  // Drops the accounts that are not in `accounts` any more.
  void keepOnly(const AccountDirectory::Snapshot& accounts);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<AccountLoad>, std::less<>> loads_;
};

// Counts one call for as long as it lives.
class InFlight {
 public:
  InFlight(AccountLoad& load, int64_t now_ms) : load_(load) { load_.begins(now_ms); }
  ~InFlight() { load_.ends(); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  AccountLoad& load_;
};

}  // namespace omni::routing
