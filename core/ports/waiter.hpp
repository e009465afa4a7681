#pragma once
// A pause on the request's thread. Tests inject one that only moves their clock.

#include <cstdint>

#include "core/ports/cancel.hpp"

namespace omni {

class Waiter {
 public:
  virtual ~Waiter() = default;
  // Thread-safe. False: cancelled before the time was over.
  virtual bool wait(int64_t ms, const CancelToken& cancel) = 0;
};

}  // namespace omni
