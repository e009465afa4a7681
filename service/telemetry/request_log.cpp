#include "service/telemetry/request_log.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/access/limiter.hpp"

namespace omni::telemetry {
namespace {

constexpr size_t kRecent = 500;
constexpr int64_t kUsageDaysMs = 400 * 86'400'000LL;
constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
// What is worth a transaction by its size alone.
constexpr size_t kLargeBatch = 8u << 20;
constexpr std::chrono::milliseconds kBetweenTrims(20);

size_t sizeOf(const RequestEntry& entry) {
  return entry.content ? entry.content->request.size() + entry.content->answer.size() : 0;
}

}  // namespace

RequestLog::RequestLog(RequestLogStore& store, Clock& clock, Options options)
    : store_(store), clock_(clock), options_(std::move(options)), writer_([this] { run(); }) {}

RequestLog::~RequestLog() {
  stop();
}

void RequestLog::stop() {
  closeFeed();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  news_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void RequestLog::closeFeed() {
  {
    const std::lock_guard lock(mutex_);
    feed_closed_ = true;
  }
  news_.notify_all();
}

void RequestLog::add(RequestEntry entry) noexcept {
  bool wake = false;
  try {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    auto content = std::move(entry.content);  // the live view is of everybody who may watch
    recent_.push_back(entry);
    if (recent_.size() > kRecent) recent_.pop_front();
    ++newest_;
    if (queue_.size() >= options_.capacity) {
      ++lost_;
    } else {
      if (content) {
        entry.content = std::move(content);
        const size_t size = sizeOf(entry);
        if (content_waiting_ + size > options_.content_bytes) {
          entry.content.reset();
          ++contents_lost_;
        } else {
          content_waiting_ += size;
          wake = content_waiting_ >= kLargeBatch && content_waiting_ - size < kLargeBatch;
        }
      }
      queue_.push_back(std::move(entry));
      ++accepted_;
      // Waking the writer for each entry would be a switch of threads per request.
      wake = wake || queue_.size() == 1 || queue_.size() == options_.batch;
    }
  } catch (...) {  // no memory: a log entry is no reason to fail a request
    return;
  }
  if (wake) work_.notify_one();
  news_.notify_all();
}

uint64_t RequestLog::contentsLost() const {
  const std::lock_guard lock(mutex_);
  return contents_lost_;
}

uint64_t RequestLog::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void RequestLog::flush() {
  std::unique_lock lock(mutex_);
  const uint64_t target = accepted_;
  flushing_ = true;
  work_.notify_all();
  done_.wait(lock, [&] { return written_ >= target; });
}

RequestFeed::Batch RequestLog::follow(int64_t after, std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  if (after < 0) after = newest_;
  news_.wait_for(lock, wait, [&] { return newest_ > after || feed_closed_; });
  Batch out;
  out.closed = feed_closed_;
  out.next = newest_;
  const auto fresh = std::min<int64_t>(newest_ - after, static_cast<int64_t>(recent_.size()));
  if (fresh > 0) out.entries.assign(recent_.end() - fresh, recent_.end());
  return out;
}

void RequestLog::run() {
  using std::chrono::milliseconds;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto something = [&] { return !queue_.empty() || stopping_; };
    const auto pause = more_to_trim_ ? kBetweenTrims : milliseconds(options_.trim_every_ms);
    if (!work_.wait_for(lock, pause, something)) {  // what is too old goes also when nobody asks
      lock.unlock();
      trim();
      lock.lock();
      continue;
    }
    if (queue_.empty()) {  // stopping, and nothing is left
      lock.unlock();
      if (options_.after_batch) options_.after_batch();
      return;
    }
    // One transaction for what comes within the interval; a sync of the disk each would be dear.
    work_.wait_for(lock, milliseconds(options_.interval_ms), [&] {
      return queue_.size() >= options_.batch || content_waiting_ >= kLargeBatch || flushing_ ||
             stopping_;
    });
    std::vector<RequestEntry> entries;
    size_t content = 0;
    while (!queue_.empty() && entries.size() < options_.batch && content < kLargeBatch) {
      entries.push_back(std::move(queue_.front()));
      queue_.pop_front();
      content += sizeOf(entries.back());
    }
    if (queue_.empty()) flushing_ = false;
    lock.unlock();
    write(entries);
    lock.lock();
    written_ += entries.size();
    content_waiting_ -= content;
    done_.notify_all();
  }
}

void RequestLog::write(std::vector<RequestEntry>& entries) {
  try {
    if (auto done = store_.append(entries); !done) {
      {
        const std::lock_guard lock(mutex_);
        lost_ += entries.size();
      }
      if (options_.failed) options_.failed(done.error());
    }
    if (options_.after_batch) options_.after_batch();
    const int64_t now = clock_.steadyMs();
    if (more_to_trim_ || now - trimmed_ms_ >= options_.trim_every_ms) trim();
  } catch (...) {
    if (options_.failed) {
      Error error;
      error.message = "The request log could not be written.";
      options_.failed(error);
    }
  }
}

void RequestLog::trim() {
  more_to_trim_ = false;
  trimmed_ms_ = clock_.steadyMs();
  const auto failed = [&](const Error& error) {
    if (options_.failed) options_.failed(error);
  };
  try {
    const int64_t today = clock_.nowMs();
    const auto rows = store_.trim(today - options_.keep_ms, options_.keep_rows,
                                  access::dayOf(today - kUsageDaysMs));
    if (!rows) failed(rows.error());
    const bool keep = options_.content_keep_ms > 0;
    auto contents = store_.trimContents(keep ? today - options_.content_keep_ms : kAll,
                                        keep ? options_.content_keep_rows : 0);
    if (!contents) return failed(contents.error());
    more_to_trim_ = *contents || (rows && *rows);
  } catch (...) {
    Error error;
    error.message = "What is too old could not be dropped from the request log.";
    failed(error);
  }
}

}  // namespace omni::telemetry
