#include "service/http/stream_ticker.hpp"

#include <algorithm>
#include <chrono>

namespace omni::http {

namespace {

int64_t machineMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

StreamTicker::StreamTicker(int shortest_ms, std::function<int64_t()> steady_ms, int awake_ms)
    : period_ms_(shortest_ms > 0 ? std::clamp(shortest_ms / 4, 5, 250) : 250),
      awake_ms_(awake_ms),
      steady_ms_(steady_ms ? std::move(steady_ms) : machineMs) {}

StreamTicker::~StreamTicker() {
  stop();
}

void StreamTicker::start() {
  thread_ = std::thread([this] { run(); });
}

void StreamTicker::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void StreamTicker::add(Ticked* stream) {
  std::lock_guard lock(mutex_);
  streams_.push_back(stream);
  if (asleep_) wake_.notify_all();
}

void StreamTicker::remove(Ticked* stream) {
  std::lock_guard lock(mutex_);
  const auto it = std::find(streams_.begin(), streams_.end(), stream);
  if (it == streams_.end()) return;
  *it = streams_.back();
  streams_.pop_back();
}

bool StreamTicker::asleep() const {
  std::lock_guard lock(mutex_);
  return asleep_;
}

void StreamTicker::tickAll() {
  std::lock_guard lock(mutex_);
  for (Ticked* stream : streams_) stream->tick();
}

void StreamTicker::run() {
  std::unique_lock lock(mutex_);
  int empty_ms = 0;
  while (!stopping_) {
    // Waking it for each of many short streams would be a switch of threads per request.
    if (streams_.empty() && empty_ms >= awake_ms_) {
      asleep_ = true;
      wake_.wait(lock, [this] { return stopping_ || !streams_.empty(); });
      asleep_ = false;
      empty_ms = 0;
      continue;
    }
    wake_.wait_for(lock, std::chrono::milliseconds(period_ms_), [this] { return stopping_; });
    if (stopping_) return;
    empty_ms = streams_.empty() ? empty_ms + period_ms_ : 0;
    for (Ticked* stream : streams_) stream->tick();
  }
}

}  // namespace omni::http
