#include "service/upstream/pool.hpp"

namespace omni::upstream {
namespace {

constexpr int64_t kSweepMs = 1000;

}  // namespace

bool ConnectionPool::expired(const PooledConnection& connection, int64_t now) const {
  return now - connection.idle_since_ms > limits_.max_idle_ms ||
         now - connection.opened_ms > limits_.max_age_ms;
}

std::vector<PooledConnection> ConnectionPool::sweep(int64_t now) {
  std::vector<PooledConnection> old;
  for (auto it = idle_.begin(); it != idle_.end();) {
    auto& list = it->second;
    for (size_t i = 0; i < list.size();) {
      if (!expired(list[i], now)) {
        ++i;
        continue;
      }
      old.push_back(std::move(list[i]));
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
      --count_;
    }
    it = list.empty() ? idle_.erase(it) : std::next(it);
  }
  return old;
}

PooledConnection ConnectionPool::take(const std::string& key) {
  const int64_t now = clock_.steadyMs();
  for (;;) {
    PooledConnection found;
    {
      std::lock_guard lock(mutex_);
      auto it = idle_.find(key);
      if (it == idle_.end() || it->second.empty()) return {};
      found = std::move(it->second.back());
      it->second.pop_back();
      --count_;
    }
    if (!expired(found, now) && found.transport->looksAlive()) return found;
  }
}

void ConnectionPool::put(const std::string& key, PooledConnection connection) {
  const int64_t now = clock_.steadyMs();
  connection.idle_since_ms = now;
  std::vector<PooledConnection> dropped;
  std::lock_guard lock(mutex_);
  // It goes over all accounts: not with every request.
  if (now - swept_ms_ >= kSweepMs || count_ >= limits_.max_idle) {
    dropped = sweep(now);
    swept_ms_ = now;
  }
  if (count_ >= limits_.max_idle || expired(connection, now)) {
    dropped.push_back(std::move(connection));
    return;
  }
  auto& list = idle_[key];
  if (list.size() >= limits_.max_idle_per_key) {
    dropped.push_back(std::move(list.front()));
    list.erase(list.begin());
    --count_;
  }
  list.push_back(std::move(connection));
  ++count_;
}

size_t ConnectionPool::idle() const {
  std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace omni::upstream
