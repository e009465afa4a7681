#pragma once
// Threads that run the jobs of one BackgroundWork source.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/ports/background.hpp"
#include "core/ports/clock.hpp"

namespace omni::app {

// At most `threads` jobs at once. Source and clock must outlive the pool.
class BackgroundPool {
 public:
  // `on_error` hears what a job threw; the job counts as done.
  BackgroundPool(BackgroundWork& source, Clock& clock, size_t threads,
                 std::function<void(const std::string&)> on_error);
  ~BackgroundPool();  // stop()
  BackgroundPool(const BackgroundPool&) = delete;
  BackgroundPool& operator=(const BackgroundPool&) = delete;

  // Fires the jobs' token and waits for them. No job starts afterwards.
  void stop();

 private:
  class Stopping final : public CancelToken {
   public:
    bool cancelled() const override { return on.load(); }
    std::atomic<bool> on{false};
  };
  void loop();

  BackgroundWork& source_;
  Clock& clock_;
  const std::function<void(const std::string&)> on_error_;
  Stopping stopping_;
  std::mutex mutex_;
  std::condition_variable wake_;
  uint64_t woken_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace omni::app
