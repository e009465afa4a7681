#pragma once
// Work that nobody waits for. A source says when it has something to do; a pool of threads
// (service/app) asks it and runs what it gives. So the source has no thread and no clock of its
// own, and a test runs it by hand.

#include <cstdint>
#include <functional>
#include <limits>

#include "core/ports/cancel.hpp"

namespace omni {

constexpr int64_t kNeverDue = std::numeric_limits<int64_t>::max();

// Thread-safe.
class BackgroundWork {
 public:
  using Job = std::function<void(const CancelToken&)>;  // the token fires when the service stops

  virtual ~BackgroundWork() = default;
  // A job that is due, or an empty function. Each job is given out once and must be run.
  virtual Job take(int64_t steady_now_ms) = 0;
  // When take() is worth asking again, on the steady clock; may be in the past.
  virtual int64_t nextDue(int64_t steady_now_ms) = 0;
  // Called by the source, from any thread, when nextDue() has moved forward; may be set once,
  // before the work begins.
  std::function<void()> wake;
};

}  // namespace omni
