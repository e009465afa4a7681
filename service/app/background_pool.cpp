#include "service/app/background_pool.hpp"

#include <algorithm>
#include <chrono>

namespace omni::app {
namespace {

// The longest sleep: a source that is asked this often notices a wall clock that was set, and a
// machine that woke up.
constexpr int64_t kLongestWaitMs = 10'000;

}  // namespace

BackgroundPool::BackgroundPool(BackgroundWork& source, Clock& clock, size_t threads,
                               std::function<void(const std::string&)> on_error)
    : source_(source), clock_(clock), on_error_(std::move(on_error)) {
  source_.wake = [this] {
    {
      std::lock_guard lock(mutex_);
      ++woken_;
    }
    wake_.notify_one();
  };
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { loop(); });
}

BackgroundPool::~BackgroundPool() {
  stop();
}

void BackgroundPool::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_.on = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void BackgroundPool::loop() {
  while (true) {
    uint64_t seen = 0;
    {
      std::lock_guard lock(mutex_);
      if (stopping_.on) return;
      seen = woken_;
    }
    try {
      if (const auto job = source_.take(clock_.steadyMs())) {
        // More may be due: another thread looks while this one works.
        wake_.notify_one();
        job(stopping_);
        continue;
      }
      const int64_t now = clock_.steadyMs();
      const int64_t due = source_.nextDue(now);
      const int64_t wait =
          std::clamp<int64_t>(due == kNeverDue ? kLongestWaitMs : due - now, 1, kLongestWaitMs);
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::milliseconds(wait),
                     [&] { return stopping_.on || woken_ != seen; });
    } catch (const std::exception& error) {
      if (on_error_) on_error_(error.what());
    } catch (...) {
      if (on_error_) on_error_("unknown exception in background work");
    }
  }
}

}  // namespace omni::app
