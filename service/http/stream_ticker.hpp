#pragma once
// One thread that looks after all open streams of a server: it sends a late header or a keep-alive
// when the handler has been silent, and begins a planned stream. It sleeps when there
// has been no stream for a second.

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
  // `awake_ms`: how long it goes on without a stream.
  explicit StreamTicker(int shortest_ms, std::function<int64_t()> steady_ms = {},
                        int awake_ms = 1000);
  ~StreamTicker();
  StreamTicker(const StreamTicker&) = delete;
  StreamTicker& operator=(const StreamTicker&) = delete;

  void start();
  void stop();
  void add(Ticked* stream);
  void remove(Ticked* stream);  // no tick() of it runs or starts after this has returned
  void tickAll();               // now, on the calling thread
  int64_t nowMs() const { return steady_ms_(); }
  bool asleep() const;  // until there is a stream

 private:
  void run();

  const int period_ms_;
  const int awake_ms_;
  const std::function<int64_t()> steady_ms_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Ticked*> streams_;
  bool stopping_ = false;
  bool asleep_ = false;  // until there is a stream
  std::thread thread_;
};

}  // namespace omni::http
