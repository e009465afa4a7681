#include "core/access/limiter.hpp"

#include <gtest/gtest.h>

namespace omni::access {
namespace {

constexpr int64_t kNoon = 1'795'521'600'000;  // 2026-11-24T12:00Z

TEST(Limiter, PeriodsAreUtcDaysAndMonths) {
  EXPECT_EQ(dayOf(kNoon), "2026-11-24");
  EXPECT_EQ(monthOf(kNoon), "2026-11");
  EXPECT_EQ(dayEnd(kNoon) - kNoon, 12 * 3'600'000);
  EXPECT_EQ(dayOf(dayEnd(kNoon)), "2026-11-25");
  EXPECT_EQ(dayOf(monthEnd(kNoon)), "2026-12-01");
  EXPECT_EQ(dayOf(monthEnd(monthEnd(kNoon))), "2027-01-01");
  EXPECT_EQ(dayOf(0), "1970-01-01");
}

TEST(TokenBucket, AllowsTheBurstThenTheRate) {
  TokenBucket bucket;
  for (int i = 0; i < 60; ++i) EXPECT_EQ(bucket.take(60, 0), 0) << i;
  EXPECT_EQ(bucket.take(60, 0), 1000);
  EXPECT_EQ(bucket.take(60, 400), 600);
  EXPECT_EQ(bucket.take(60, 1000), 0);
  EXPECT_GT(bucket.take(60, 1000), 0);
}

TEST(TokenBucket, WhoComesBackWhenToldGetsIn) {
  TokenBucket bucket;
  int64_t now = 0;
  int served = 0;
  while (now < 10 * 60'000) {
    const int64_t wait = bucket.take(7, now);
    now += wait;
    if (wait > 0) {
      EXPECT_EQ(bucket.take(7, now), 0) << now;
    }
    ++served;
  }
  EXPECT_GE(served, 7 * 10);
  EXPECT_LE(served, 7 * 11 + 1);
}

TEST(TokenBucket, AChangedRateCountsAtOnce) {
  TokenBucket bucket;
  EXPECT_EQ(bucket.take(100, 0), 0);
  EXPECT_EQ(bucket.take(1, 0), 0);
  EXPECT_EQ(bucket.take(1, 0), 60'000);
}

TEST(Limiter, ConcurrencyFreesWithEachEnd) {
  Limiter limiter;
  KeyPolicy policy;
  policy.max_concurrent = 2;
  EXPECT_TRUE(limiter.enter(policy, kNoon, 0));
  EXPECT_TRUE(limiter.enter(policy, kNoon, 0));
  const auto third = limiter.enter(policy, kNoon, 0);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().kind, FailureKind::RateLimited);
  EXPECT_EQ(third.error().reason, "key_concurrency");
  EXPECT_GT(third.error().retry_after_ms, 0);
  limiter.leave({1, 10, 0.5}, kNoon);
  EXPECT_TRUE(limiter.enter(policy, kNoon, 0));
  EXPECT_EQ(limiter.running(), 2);
}

TEST(Limiter, ARefusedRequestTakesNoSlot) {
  Limiter limiter;
  KeyPolicy policy;
  policy.max_concurrent = 5;
  policy.requests_per_minute = 1;
  EXPECT_TRUE(limiter.enter(policy, kNoon, 0));
  const auto second = limiter.enter(policy, kNoon, 0);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "key_rate");
  EXPECT_EQ(second.error().retry_after_ms, 60'000);
  EXPECT_EQ(limiter.running(), 1);
}

TEST(Limiter, BudgetsEndWithTheirPeriod) {
  Limiter limiter;
  KeyPolicy policy;
  policy.budgets.credits_per_day = 1;
  policy.budgets.tokens_per_month = 1000;
  EXPECT_TRUE(limiter.enter(policy, kNoon, 0));
  limiter.leave({1, 100, 1.0}, kNoon);
  auto refused = limiter.enter(policy, kNoon, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "key_budget");
  EXPECT_EQ(refused.error().retry_after_ms, 12 * 3'600'000);
  const int64_t tomorrow = dayEnd(kNoon);
  EXPECT_TRUE(limiter.enter(policy, tomorrow, 0));
  limiter.leave({1, 900, 0.1}, tomorrow);
  refused = limiter.enter(policy, tomorrow, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(tomorrow + refused.error().retry_after_ms, monthEnd(kNoon));
  EXPECT_TRUE(limiter.enter(policy, monthEnd(kNoon), 0));
}

TEST(Limiter, SpendingSurvivesARestart) {
  Limiter limiter;
  KeyPolicy policy;
  policy.budgets.tokens_per_day = 50;
  limiter.restore({3, 50, 0}, {9, 500, 1}, kNoon);
  EXPECT_FALSE(limiter.enter(policy, kNoon, 0));
  EXPECT_EQ(limiter.thisMonth(kNoon).tokens, 500);
  EXPECT_EQ(limiter.today(dayEnd(kNoon)).tokens, 0);
}

}  // namespace
}  // namespace omni::access
