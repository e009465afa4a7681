// 400 days of two accounts by the virtual clock, with the real Kiro plugin and an issuer that is
// strict: tokens of an hour, registrations of 90 days. One account's session hangs on its
// registration, the other's does not.

#include "life_world.hpp"

namespace omni::plugins {
namespace {

using testing::DurableStore;
using testing::MemoryHealth;
using testing::MovedClock;
using testing::SeededRandom;
using testing::Service;
using testing::SignInWorld;

class AccountYears : public ::testing::Test {
 protected:
  void SetUp() override {
    KeeperHooks hooks;
    hooks.renewed = [this](const Connection& c) { ++renewed[c.name]; };
    hooks.registration_ends = [this](const Connection& c, RegistrationLevel level, int64_t) {
      warned[c.name].push_back(level);
    };
    service = std::make_unique<Service>(store, world, health, clock, random, hooks);
  }

  std::string imported() {
    auto draft = service->kiro().draft({});
    const std::string form = R"({"refreshToken":")" + world.tokenOfAnotherTool() + "\"}";
    EXPECT_TRUE((*draft)->control("accounts.import", form, NeverCancelled()));
    return *(*draft)->finish("social");
  }
  std::string signIn(const std::string& replace_id) {
    SignInRequest request;
    request.provider = "kiro";
    request.method = "builder_id";
    request.input = R"({"method":"builder_id"})";
    request.name = replace_id.empty() ? "builder" : "";
    request.replace_id = replace_id;
    const auto started = service->sign_ins.start(request, NeverCancelled());
    EXPECT_TRUE(started) << started.error().message;
    SignInView view = *started;
    for (int i = 0; i < 60 && view.status == SignInStatus::Pending; ++i) {
      advance(1'000);
      service->background(clock);
      view = *service->sign_ins.get(view.id);
    }
    EXPECT_EQ(view.status, SignInStatus::Complete);
    return view.connection_id;
  }
  void advance(int64_t ms) {
    clock.wall += ms;
    clock.steady += ms;
  }
  StateRecord state(const std::string& id) { return service->accounts.find(id)->state; }

  MovedClock clock;
  SeededRandom random{400};
  SignInWorld world{clock, 400};
  DurableStore store;
  MemoryHealth health;
  std::map<std::string, int> renewed;
  std::map<std::string, std::vector<RegistrationLevel>> warned;
  std::unique_ptr<Service> service;
};

TEST_F(AccountYears, FourHundredDays) {
  const std::string social = imported(), builder = signIn({});
  ASSERT_EQ(*store.value(social, "isolation"), "registered");
  ASSERT_EQ(*store.value(builder, "isolation"), "dedicated");
  const int64_t begin = clock.wall, end = begin + 400 * kDayMs;
  std::vector<int64_t> signed_in_after_days;
  int64_t last = begin;
  while (clock.wall < end) {
    const int64_t wait = service->keeper.nextDue(clock.steady) - clock.steady;
    advance(std::clamp<int64_t>(wait, 1'000, kHourMs));
    service->background(clock);
    // Nobody does anything, and both stay signed in: the one to the end, the other for 90 days.
    ASSERT_EQ(state(social).state, AccountState::Active) << state(social).reason;
    ASSERT_GT(tokenExpiry(*service->accounts.find(social)), clock.wall);
    if (state(builder).state == AccountState::Active) {
      ASSERT_GT(tokenExpiry(*service->accounts.find(builder)), clock.wall);
      continue;
    }
    ASSERT_EQ(state(builder).state, AccountState::ReauthRequired);
    EXPECT_GE(clock.wall, registrationExpiry(*service->accounts.find(builder)));
    signed_in_after_days.push_back((clock.wall - last + kHourMs) / kDayMs);
    last = clock.wall;
    // One call re-authorises in place.
    const std::string client = **store.value(builder, "clientId");
    EXPECT_EQ(signIn(builder), builder);
    EXPECT_NE(**store.value(builder, "clientId"), client);
    EXPECT_EQ(service->accounts.find(builder)->name, "builder");
    EXPECT_EQ(state(builder).state, AccountState::Active);
  }
  EXPECT_EQ(signed_in_after_days, (std::vector<int64_t>{90, 90, 90, 90}));
  using enum RegistrationLevel;
  EXPECT_EQ(warned["builder"],
            (std::vector<RegistrationLevel>{Soon, Urgent, Expired, Soon, Urgent, Expired, Soon,
                                            Urgent, Expired, Soon, Urgent, Expired}));
  // The other's is replaced as soon as it is near its end.
  EXPECT_EQ(renewed["social"], 5);
  EXPECT_EQ(renewed["builder"], 0);
  EXPECT_EQ(std::ranges::count(warned["social"], Urgent), 0);
  EXPECT_EQ(world.mistakes(), std::vector<std::string>{});
  EXPECT_GT(world.refreshes(), 2 * 400 * 24);
}

}  // namespace
}  // namespace omni::plugins
