#include "core/accounts/keeper.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "unit/core/accounts/keeper_world.hpp"

namespace omni {
namespace {

using testing::KeeperWorld;

Result<std::string> failure(FailureKind kind, int64_t retry_after_ms = -1) {
  Error error;
  error.kind = kind;
  error.message = "refused";
  error.retry_after_ms = retry_after_ms;
  return std::unexpected(error);
}

TEST(Keeper, RefreshesAheadOfTheExpiryWithJitter) {
  KeeperWorld world;
  world.add("a", kHourMs);
  world.start();
  const int64_t first = world.expiry("a");
  world.run(44 * kMinuteMs);
  EXPECT_EQ(world.provider.calls.size(), 0u) << "earlier than lead and jitter together";
  world.run(6 * kMinuteMs);
  ASSERT_EQ(world.provider.calls.size(), 1u);
  EXPECT_LE(world.provider.calls[0].at, first - 10 * kMinuteMs);
  EXPECT_EQ(world.expiry("a"), world.provider.calls[0].at + kHourMs);
  EXPECT_EQ(world.health.records["id-a"].last_success_ms, world.provider.calls[0].at);
  EXPECT_GT(world.keeper->view("id-a").next_check_ms, world.clock.wall);
  world.run(10 * kHourMs);
  EXPECT_NEAR(static_cast<double>(world.provider.calls.size()), 13, 2);
}

TEST(Keeper, ShortTokensAreRefreshedInTheirLastHalf) {
  KeeperWorld world;
  world.provider.life = 20'000;
  world.add("a", 20'000);
  world.start();
  world.run(10 * kMinuteMs);
  for (size_t i = 1; i < world.provider.calls.size(); ++i) {
    const int64_t gap = world.provider.calls[i].at - world.provider.calls[i - 1].at;
    EXPECT_GE(gap, 10'000);
    EXPECT_LE(gap, 15'001);
  }
}

TEST(Keeper, AThousandAccountsAreSpreadAndBounded) {
  KeeperWorld world;
  for (int i = 0; i < 1000; ++i) world.add("a" + std::to_string(i), kHourMs);
  world.start();
  // Each call takes two seconds; as many run at once as the keeper allows.
  std::deque<std::pair<int64_t, BackgroundWork::Job>> flying;
  size_t most = 0;
  std::map<int64_t, int> per_second;
  const int64_t end = world.clock.wall + kHourMs;
  while (world.clock.wall < end) {
    while (!flying.empty() && flying.front().first <= world.clock.wall) {
      flying.front().second(NeverCancelled());
      flying.pop_front();
    }
    while (auto job = world.keeper->take(world.clock.steady)) {
      flying.emplace_back(world.clock.wall + 2000, std::move(job));
      ++per_second[world.clock.wall / 1000];
    }
    most = std::max(most, flying.size());
    int64_t next = std::min(world.keeper->nextDue(world.clock.steady), world.clock.steady + 10'000);
    if (!flying.empty())
      next = std::min(next, world.clock.steady + flying.front().first - world.clock.wall);
    world.clock.advance(std::max<int64_t>(1, next - world.clock.steady));
  }
  EXPECT_EQ(world.provider.calls.size(), 1000u) << "each exactly once in this hour";
  EXPECT_LE(most, world.options.in_flight);
  int busiest = 0;
  for (const auto& [second, starts] : per_second) busiest = std::max(busiest, starts);
  EXPECT_LE(busiest, 20);
  EXPECT_GT(per_second.size(), 200u) << "spread over minutes";
  for (const auto& row : world.accounts->rows()) EXPECT_GT(tokenExpiry(*row), world.clock.wall);
}

TEST(Keeper, AThousandOverdueAccountsAreNoBurst) {
  KeeperWorld world;
  for (int i = 0; i < 1000; ++i) world.add("a" + std::to_string(i), -kHourMs);
  world.start();
  world.run(kMinuteMs + 5'000);
  EXPECT_EQ(world.provider.calls.size(), 1000u);
  for (size_t i = 20; i < world.provider.calls.size(); ++i)
    EXPECT_GE(world.provider.calls[i].at - world.provider.calls[i - 20].at, 1000);
}

TEST(Keeper, BacksOffAndErasesNothing) {
  KeeperWorld world;
  world.add("a", -1);
  world.provider.script = [](auto, auto) { return failure(FailureKind::Network); };
  world.start();
  const int64_t expiry = world.expiry("a");
  world.run(4 * kHourMs);
  EXPECT_GE(world.provider.calls.size(), 8u);
  EXPECT_LE(world.provider.calls.size(), 20u);
  EXPECT_EQ(world.expiry("a"), expiry);
  EXPECT_EQ(world.state("a"), AccountState::Active);
  EXPECT_EQ(world.keeper->view("id-a").health.last_error, "refused");
  world.provider.script = nullptr;
  world.run(40 * kMinuteMs);
  EXPECT_GT(world.expiry("a"), world.clock.wall);
  EXPECT_EQ(world.keeper->view("id-a").health.failures, 0);
}

TEST(Keeper, WaitsAsLongAsTheOtherSideAsks) {
  KeeperWorld world;
  world.add("a", -1);
  world.provider.script = [](auto, auto) { return failure(FailureKind::RateLimited, 2 * kHourMs); };
  world.start();
  world.run(119 * kMinuteMs);
  EXPECT_EQ(world.provider.calls.size(), 1u);
  EXPECT_EQ(world.state("a"), AccountState::Active)
      << "a slow sign-in service says nothing about requests";
}

TEST(Keeper, TheBackOffOutlivesARestart) {
  KeeperWorld world;
  world.add("a", -1);
  world.provider.script = [](auto, auto) { return failure(FailureKind::Upstream); };
  world.start();
  world.run(2 * kHourMs);
  const size_t before = world.provider.calls.size();
  for (int i = 0; i < 10; ++i) {
    world.start();
    world.run(1000);
  }
  EXPECT_LE(world.provider.calls.size(), before + 1);
  EXPECT_GE(world.keeper->view("id-a").health.failures, static_cast<int>(before));
}

TEST(Keeper, ADeadTokenIsProbedLessAndLessAndComesBack) {
  KeeperWorld world;
  world.add("a", kHourMs);
  world.provider.script = [](auto, auto) { return failure(FailureKind::ReauthRequired); };
  world.start();
  world.run(10 * kDayMs);
  EXPECT_EQ(world.state("a"), AccountState::ReauthRequired);
  EXPECT_GE(world.provider.calls.size(), 12u);
  EXPECT_LE(world.provider.calls.size(), 24u);
  world.provider.script = nullptr;
  world.run(kDayMs + kHourMs);
  EXPECT_EQ(world.state("a"), AccountState::Active);
  EXPECT_GT(world.expiry("a"), world.clock.wall);
}

TEST(Keeper, ASuspendedAccountIsAskedEverySixHours) {
  KeeperWorld world;
  world.add("a", 0).state = {AccountState::Suspended, "x", world.clock.wall, 0,
                             world.clock.wall + 6 * kHourMs};
  world.provider.script = [](auto, auto) { return failure(FailureKind::Suspended); };
  world.start();
  world.run(5 * kHourMs);
  EXPECT_EQ(world.provider.count("accounts.usage"), 0u);
  world.run(20 * kHourMs);
  EXPECT_EQ(world.provider.count("accounts.usage"), 4u);
  world.provider.script = nullptr;
  world.run(7 * kHourMs);
  EXPECT_EQ(world.state("a"), AccountState::Active);
}

TEST(Keeper, AnExhaustedAccountComesBackAfterItsResetOnlyWithCredits) {
  KeeperWorld world;
  const int64_t reset = world.clock.wall + kDayMs;
  world.add("a", 0).state = {AccountState::Exhausted, "quota", world.clock.wall, reset, 0};
  world.provider.script = [&](auto, auto) -> std::optional<Result<std::string>> {
    return R"({"limit":50,"used":50,"resetAt":)" + std::to_string(reset + 2 * kDayMs) + "}";
  };
  world.start();
  world.run(kDayMs + 2 * kMinuteMs);
  EXPECT_EQ(world.provider.count("accounts.usage"), 1u);
  EXPECT_EQ(world.state("a"), AccountState::Exhausted);
  world.provider.script = [](auto, auto) -> std::optional<Result<std::string>> {
    return std::string(R"({"limit":50,"used":0})");
  };
  world.run(2 * kDayMs);
  EXPECT_EQ(world.state("a"), AccountState::Active);
}

TEST(Keeper, CoolingEndsByItselfWithoutACall) {
  KeeperWorld world;
  world.add("a", 0).state = {AccountState::Cooling, "429", world.clock.wall,
                             world.clock.wall + kMinuteMs, 0};
  world.start();
  world.run(12 * kMinuteMs);
  EXPECT_EQ(world.state("a"), AccountState::Active);
  EXPECT_TRUE(world.provider.calls.empty());
}

TEST(Keeper, WhatAPersonDisabledIsLeftAlone) {
  KeeperWorld world;
  world.add("a", kHourMs, 5 * kDayMs).state.state = AccountState::Disabled;
  world.start();
  world.run(30 * kDayMs);
  EXPECT_TRUE(world.provider.calls.empty());
  EXPECT_TRUE(world.warnings.empty());
  EXPECT_EQ(world.state("a"), AccountState::Disabled);
  (void)world.accounts->setState("id-a", {});
  world.run(kMinuteMs);
  EXPECT_GE(world.provider.count("accounts.refresh"), 1u);
}

TEST(Keeper, SurvivesClocksThatJump) {
  KeeperWorld world;
  world.add("a", kHourMs);
  world.start();
  world.run(kMinuteMs);
  world.clock.wall -= 365 * kDayMs;  // set back: the steady clock still counts
  world.run(50 * kMinuteMs);
  EXPECT_EQ(world.provider.calls.size(), 1u);
  world.clock.wall += 365 * kDayMs;  // and set right again: all looks expired, once
  world.run(kMinuteMs);
  EXPECT_EQ(world.provider.calls.size(), 2u);
  world.clock.wall += 8 * kHourMs;  // the machine slept: the steady clock stood still
  world.run(10'000);
  EXPECT_EQ(world.provider.calls.size(), 3u);
  world.run(40 * kMinuteMs);
  EXPECT_EQ(world.provider.calls.size(), 3u);
}

TEST(Keeper, ANewerTokenFromSomebodyElseEndsTheFailureOnDiskToo) {
  KeeperWorld world;
  world.add("a", kHourMs);
  world.start();
  Error slow;
  slow.kind = FailureKind::Network;
  slow.message = "no route";
  world.keeper->noted("id-a", &slow);
  ASSERT_TRUE(world.accounts->commit(
      "id-a", {{"expiresAt", std::to_string(world.clock.wall + 2 * kHourMs), false}}));
  EXPECT_EQ(world.keeper->view("id-a").health.failures, 0);
  EXPECT_EQ(world.health.records["id-a"].failures, 0);
}

TEST(Keeper, ANewerTokenFromSomebodyElseIsRespected) {
  KeeperWorld world;
  world.add("a", kHourMs);
  world.start();
  world.run(44 * kMinuteMs);
  (void)world.accounts->commit("id-a",
                               {{"expiresAt", std::to_string(world.clock.wall + kHourMs), false}});
  world.run(44 * kMinuteMs);
  EXPECT_TRUE(world.provider.calls.empty());
  EXPECT_GT(world.keeper->view("id-a").health.last_success_ms, 0);
}

// An API key has no end by which a new one could be told from the old.
TEST(Keeper, ANewSignInWithoutAnExpiryEndsTheFailureForGood) {
  for (const bool switched_off : {false, true}) {
    KeeperWorld world;
    world.add("key", 0);
    world.start();
    Error dead;
    dead.kind = FailureKind::ReauthRequired;
    dead.message = "the key is refused";
    world.accounts->applyFailure("id-key", dead, world.clock.wall);
    world.keeper->noted("id-key", &dead);
    EXPECT_EQ(world.health.records["id-key"].failures, 1);
    StateRecord next;
    if (switched_off) {
      next.state = AccountState::Disabled;
      ASSERT_TRUE(world.accounts->setState("id-key", next));
      EXPECT_EQ(world.keeper->view("id-key").health.failures, 1);
    }
    next.state = AccountState::Active;
    ASSERT_TRUE(world.accounts->setState("id-key", next));
    EXPECT_EQ(world.keeper->view("id-key").health.failures, 0);
    EXPECT_EQ(world.keeper->view("id-key").health.last_error, "");
    EXPECT_EQ(world.health.records["id-key"].failures, 0) << "also on disk";
    world.start();
    EXPECT_EQ(world.keeper->view("id-key").health.last_error, "");
  }
}

TEST(Keeper, CoolingIsNoProofThatARefreshWorks) {
  KeeperWorld world;
  world.add("a", kHourMs);
  world.start();
  Error slow;
  slow.kind = FailureKind::Network;
  slow.message = "no route";
  world.keeper->noted("id-a", &slow);
  StateRecord next;
  next.state = AccountState::Cooling;
  next.until_ms = world.clock.wall + 1000;
  ASSERT_TRUE(world.accounts->setState("id-a", next));
  (void)world.keeper->view("id-a");
  next = {};
  ASSERT_TRUE(world.accounts->setState("id-a", next));
  EXPECT_EQ(world.keeper->view("id-a").health.last_error, "no route");
}

TEST(Keeper, AnAccountWithoutARefreshIsNotAskedAgain) {
  KeeperWorld world;
  world.add("key", kHourMs);
  world.provider.script = [](auto, auto) { return failure(FailureKind::Unsupported); };
  world.start();
  world.run(kDayMs);
  EXPECT_EQ(world.provider.calls.size(), 1u);
  EXPECT_EQ(world.keeper->view("id-key").health.failures, 0);
}

TEST(Keeper, ARemovedAccountIsForgottenEvenWhileItIsChecked) {
  KeeperWorld world;
  world.add("a", -1);
  world.add("b", kHourMs);
  world.start();
  auto job = world.keeper->take(world.clock.steady);
  ASSERT_TRUE(job);
  (void)world.accounts->remove("id-a");
  EXPECT_FALSE(world.keeper->take(world.clock.steady));
  job(NeverCancelled());
  world.run(kMinuteMs);
  EXPECT_EQ(world.keeper->view("id-a").next_check_ms, 0);
  EXPECT_GT(world.keeper->view("id-b").next_check_ms, 0);
}

TEST(Keeper, AnAccountWhosePluginIsNotLoadedMakesNoLoop) {
  KeeperWorld world;
  Connection& row = world.add("a", -1);
  row.provider = "gone";
  world.start();
  world.run(kHourMs);
  EXPECT_TRUE(world.provider.calls.empty());
  EXPECT_GE(world.keeper->view("id-a").health.failures, 3);
  EXPECT_LE(world.keeper->view("id-a").health.failures, 9);
}

TEST(Keeper, ARefreshThatBringsNothingNewMakesNoLoop) {
  KeeperWorld world;
  world.add("a", -1);
  world.provider.script = [](auto, auto) -> std::optional<Result<std::string>> {
    return std::string("{}");
  };
  world.start();
  world.run(kHourMs);
  EXPECT_LE(world.provider.calls.size(), 61u);
}

TEST(Keeper, AStoppingServiceRecordsNoFailure) {
  KeeperWorld world;
  world.add("a", -1);
  world.provider.script = [](auto, auto) { return failure(FailureKind::Cancelled); };
  world.start();
  world.keeper->take(world.clock.steady)(NeverCancelled());
  EXPECT_TRUE(world.health.records.empty());
}

TEST(Keeper, RegistrationsAreRenewedByThemselvesOver400Days) {
  KeeperWorld world;
  world.provider.life = 8 * kHourMs;
  world.longest = kHourMs;
  world.add("a", 8 * kHourMs, 90 * kDayMs);
  world.provider.script = [&](std::string_view id,
                              std::string_view method) -> std::optional<Result<std::string>> {
    if (method != "accounts.renew") return std::nullopt;
    const std::string end = std::to_string(world.clock.wall + 90 * kDayMs);
    (void)world.accounts->commit(id, {{"clientSecretExpiresAt", end, false}});
    return std::string(R"({"renewed":true,"signInNeeded":false})");
  };
  world.start();
  for (int day = 0; day < 400; ++day) {
    world.run(kDayMs);
    ASSERT_EQ(world.state("a"), AccountState::Active) << "day " << day;
    ASSERT_GT(world.expiry("a"), world.clock.wall) << "day " << day;
    ASSERT_GT(registrationExpiry(*world.accounts->find("id-a")), world.clock.wall);
  }
  EXPECT_EQ(world.renewals, 5);
  EXPECT_EQ(world.provider.count("accounts.renew"), 5u);
  for (const auto& [level, days] : world.warnings) EXPECT_EQ(level, RegistrationLevel::Soon);
}

TEST(Keeper, ShortRegistrationsAreNotRenewedInALoop) {
  KeeperWorld world;
  world.add("a", 0, 2 * kDayMs);
  world.provider.script = [&](std::string_view id, auto) -> std::optional<Result<std::string>> {
    const std::string end = std::to_string(world.clock.wall + 2 * kDayMs);
    (void)world.accounts->commit(id, {{"clientSecretExpiresAt", end, false}});
    return std::string(R"({"renewed":true})");
  };
  world.start();
  world.run(10 * kDayMs);
  EXPECT_GE(world.renewals, 9);
  EXPECT_LE(world.renewals, 11);
}

TEST(Keeper, WhereRenewalIsRefusedThereAreWarningsThenOneSignInHelps) {
  KeeperWorld world;
  world.provider.life = 8 * kHourMs;
  world.longest = kHourMs;
  world.add("a", 8 * kHourMs, 90 * kDayMs);
  world.provider.script = [&](std::string_view,
                              std::string_view method) -> std::optional<Result<std::string>> {
    if (method == "accounts.renew")
      return std::string(R"({"renewed":false,"signInNeeded":true,"message":"sign in again"})");
    const auto row = world.accounts->find("id-a");
    if (registrationExpiry(*row) <= world.clock.wall) return failure(FailureKind::ReauthRequired);
    return std::nullopt;
  };
  world.start();
  int signed_in = 0;
  for (int day = 0; day < 400; ++day) {
    world.run(kDayMs);
    const auto view = world.keeper->view("id-a");
    const int64_t left = daysLeft(view.registration_expires_ms, world.clock.wall);
    if (view.registration_expires_ms <= world.clock.wall) {
      ASSERT_EQ(world.state("a"), AccountState::ReauthRequired) << "day " << day;
      // What a sign-in over the connection stores.
      ASSERT_TRUE(world.accounts->replace(
          "id-a",
          {{"clientSecretExpiresAt", std::to_string(world.clock.wall + 90 * kDayMs), false},
           {"expiresAt", std::to_string(world.clock.wall + kHourMs), false}},
          StateRecord{}));
      ++signed_in;
    } else {
      ASSERT_EQ(world.state("a"), AccountState::Active) << "day " << day;
      ASSERT_EQ(view.renewal.empty(), left >= 14) << "day " << day << " " << left;
    }
  }
  EXPECT_EQ(signed_in, 4);
  ASSERT_EQ(world.warnings.size(), 12u);  // three for each that ended
  EXPECT_EQ(world.warnings[0].first, RegistrationLevel::Soon);
  EXPECT_GE(world.warnings[0].second, 13);
  EXPECT_EQ(world.warnings[1].first, RegistrationLevel::Urgent);
  EXPECT_GE(world.warnings[1].second, 2);
  EXPECT_LE(world.warnings[1].second, 3);
  EXPECT_EQ(world.warnings[2].first, RegistrationLevel::Expired);
  EXPECT_LE(world.provider.count("accounts.renew"), 14u) << "each makes a registration upstream";
}

TEST(Keeper, AManualCheckIsRemembered) {
  KeeperWorld world;
  world.add("a", kHourMs);
  world.start();
  Error error;
  error.message = "no route";
  world.keeper->noted("id-a", &error);
  EXPECT_EQ(world.keeper->view("id-a").health.last_error, "no route");
  world.keeper->noted("id-a", nullptr);
  EXPECT_EQ(world.health.records["id-a"].failures, 0);
  world.keeper->noted("nobody", nullptr);
  EXPECT_FALSE(world.health.records.contains("nobody"));
}

}  // namespace
}  // namespace omni
