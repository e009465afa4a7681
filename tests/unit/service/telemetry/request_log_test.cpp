#include "service/telemetry/request_log.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <thread>

namespace omni::telemetry {
namespace {

struct StillClock final : Clock {
  int64_t nowMs() const override { return 1'795'521'600'000; }
  int64_t steadyMs() const override { return 1000; }
};

struct MemoryLog final : RequestLogStore {
  std::mutex mutex;
  std::vector<RequestEntry> rows;
  size_t batches = 0;
  int trims = 0;
  int row_trims_needed = 0;
  std::string oldest_day;
  std::atomic<bool> broken = false;
  Result<> append(const std::vector<RequestEntry>& entries) override {
    if (broken) return makeError(FailureKind::Unavailable, "disk full");
    const std::lock_guard lock(mutex);
    rows.insert(rows.end(), entries.begin(), entries.end());
    ++batches;
    return {};
  }
  Result<std::vector<RequestEntry>> requests(const RequestFilter&) override {
    const std::lock_guard lock(mutex);
    return rows;
  }
  Result<std::vector<UsageRow>> usageSince(std::string_view) override {
    return std::vector<UsageRow>{};
  }
  Result<bool> trim(int64_t, int64_t, std::string_view day) override {
    const std::lock_guard lock(mutex);
    ++trims;
    oldest_day = day;
    return trims < row_trims_needed;
  }
  Result<std::optional<RequestContent>> content(const RequestEntry&) override {
    return std::optional<RequestContent>();
  }
  Result<bool> trimContents(int64_t cutoff_ms, int64_t rows_kept) override {
    const std::lock_guard lock(mutex);
    cutoffs.push_back(cutoff_ms);
    content_rows = rows_kept;
    return cutoffs.size() < content_trims_needed;
  }
  std::vector<int64_t> cutoffs;
  int64_t content_rows = -1;
  size_t content_trims_needed = 1;
};

RequestEntry entry(int number) {
  RequestEntry out;
  out.request_id = std::to_string(number);
  return out;
}

TEST(RequestLog, WritesInOrderAndInBatches) {
  StillClock clock;
  MemoryLog store;
  int after = 0;
  RequestLog log(store, clock,
                 {.batch = 100, .interval_ms = 10'000, .after_batch = [&] { ++after; }});
  for (int i = 0; i < 250; ++i) log.add(entry(i));
  log.flush();
  ASSERT_EQ(store.rows.size(), 250u);
  for (int i = 0; i < 250; ++i)
    EXPECT_EQ(store.rows[static_cast<size_t>(i)].request_id, std::to_string(i));
  EXPECT_LE(store.batches, 4u);
  log.stop();
  EXPECT_EQ(store.trims, 1);  // not with every batch
  EXPECT_EQ(store.oldest_day, "2025-10-20");
  EXPECT_GE(after, 3);
}

TEST(RequestLog, StopWritesWhatWaits) {
  StillClock clock;
  MemoryLog store;
  RequestLog log(store, clock, {.interval_ms = 60'000});
  log.add(entry(1));
  log.stop();
  EXPECT_EQ(store.rows.size(), 1u);
  log.add(entry(2));
  EXPECT_EQ(log.lost(), 0u);
}

TEST(RequestLog, AFullQueueAndABrokenDiskLoseEntriesNotRequests) {
  StillClock clock;
  MemoryLog store;
  store.broken = true;
  std::atomic<int> failures = 0;
  RequestLog log(store, clock, {.capacity = 5, .interval_ms = 60'000, .failed = [&](const Error&) {
                                  ++failures;
                                }});
  for (int i = 0; i < 8; ++i) log.add(entry(i));
  log.flush();
  EXPECT_EQ(log.lost(), 8u);
  EXPECT_GE(failures, 1);
  store.broken = false;
  log.add(entry(9));
  log.flush();
  EXPECT_EQ(store.rows.size(), 1u);
}

TEST(RequestLog, FollowGivesWhatIsNew) {
  using std::chrono::milliseconds;
  StillClock clock;
  MemoryLog store;
  RequestLog log(store, clock, {});
  log.add(entry(1));
  auto batch = log.follow(-1, milliseconds(0));
  EXPECT_TRUE(batch.entries.empty());  // from now on
  log.add(entry(2));
  log.add(entry(3));
  batch = log.follow(batch.next, milliseconds(0));
  ASSERT_EQ(batch.entries.size(), 2u);
  EXPECT_EQ(batch.entries[0].request_id, "2");
  for (int i = 0; i < 1000; ++i) log.add(entry(i));
  EXPECT_EQ(log.follow(batch.next, milliseconds(0)).entries.size(), 500u);
  log.closeFeed();
  EXPECT_TRUE(log.follow(0, milliseconds(60'000)).closed);
}

RequestEntry withContent(int number, size_t bytes) {
  RequestEntry out = entry(number);
  auto content = std::make_shared<RequestContent>();
  content->answer = std::string(bytes, 'x');
  out.content = std::move(content);
  return out;
}

TEST(RequestLog, ContentGoesToTheStoreAndNotToTheLiveView) {
  StillClock clock;
  MemoryLog store;
  RequestLog log(store, clock, {});
  log.add(withContent(1, 10));
  log.flush();
  ASSERT_EQ(store.rows.size(), 1u);
  ASSERT_TRUE(store.rows[0].content);
  EXPECT_EQ(store.rows[0].content->answer, "xxxxxxxxxx");
  const auto seen = log.follow(0, std::chrono::milliseconds(0));
  ASSERT_EQ(seen.entries.size(), 1u);
  EXPECT_FALSE(seen.entries[0].content);
}

TEST(RequestLog, ContentThatWaitsForTheDiskIsBounded) {
  StillClock clock;
  MemoryLog store;
  RequestLog log(store, clock, {.interval_ms = 600'000, .content_bytes = 250});
  for (int i = 0; i < 4; ++i) log.add(withContent(i, 100));
  log.flush();
  ASSERT_EQ(store.rows.size(), 4u);
  EXPECT_TRUE(store.rows[1].content);
  EXPECT_FALSE(store.rows[2].content);
  EXPECT_EQ(log.contentsLost(), 2u);
  EXPECT_EQ(log.lost(), 0u);
  log.add(withContent(5, 200));  // there is room again
  log.flush();
  EXPECT_TRUE(store.rows[4].content);
}

TEST(RequestLog, MuchContentIsWrittenBeforeItsTime) {
  StillClock clock;
  MemoryLog store;
  RequestLog log(store, clock, {.interval_ms = 600'000});
  for (int i = 0; i < 9; ++i) log.add(withContent(i, 1u << 20));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto stored = [&] {
    const std::lock_guard lock(store.mutex);
    return store.rows.size();
  };
  while (stored() < 8 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_GE(stored(), 8u);
}

TEST(RequestLog, OldContentGoesWithoutARequestAndInPortions) {
  StillClock clock;
  MemoryLog store;
  store.content_trims_needed = 3;
  const auto trims = [&] {
    const std::lock_guard lock(store.mutex);
    return store.cutoffs.size();
  };
  RequestLog log(store, clock, {.content_keep_ms = 5000, .content_keep_rows = 7});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (trims() < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  log.stop();
  ASSERT_EQ(store.cutoffs.size(), 3u);
  EXPECT_EQ(store.cutoffs[0], clock.nowMs() - 5000);
  EXPECT_EQ(store.content_rows, 7);
}

TEST(RequestLog, OldRowsGoInPortionsUntilNoneIsLeft) {
  StillClock clock;
  MemoryLog store;
  store.row_trims_needed = 3;
  const auto trims = [&] {
    const std::lock_guard lock(store.mutex);
    return store.trims;
  };
  RequestLog log(store, clock, {});
  log.add(entry(1));
  log.flush();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (trims() < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  log.stop();
  EXPECT_EQ(store.trims, 3);
}

TEST(RequestLog, SwitchedOffAllContentGoes) {
  StillClock clock;
  MemoryLog store;
  RequestLog log(store, clock, {});
  log.add(entry(1));
  log.flush();
  log.stop();
  ASSERT_FALSE(store.cutoffs.empty());
  EXPECT_EQ(store.cutoffs[0], std::numeric_limits<int64_t>::max());
  EXPECT_EQ(store.content_rows, 0);
}

}  // namespace
}  // namespace omni::telemetry
