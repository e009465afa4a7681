#pragma once
// Idle connections, kept apart by a key that begins with the account: what one account opened, no
// other account gets. Thread-safe. Times are Clock::steadyMs.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ports/clock.hpp"
#include "service/upstream/transport.hpp"

namespace omni::upstream {

struct PoolLimits {
  size_t max_idle_per_key = 8;
  size_t max_idle = 256;
  int64_t max_idle_ms = 45'000;  // below the 60 s after which common load balancers close
  int64_t max_age_ms = 600'000;  // so that a moved name is looked up again
};

struct PooledConnection {
  std::unique_ptr<Transport> transport;
  int64_t opened_ms = 0;
  int64_t idle_since_ms = 0;
};

class ConnectionPool {
 public:
  ConnectionPool(PoolLimits limits, const Clock& clock) : limits_(limits), clock_(clock) {}
  // The most recently used live one; transport is null when there is none.
  PooledConnection take(const std::string& key);
  void put(const std::string& key, PooledConnection connection);
  size_t idle() const;

 private:
  bool expired(const PooledConnection& connection, int64_t now) const;
  // Moves what is too old out, to be closed without the mutex held.
  std::vector<PooledConnection> sweep(int64_t now);

  const PoolLimits limits_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::vector<PooledConnection>> idle_;
  size_t count_ = 0;
  int64_t swept_ms_ = 0;
};

}  // namespace omni::upstream
