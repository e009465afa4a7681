#include "core/accounts/directory.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "unit/core/fakes.hpp"

namespace omni {
namespace {

using testing::account;
using testing::MemoryStore;

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kDay = 86'400'000;

Error failure(FailureKind kind) {
  return makeError(kind, "x").error();
}

class DirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_.rows = {account("kiro", "b"), account("kiro", "a"), account("echo", "z")};
    ASSERT_TRUE(directory_.load());
  }
  StateRecord state(std::string_view id) { return directory_.get(id)->state; }

  MemoryStore store_;
  AccountDirectory directory_{store_};
};

TEST(AccountState, NamesGoThereAndBack) {
  for (AccountState state :
       {AccountState::Active, AccountState::Cooling, AccountState::Exhausted,
        AccountState::Suspended, AccountState::ReauthRequired, AccountState::Disabled}) {
    AccountState back{};
    ASSERT_TRUE(parseAccountState(accountStateName(state), back));
    EXPECT_EQ(back, state);
  }
  AccountState out{};
  EXPECT_FALSE(parseAccountState("Active", out));
}

TEST_F(DirectoryTest, SnapshotIsSortedAndNeverChanges) {
  const auto before = directory_.snapshot();
  ASSERT_TRUE(directory_.rename("id-a", "y"));
  EXPECT_EQ((*before)[0].name, "z");
  EXPECT_EQ((*before)[1].name, "a");
  EXPECT_EQ((*directory_.snapshot())[2].name, "y");
  ASSERT_TRUE(directory_.remove("id-a"));
  EXPECT_EQ(directory_.snapshot()->size(), 2u);
  EXPECT_EQ(directory_.get("id-a").error().kind, FailureKind::NotFound);
  ASSERT_TRUE(directory_.create(account("kiro", "new"), {}));
  EXPECT_TRUE(directory_.get("id-new"));
}

TEST_F(DirectoryTest, ValuesAreSeenAtOnce) {
  ASSERT_TRUE(directory_.commit("id-a", {{"region", "eu-west-1", false}}));
  EXPECT_EQ(directory_.get("id-a")->values.at("region"), "eu-west-1");
  EXPECT_EQ(**directory_.value("id-a", "region"), "eu-west-1");
}

TEST_F(DirectoryTest, FailedWriteLeavesTheCache) {
  store_.broken = true;
  EXPECT_FALSE(directory_.rename("id-a", "y"));
  directory_.applyFailure("id-a", failure(FailureKind::Quota), kNow);
  EXPECT_EQ(directory_.get("id-a")->name, "a");
  EXPECT_EQ(state("id-a").state, AccountState::Active);
}

TEST_F(DirectoryTest, FailuresSetTheStateOfTheTable) {
  const std::pair<FailureKind, AccountState> kCases[] = {
      {FailureKind::RateLimited, AccountState::Cooling},
      {FailureKind::AuthInvalid, AccountState::Cooling},
      {FailureKind::Quota, AccountState::Exhausted},
      {FailureKind::Suspended, AccountState::Suspended},
      {FailureKind::ReauthRequired, AccountState::ReauthRequired},
      {FailureKind::BadRequest, AccountState::Active},
      {FailureKind::ContextLength, AccountState::Active},
      {FailureKind::Network, AccountState::Active},
      {FailureKind::Capacity, AccountState::Active}};
  for (const auto& [kind, expected] : kCases) {
    ASSERT_TRUE(directory_.setState("id-a", {}));
    directory_.applyFailure("id-a", failure(kind), kNow);
    EXPECT_EQ(state("id-a").state, expected) << static_cast<int>(kind);
    if (expected == AccountState::Active) continue;
    EXPECT_FALSE(usableNow(*directory_.get("id-a"), kNow));
    EXPECT_TRUE(usableNow(*directory_.get("id-a"), kNow + kDay))
        << "nothing is permanent after one answer";
  }
}

TEST_F(DirectoryTest, CoolingHonoursRetryAfterElseGrowsToTenMinutes) {
  Error error = failure(FailureKind::RateLimited);
  error.retry_after_ms = 5000;
  directory_.applyFailure("id-a", error, kNow);
  EXPECT_EQ(state("id-a").until_ms, kNow + 5000);

  ASSERT_TRUE(directory_.setState("id-a", {}));
  int64_t now = kNow;
  for (int64_t minutes : {1, 2, 4, 8, 10, 10}) {
    directory_.applyFailure("id-a", failure(FailureKind::RateLimited), now);
    EXPECT_EQ(state("id-a").until_ms - now, minutes * 60'000);
    now = state("id-a").until_ms + 1;
  }
}

TEST_F(DirectoryTest, ALateShortDelayDoesNotShortenALongerOne) {
  Error error = failure(FailureKind::RateLimited);
  error.retry_after_ms = 300'000;
  directory_.applyFailure("id-a", error, kNow);
  error.retry_after_ms = 2000;
  directory_.applyFailure("id-a", error, kNow + 100);
  EXPECT_EQ(state("id-a").until_ms, kNow + 300'000);
  error.retry_after_ms = 600'000;
  directory_.applyFailure("id-a", error, kNow + 200);
  EXPECT_EQ(state("id-a").until_ms, kNow + 600'200);

  error = failure(FailureKind::Quota);
  error.reset_at_ms = kNow + 20 * kDay;
  directory_.applyFailure("id-b", error, kNow);
  directory_.applyFailure("id-b", failure(FailureKind::Quota), kNow + 100);
  EXPECT_EQ(state("id-b").until_ms, kNow + 20 * kDay);
}

TEST_F(DirectoryTest, QuotaLastsUntilResetElseUntilMidnight) {
  Error error = failure(FailureKind::Quota);
  error.reset_at_ms = kNow + 3 * kDay;
  directory_.applyFailure("id-a", error, kNow);
  EXPECT_EQ(state("id-a").until_ms, kNow + 3 * kDay);
  directory_.applyFailure("id-b", failure(FailureKind::Quota), kNow);
  EXPECT_EQ(state("id-b").until_ms % kDay, 0);
  EXPECT_GT(state("id-b").until_ms, kNow);
  EXPECT_LE(state("id-b").until_ms, kNow + kDay);
}

TEST_F(DirectoryTest, APersonsDisabledIsNeverTouched) {
  ASSERT_TRUE(directory_.setState("id-a", {.state = AccountState::Disabled, .reason = "holiday"}));
  const int writes = store_.state_writes;
  directory_.applyFailure("id-a", failure(FailureKind::Quota), kNow);
  directory_.applySuccess("id-a", kNow);
  EXPECT_EQ(state("id-a").reason, "holiday");
  EXPECT_EQ(store_.state_writes, writes);
  EXPECT_FALSE(usableNow(*directory_.get("id-a"), kNow + 365 * kDay));
}

TEST_F(DirectoryTest, SuccessReactivatesOnceTheTimeHasCome) {
  directory_.applySuccess("id-a", kNow);
  EXPECT_EQ(store_.state_writes, 0);  // nothing changed, nothing written
  directory_.applyFailure("id-a", failure(FailureKind::RateLimited), kNow);
  directory_.applySuccess("id-a", kNow + 1);  // was on its way before the failure
  EXPECT_EQ(state("id-a").state, AccountState::Cooling);
  directory_.applySuccess("id-a", kNow + 60'000);
  EXPECT_EQ(state("id-a").state, AccountState::Active);
}

TEST_F(DirectoryTest, SimultaneousLimitsCountOnce) {
  directory_.applyFailure("id-a", failure(FailureKind::RateLimited), kNow);
  directory_.applyFailure("id-a", failure(FailureKind::RateLimited), kNow + 10);
  EXPECT_EQ(state("id-a").until_ms, kNow + 60'000);
  directory_.applyFailure("id-a", failure(FailureKind::RateLimited), kNow + 60'000);
  EXPECT_EQ(state("id-a").until_ms, kNow + 180'000);
}

TEST_F(DirectoryTest, ALateLimitLeavesTheGraverState) {
  for (FailureKind kind :
       {FailureKind::Quota, FailureKind::Suspended, FailureKind::ReauthRequired}) {
    ASSERT_TRUE(directory_.setState("id-a", {}));
    directory_.applyFailure("id-a", failure(kind), kNow);
    const AccountState grave = state("id-a").state;
    directory_.applyFailure("id-a", failure(FailureKind::RateLimited), kNow + 1);
    EXPECT_EQ(state("id-a").state, grave);
  }
}

TEST_F(DirectoryTest, RetryAfterIsAtMostADay) {
  Error error = failure(FailureKind::RateLimited);
  error.retry_after_ms = std::numeric_limits<int64_t>::max();
  directory_.applyFailure("id-a", error, kNow);
  EXPECT_EQ(state("id-a").until_ms, kNow + kDay);
}

TEST_F(DirectoryTest, AWriteThatCannotBeReadBackIsDone) {
  store_.unreadable = true;
  EXPECT_TRUE(directory_.commit("id-a", {{"region", "x", false}}));
  EXPECT_EQ(directory_.get("id-a")->values.at("region"), "x");
  EXPECT_TRUE(directory_.create(account("kiro", "new"), {}));
  EXPECT_TRUE(directory_.get("id-new"));
}

}  // namespace
}  // namespace omni
