#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace omni::sim {

// Real time plus an offset that tests move forward.
class VirtualClock {
 public:
  std::int64_t milliseconds() const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + offset_;
  }
  std::int64_t seconds() const { return milliseconds() / 1000; }
  void advance(std::int64_t seconds) { offset_ += seconds * 1000; }
  void setOffset(std::int64_t seconds) { offset_ = seconds * 1000; }

 private:
  std::atomic<std::int64_t> offset_{0};
};

}  // namespace omni::sim
