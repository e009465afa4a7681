#pragma once
// What all connections of one server share. Internal to service/http.

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

#include "service/http/guards.hpp"
#include "service/http/router.hpp"
#include "service/http/server.hpp"
#include "service/http/stream_ticker.hpp"

namespace omni::http {

// Counts up to a limit, never waits.
class Admission {
 public:
  explicit Admission(int limit) : limit_(limit) {}
  bool tryEnter() {
    if (count_.fetch_add(1, std::memory_order_acq_rel) < limit_) return true;
    leave();
    return false;
  }
  void leave() { count_.fetch_sub(1, std::memory_order_acq_rel); }
  int count() const { return count_.load(std::memory_order_acquire); }

 private:
  const int limit_;
  std::atomic<int> count_{0};
};

// A connection as the server sees it from its other threads.
class LiveConnection {
 public:
  virtual ~LiveConnection() = default;
  virtual bool busy() const = 0;
  virtual void closeIdle() = 0;                        // wakes a wait for the next request
  virtual void cut() = 0;                              // shuts the socket down both ways
  virtual bool headOverdue(int64_t now_ms) const = 0;  // a header takes longer than it may
};

struct ServerCore {
  ServerCore(ServerOptions o, RouteTable routes, Random& r)
      : options(std::move(o)),
        router(std::move(routes)),
        hosts(options.allowed_hosts, options.allowed_origins),
        random(r),
        streams(options.max_streams),
        admin(options.max_admin),
        ticker(shortestSilence(), options.steady_ms) {}

  int maxThreads() const { return options.max_streams + options.max_admin + options.spare_threads; }

  int shortestSilence() const {
    const int keep_alive = options.keep_alive_comment_ms;
    const int commit = options.commit_after_ms;
    return keep_alive > 0 && commit > 0 ? std::min(keep_alive, commit)
                                        : std::max(keep_alive, commit);
  }

  const ServerOptions options;
  const Router router;
  const HostGuard hosts;
  Random& random;
  Admission streams;
  Admission admin;
  StreamTicker ticker;

  std::atomic<bool> draining{false};
  std::atomic<bool> cancel_all{false};

  // A read's time-out begins anew with every byte; without this, one byte at a time would hold a
  // thread for hours.
  void cutOverdueHeads() {
    const int64_t now = ticker.nowMs();
    const std::lock_guard lock(mutex);
    for (LiveConnection* connection : connections)
      if (connection->headOverdue(now)) connection->cut();
  }

  mutable std::mutex mutex;  // guards the two below
  std::condition_variable changed;
  std::condition_variable_any first;  // there is a connection where there was none
  size_t active = 0;
  std::unordered_set<LiveConnection*> connections;
};

}  // namespace omni::http
