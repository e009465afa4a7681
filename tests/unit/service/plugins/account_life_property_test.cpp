// Random interleavings of sign-ins, refreshes, restarts, failures, full disks and clock jumps over
// several accounts, with the real Kiro plugin linked in. After each round:
//   no refresh token is lost: what an account holds is what its session lives by, at the client
//   that
//     the account shows it with, unless an answer was lost on its way, which nobody can know; then
//     one sign-in in place helps;
//   no account ever uses the registration, the token or the pool (and so the proxy) of another;
//   no two refreshes of one account are in flight at once.

#include <gtest/gtest.h>

#include <thread>

#include "life_world.hpp"

namespace omni::plugins {
namespace {

using testing::DurableStore;
using testing::MemoryHealth;
using testing::MovedClock;
using testing::SeededRandom;
using testing::Service;
using testing::SignInWorld;

class AccountLifeProperty : public ::testing::TestWithParam<uint64_t> {
 protected:
  static constexpr int kAccounts = 4;

  void SetUp() override {
    service = std::make_unique<Service>(store, world, health, clock, random);
    for (int i = 0; i < kAccounts; ++i) {
      auto draft = service->kiro().draft({});
      ASSERT_TRUE(draft);
      const std::string form = R"({"refreshToken":")" + world.tokenOfAnotherTool() + "\"}";
      const auto done = (*draft)->control("accounts.import", form, NeverCancelled());
      ASSERT_TRUE(done) << done.error().message;
      const auto id = (*draft)->finish("account-" + std::to_string(i));
      ASSERT_TRUE(id) << id.error().message;
      ids.push_back(*id);
    }
  }

  void signInAnew(const std::string& id) {
    SignInRequest request;
    request.provider = "kiro";
    request.method = "builder_id";
    request.input = R"({"method":"builder_id"})";
    request.replace_id = id;
    (void)service->sign_ins.start(request, NeverCancelled());
  }

  void act(std::mt19937_64& chance) {
    const std::string& id = ids[chance() % ids.size()];
    switch (chance() % 8) {
      case 0:
      case 1:
      case 2:
        (void)service->kiro().control(id, "accounts.refresh", R"({"force":true})",
                                      NeverCancelled());
        break;
      case 3:
        (void)service->kiro().control(id, "accounts.refresh", "{}", NeverCancelled());
        break;
      case 4:
        signInAnew(id);
        break;
      case 5:
        (void)service->kiro().control(id, chance() % 2 ? "accounts.isolate" : "accounts.renew",
                                      "{}", NeverCancelled());
        break;
      default:
        advance(1'100);  // so that sign-ins are polled, and completed, while others refresh
        service->background(clock);
    }
  }

  void advance(int64_t ms) {
    clock.wall += ms;
    clock.steady += ms;
  }

  // The disk has room again and nothing goes wrong: what could not be written is now.
  void settle() {
    store.failing_percent = 0;
    world.trouble_percent = 0;
    advance(31'000);
    for (const std::string& id : ids)
      (void)service->kiro().control(id, "accounts.refresh", R"({"force":true})", NeverCancelled());
  }

  void check(const std::string& when) {
    EXPECT_EQ(world.mistakes(), std::vector<std::string>{}) << when;
    for (const std::string& id : ids) {
      const std::string token = store.secret(id, "refreshToken");
      ASSERT_FALSE(token.empty()) << when << ": " << id << " has no refresh token any more";
      const bool social = *store.value(id, "refreshRoute") == "social";
      const std::string client = social ? std::string() : store.secret(id, "clientId");
      EXPECT_TRUE(world.alive("kiro/" + id, token, client) || world.lost(token))
          << when << ": " << id << " holds a token that its session does not live by";
      EXPECT_FALSE(store.secret(id, "accessToken").empty()) << when;
      EXPECT_EQ(service->accounts.find(id)->state.state == AccountState::Disabled, false);
    }
  }

  MovedClock clock;
  SeededRandom random{GetParam()};
  SignInWorld world{clock, GetParam()};
  DurableStore store;
  MemoryHealth health;
  std::vector<std::string> ids;
  std::unique_ptr<Service> service;
};

TEST_P(AccountLifeProperty, NothingIsLostAndNothingIsMixed) {
  std::mt19937_64 chance(GetParam());
  for (int round = 0; round < 12; ++round) {
    const std::string when =
        "seed " + std::to_string(GetParam()) + " round " + std::to_string(round);
    world.approve = chance() % 3 != 0;
    world.trouble_percent = 15;
    store.failing_percent = round % 3 == 0 ? 0 : 10;
    world.lingers = true;
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([this, seed = chance()] {
        std::mt19937_64 own(seed);
        for (int i = 0; i < 8; ++i) act(own);
      });
    for (std::thread& thread : threads) thread.join();
    world.lingers = false;
    settle();
    check(when);
    if (HasFatalFailure()) return;
    world.trouble_percent = 15;
    switch (chance() % 4) {
      case 0:  // the process ends, and another begins
        service.reset();
        service = std::make_unique<Service>(store, world, health, clock, random);
        break;
      case 1:  // a wall clock that is set
        clock.wall += static_cast<int64_t>(chance() % 3) * kDayMs - kDayMs;
        break;
      case 2:  // sleep
        clock.wall += kDayMs / 2;
        break;
      default:
        break;
    }
    for (int i = 0; i < 5; ++i) {
      advance(static_cast<int64_t>(chance() % (20 * kMinuteMs)));
      service->background(clock);
    }
    check(when + " after the clocks");
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(world.refreshes(), 20);

  // Whatever happened, one sign-in in place makes every account whole.
  world.trouble_percent = 0;
  world.approve = true;
  for (const std::string& id : ids) {
    signInAnew(id);
    for (int i = 0; i < 10; ++i) {
      advance(2'000);
      service->background(clock);
    }
    EXPECT_EQ(service->accounts.find(id)->state.state, AccountState::Active);
    const auto refreshed =
        service->kiro().control(id, "accounts.refresh", R"({"force":true})", NeverCancelled());
    EXPECT_TRUE(refreshed) << refreshed.error().message;
    EXPECT_TRUE(
        world.alive("kiro/" + id, store.secret(id, "refreshToken"), store.secret(id, "clientId")));
    EXPECT_EQ(service->accounts.find(id)->values.at("isolation"), "dedicated");
  }
  check("at the end");
}

INSTANTIATE_TEST_SUITE_P(Seeds, AccountLifeProperty, ::testing::Range<uint64_t>(1, 13));

}  // namespace
}  // namespace omni::plugins
