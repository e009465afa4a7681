#include "service/upstream/pool.hpp"

#include <gtest/gtest.h>

namespace omni::upstream {
namespace {

class FakeClock final : public Clock {
 public:
  int64_t nowMs() const override { return now; }
  int64_t steadyMs() const override { return now; }
  int64_t now = 0;
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(bool alive = true) : alive_(alive) {}
  Result<> write(std::string_view, int64_t, const CancelToken&) override { return {}; }
  Result<size_t> read(char*, size_t, Deadline, const CancelToken&) override { return size_t{0}; }
  bool looksAlive() override { return alive_; }

 private:
  bool alive_;
};

PooledConnection connection(int64_t opened = 0, bool alive = true) {
  PooledConnection out;
  out.transport = std::make_unique<FakeTransport>(alive);
  out.opened_ms = opened;
  return out;
}

class PoolTest : public ::testing::Test {
 protected:
  FakeClock clock;
  ConnectionPool pool{
      PoolLimits{.max_idle_per_key = 2, .max_idle = 3, .max_idle_ms = 100, .max_age_ms = 1000},
      clock};
};

TEST_F(PoolTest, GivesBackTheNewestOfTheSameKeyOnly) {
  PooledConnection older = connection(), newer = connection();
  Transport* const expected = newer.transport.get();
  pool.put("a", std::move(older));
  pool.put("a", std::move(newer));
  EXPECT_EQ(pool.take("b").transport, nullptr);
  EXPECT_EQ(pool.take("a").transport.get(), expected);
  EXPECT_EQ(pool.idle(), 1u);
}

TEST_F(PoolTest, DropsWhatLayIdleTooLongOrIsTooOld) {
  pool.put("a", connection());
  clock.now = 101;
  EXPECT_EQ(pool.take("a").transport, nullptr);
  clock.now = 1001;
  pool.put("a", connection(0));
  EXPECT_EQ(pool.idle(), 0u);
}

TEST_F(PoolTest, WhatNobodyAsksForAnyMoreGoesWithinASecond) {
  pool.put("a", connection());
  clock.now = 500;
  pool.put("b", connection(500));
  EXPECT_EQ(pool.idle(), 2u) << "not with every request";
  clock.now = 1'000;
  pool.put("c", connection(1'000));
  EXPECT_EQ(pool.idle(), 1u);
  EXPECT_EQ(pool.take("a").transport, nullptr);
}

TEST_F(PoolTest, AFullPoolMakesRoomAtOnce) {
  for (const char* key : {"a", "b", "c"}) pool.put(key, connection());
  clock.now = 101;
  pool.put("d", connection(101));
  EXPECT_EQ(pool.idle(), 1u) << "the three others lay too long";
  EXPECT_NE(pool.take("d").transport, nullptr);
}

TEST_F(PoolTest, SkipsDeadConnections) {
  pool.put("a", connection());
  pool.put("a", connection(0, false));
  EXPECT_NE(pool.take("a").transport, nullptr);
  EXPECT_EQ(pool.idle(), 0u);
}

TEST_F(PoolTest, IsBoundedPerKeyAndInAll) {
  for (int i = 0; i < 3; ++i) pool.put("a", connection());
  EXPECT_EQ(pool.idle(), 2u);
  for (int i = 0; i < 3; ++i) pool.put("b", connection());
  EXPECT_EQ(pool.idle(), 3u);
}

}  // namespace
}  // namespace omni::upstream
