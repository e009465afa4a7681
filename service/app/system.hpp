#pragma once
// The real clock and random source. Thread-safe.

#include "core/ports/clock.hpp"

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

}  // namespace omni::app
