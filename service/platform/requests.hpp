#pragma once
// What the process is asked from outside while it serves: to stop, or to read its settings anew.
// Signals where there are signals; on Windows the console and the service control manager.

#include <chrono>
#include <optional>

namespace omni::platform {

enum class Request { None, Stop, Reload };

// One for a process, made before any thread exists (threads inherit what it blocks).
class Requests {
 public:
  Requests();
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  // The next request; None when `patience` was given and has passed. For one thread.
  Request wait(std::optional<std::chrono::milliseconds> patience) const;
};

}  // namespace omni::platform
