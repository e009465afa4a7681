#pragma once
// The real clock and random source. Thread-safe.

#include "core/ports/clock.hpp"
#include "core/ports/waiter.hpp"

namespace omni::app {

class SystemClock final : public Clock {
 public:
  int64_t nowMs() const override;
  int64_t steadyMs() const override;
};

// OpenSSL's generator; aborts the process if the system has no entropy, because going on would be
// unsafe.
class SystemRandom final : public Random {
 public:
  void fill(void* out, size_t size) override;
};

// Sleeps in short steps, so that a request whose client has gone ends soon.
class SystemWaiter final : public Waiter {
 public:
  bool wait(int64_t ms, const CancelToken& cancel) override;
};

}  // namespace omni::app
