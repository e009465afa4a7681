#pragma once
// One thread that looks after all open streams of a server: it sends a late header or a keep-alive
// comment when the handler has been silent. It sleeps while there is no stream.

#include <condition_variable>
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
  explicit StreamTicker(int keep_alive_comment_ms);
  ~StreamTicker();
  StreamTicker(const StreamTicker&) = delete;
  StreamTicker& operator=(const StreamTicker&) = delete;

  void start();
  void stop();
  void add(Ticked* stream);
  void remove(Ticked* stream);  // no tick() of it runs or starts after this has returned

 private:
  void run();

  const int period_ms_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Ticked*> streams_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace omni::http
