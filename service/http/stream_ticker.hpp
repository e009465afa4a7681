#pragma once
// One thread that looks after all open streams of a server: it sends a late header or a keep-alive
// when the handler has been silent, and begins a planned stream. It sleeps while there is
// no stream.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace omni::http {

class Ticked {
 public:
  virtual ~Ticked() = default;
  // Must not block: the thread serves all streams.
  virtual void tick() = 0;
};

// Thread-safe.
class StreamTicker {
 public:
  // `shortest_ms`: the shortest silence that anybody waits for; `steady_ms`: the time by which
  // silence is measured, empty: the machine's monotonic clock.
  explicit StreamTicker(int shortest_ms, std::function<int64_t()> steady_ms = {});
  ~StreamTicker();
  StreamTicker(const StreamTicker&) = delete;
  StreamTicker& operator=(const StreamTicker&) = delete;

  void start();
  void stop();
  void add(Ticked* stream);
  void remove(Ticked* stream);  // no tick() of it runs or starts after this has returned
  void tickAll();               // now, on the calling thread
  int64_t nowMs() const { return steady_ms_(); }

 private:
  void run();

  const int period_ms_;
  const std::function<int64_t()> steady_ms_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Ticked*> streams_;
  bool stopping_ = false;
  bool asleep_ = false;  // until there is a stream
  std::thread thread_;
};

}  // namespace omni::http
