#pragma once
// Takes the records of finished requests off the requests' threads and writes them in batches. What
// a request pays is one lock and one move, however long the log is.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/ports/clock.hpp"
#include "core/ports/request_log.hpp"

namespace omni::telemetry {

// Thread-safe. What the constructor gets must outlive it. When `capacity` entries wait, further
// ones are counted as lost instead of kept: memory stays bounded when the disk stands still.
class RequestLog final : public RequestFeed {
 public:
  struct Options {
    size_t capacity = 10'000;
    size_t batch = 500;
    int64_t interval_ms = 500;  // how long an entry waits for others
    int64_t keep_ms = 30 * 86'400'000LL;
    int64_t keep_rows = 1'000'000;
    int64_t trim_every_ms = 60'000;
    // Contents have a time of their own; 0: none is kept, and what there is goes.
    int64_t content_keep_ms = 0;
    int64_t content_keep_rows = 0;
    // Contents that wait for the disk. Beyond it entries are taken without theirs.
    size_t content_bytes = 64u << 20;
    // Called on the writer's thread: with each batch, and for each failed write.
    std::function<void()> after_batch{};
    std::function<void(const Error&)> failed{};
  };
  RequestLog(RequestLogStore& store, Clock& clock, Options options);
  ~RequestLog() override;  // stop()
  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;

  void add(RequestEntry entry) noexcept;
  // Writes what waits and ends the thread; add() is then ignored.
  void stop();
  // Ends all follow(), so that live views do not hold up a stop.
  void closeFeed();
  // Returns when everything that was added before the call is in the store (or lost).
  void flush();
  uint64_t lost() const;
  uint64_t contentsLost() const;

  Batch follow(int64_t after, std::chrono::milliseconds wait) override;

 private:
  void run();
  void write(std::vector<RequestEntry>& entries);
  void trim();

  RequestLogStore& store_;
  Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::condition_variable news_;
  std::deque<RequestEntry> queue_;
  std::deque<RequestEntry> recent_;  // for follow(); the last one has the number newest_ - 1
  int64_t newest_ = 0;
  uint64_t accepted_ = 0;
  uint64_t written_ = 0;
  uint64_t lost_ = 0;
  size_t content_waiting_ = 0;  // bytes
  uint64_t contents_lost_ = 0;
  bool flushing_ = false;
  bool stopping_ = false;
  bool feed_closed_ = false;
  // The writer's own.
  int64_t trimmed_ms_ = 0;
  bool more_to_trim_ = true;
  std::thread writer_;
};

}  // namespace omni::telemetry
