#pragma once
// Time and randomness as core and service see them; tests inject their own. Implementations are
// thread-safe.

#include <cstddef>
#include <cstdint>

namespace omni {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t nowMs() const = 0;     // Unix time
  virtual int64_t steadyMs() const = 0;  // monotonic, for intervals
};

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(void* out, size_t size) = 0;  // cryptographic in production
};

}  // namespace omni
