// The router over millions of requests: a virtual clock, upstreams that follow a schedule, and one
// seed. What must hold is counted, not sampled.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "core/routing/router.hpp"
#include "unit/core/fakes.hpp"

namespace omni::routing {
namespace {

using chat::ChatEvent;
using chat::EventKind;
using omni::testing::account;
using omni::testing::FakeClock;
using omni::testing::FakeRandom;
using omni::testing::FakeWaiter;
using omni::testing::MemoryStore;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG)
constexpr int kScale = 1;
#else
constexpr int kScale = 20;
#endif

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;

// SplitMix64, so that every platform sees the same schedule.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  int64_t upTo(int64_t most) { return static_cast<int64_t>(next() % static_cast<uint64_t>(most)); }
  bool chance(int percent) { return upTo(100) < percent; }

 private:
  uint64_t state_;
};

// One account's world: until `until_ms` each call ends with `kind`.
struct Trouble_ {
  FailureKind kind = FailureKind::Network;
  int64_t until_ms = 0;
  bool says_when = false;
};

class SimulatedProvider final : public Provider {
 public:
  SimulatedProvider(FakeClock& clock, size_t accounts)
      : clock_(clock), troubles(accounts), calls(accounts) {}
  std::string_view id() const override { return "kiro"; }
  Result<> complete(std::string_view id, const chat::ChatRequest& request, chat::EventSink& sink,
                    const CancelToken& cancel) override {
    return completeAs(id, request.model, request, sink, cancel);
  }
  Result<> completeAs(std::string_view id, std::string_view model, const chat::ChatRequest&,
                      chat::EventSink& sink, const CancelToken&) override {
    const auto index = static_cast<size_t>(std::stoul(std::string(id.substr(4))));
    ++calls[index];
    ++all_calls;
    const Trouble_& trouble = troubles[index];
    clock_.now += 1;
    if (clock_.now < trouble.until_ms || (flaky_percent > 0 && dice.chance(flaky_percent)) ||
        (model == full_model && clock_.now < full_until_ms)) {
      Error error;
      error.kind = clock_.now < trouble.until_ms ? trouble.kind
                   : model == full_model         ? FailureKind::Capacity
                                                 : FailureKind::Upstream;
      error.message = "planned";
      if (trouble.says_when) {
        error.retry_after_ms = trouble.until_ms - clock_.now;
        error.reset_at_ms = trouble.until_ms;
      }
      return std::unexpected(error);
    }
    served = index;
    ChatEvent event;
    sink.onEvent(event);
    event.kind = EventKind::Text;
    event.text = "x";
    sink.onEvent(event);
    event.kind = EventKind::Finish;
    sink.onEvent(event);
    return {};
  }
  Result<std::string> control(std::string_view, std::string_view, std::string_view,
                              const CancelToken&) override {
    return makeError(FailureKind::Unsupported, "not here");
  }

 private:
  FakeClock& clock_;

 public:
  std::vector<Trouble_> troubles;
  std::vector<uint64_t> calls;
  uint64_t all_calls = 0;
  size_t served = 0;
  int flaky_percent = 0;
  std::string full_model;
  int64_t full_until_ms = 0;
  Dice dice{7};
};

class Nobody final : public chat::EventSink {
 public:
  bool onEvent(const ChatEvent&) override { return true; }
};

class Simulation : public ::testing::Test {
 protected:
  static constexpr size_t kAccounts = 20;

  void start(Strategy strategy, ComboOptions options = {}, size_t accounts = kAccounts) {
    Combo combo;
    combo.id = "c";
    combo.name = "all";
    combo.strategy = strategy;
    combo.options = options;
    for (size_t i = 0; i < accounts; ++i) {
      store_.rows.push_back(account("kiro", std::to_string(i)));
      store_.rows.back().id = "acc-" + std::to_string(i);
      combo.targets.push_back({.text = "kiro/" + std::to_string(i),
                               .combo_id = {},
                               .accounts = {},
                               .model = {},
                               .pin = Pin::Strict,
                               .weight = static_cast<uint32_t>(i % 5 + 1)});
    }
    store_.combos = {combo};
    ASSERT_TRUE(accounts_.load());
    ASSERT_TRUE(router_.reloadCombos());
  }

  void TearDown() override {
    std::printf("[   COUNT  ] %llu requests, %llu upstream calls\n",
                static_cast<unsigned long long>(requests_),
                static_cast<unsigned long long>(provider_.all_calls));
  }

  Result<> ask(std::string_view session = {}, std::string_view model = "all") {
    chat::ChatRequest request;
    request.model = model;
    request.session = session;
    RouteReport report;
    ++requests_;
    auto result = router_.complete(request, sink_, never_, report);
    tries_ += report.attempts.size();
    return result;
  }

  MemoryStore store_;
  FakeClock clock_;
  AccountDirectory accounts_{store_};
  SimulatedProvider provider_{clock_, kAccounts};
  omni::testing::OneProvider providers_{provider_};
  FakeRandom random_;
  FakeWaiter waiter_{clock_};
  Router router_{{providers_, accounts_, store_, clock_, random_, waiter_}};
  NeverCancelled never_;
  Nobody sink_;
  uint64_t requests_ = 0;
  uint64_t tries_ = 0;
};

TEST_F(Simulation, RoundRobinIsFairToTheLastRequest) {
  start(Strategy::RoundRobin);
  for (int i = 0; i < 20000 * kScale; ++i) ASSERT_TRUE(ask());
  const auto [low, high] = std::ranges::minmax(provider_.calls);
  EXPECT_EQ(low, high);
}

TEST_F(Simulation, WeightsAreKeptExactly) {
  start(Strategy::Weighted);
  const int rounds = 300 * kScale;
  for (int i = 0; i < rounds * 60; ++i) ASSERT_TRUE(ask());  // the weights' sum is 60
  for (size_t i = 0; i < kAccounts; ++i)
    EXPECT_EQ(provider_.calls[i], static_cast<uint64_t>(rounds) * (i % 5 + 1)) << i;
}

TEST_F(Simulation, WhoWasAwayIsNeitherFloodedNorForgotten) {
  for (const Strategy strategy : {Strategy::RoundRobin, Strategy::LeastUsed}) {
    SCOPED_TRACE(strategyName(strategy));
    store_.rows.clear();
    start(strategy);
    // Three quarters of an hour away.
    provider_.troubles[3] = {FailureKind::RateLimited, clock_.now + 45 * kMinute, true};
    while (clock_.now < provider_.troubles[3].until_ms + kSecond) {
      ASSERT_TRUE(ask());
      clock_.now += 500;
    }
    const auto before = provider_.calls;
    int in_a_row = 0, longest = 0;
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(ask());
      clock_.now += 500;
      in_a_row = provider_.served == 3 ? in_a_row + 1 : 0;
      longest = std::max(longest, in_a_row);
    }
    const auto got = provider_.calls[3] - before[3];
    EXPECT_GE(got, 95u);  // 100 is its share
    EXPECT_LE(got,
              400u);  // least-used lets it catch up with the last minutes, not with the history
    if (strategy == Strategy::RoundRobin) {
      EXPECT_LE(longest, 2);
    }
  }
}

// Random troubles on every account, for hours. A request may only fail when no account could have
// served it at any moment of its life.
TEST_F(Simulation, NoRequestFailsWhileAnAccountCouldServeIt) {
  start(Strategy::RoundRobin);
  Dice dice(42);
  uint64_t failed = 0, wrongly = 0;
  std::vector<uint64_t> served(kAccounts);
  const FailureKind kKinds[] = {FailureKind::Network,       FailureKind::Upstream,
                                FailureKind::RateLimited,   FailureKind::Quota,
                                FailureKind::EmptyResponse, FailureKind::Timeout,
                                FailureKind::Protocol};
  for (int i = 0; i < 30000 * kScale; ++i) {
    for (size_t a = 0; a < kAccounts; ++a) {
      if (clock_.now < provider_.troubles[a].until_ms || !dice.chance(1)) continue;
      Trouble_& trouble = provider_.troubles[a];
      trouble.kind = kKinds[dice.upTo(7)];
      // Long enough that at times all are away.
      trouble.until_ms = clock_.now + 1 + dice.upTo(2 * kMinute);
      trouble.says_when =
          trouble.kind == FailureKind::RateLimited || trouble.kind == FailureKind::Quota;
    }
    const int64_t begin = clock_.now;
    if (const auto result = ask()) {
      ++served[provider_.served];
    } else {
      ++failed;
      for (size_t a = 0; a < kAccounts; ++a) {
        if (provider_.troubles[a].until_ms > begin) continue;
        ++wrongly;
        if (wrongly < 4)
          ADD_FAILURE() << "account " << a << " could serve at " << begin << ", given up at "
                        << clock_.now << ": " << result.error().message;
        break;
      }
    }
    clock_.now += 20 + dice.upTo(200);
  }
  RecordProperty("requests", static_cast<int>(requests_));
  std::printf(
      "[   COUNT  ] %llu requests, %llu upstream calls, %llu failed, %llu of them wrongly\n",
      static_cast<unsigned long long>(requests_),
      static_cast<unsigned long long>(provider_.all_calls), static_cast<unsigned long long>(failed),
      static_cast<unsigned long long>(wrongly));
  EXPECT_EQ(wrongly, 0u);
  EXPECT_LT(provider_.all_calls, requests_ * 2);
  const auto [low, high] = std::ranges::minmax(served);
  // A short run ends before a used-up quota is back.
  EXPECT_GT(low, kScale == 1 ? 0 : high / 2) << "somebody starved";
}

TEST_F(Simulation, AnOutageOfAllMakesNoStormAndEndsSoon) {
  start(Strategy::RoundRobin);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(ask());
  const int64_t end = clock_.now + 10 * kMinute;
  for (auto& trouble : provider_.troubles) trouble = {FailureKind::Network, end, false};
  const auto calls = provider_.all_calls;
  const auto requests = requests_;
  while (clock_.now < end) {
    const auto result = ask();
    if (!result && clock_.now < end) {
      EXPECT_GE(result.error().retry_after_ms, 1000);
      EXPECT_EQ(result.error().message.find("planned") != std::string::npos ||
                    result.error().message.find("several calls") != std::string::npos,
                true)
          << result.error().message;
    }
    clock_.now += 50;
  }
  const auto during = provider_.all_calls - calls;
  // Per account five failures, then at most one probe a second.
  EXPECT_LT(during, kAccounts * (5 + 600 + 10));
  std::printf("[   COUNT  ] outage of 600 s: %llu requests, %llu upstream calls\n",
              static_cast<unsigned long long>(requests_ - requests),
              static_cast<unsigned long long>(during));
  // Back: the first request after the end is served, and within the breakers' longest time all
  // accounts take part again.
  clock_.now = end + kSecond;
  EXPECT_TRUE(ask());
  EXPECT_LT(clock_.now, end + 3 * kSecond);
  provider_.calls.assign(kAccounts, 0);
  while (clock_.now < end + 6 * kMinute) {
    ASSERT_TRUE(ask());
    clock_.now += 100;
  }
  EXPECT_GT(std::ranges::min(provider_.calls), 0u);
}

TEST_F(Simulation, FlakyUpstreamsCostNoMoreThanTheBudget) {
  start(Strategy::RoundRobin);
  provider_.flaky_percent = 90;
  uint64_t served = 0;
  const int64_t begin = clock_.now;
  for (int i = 0; i < 2000 * kScale; ++i) {
    served += ask().has_value();
    clock_.now += 100;
  }
  // Three calls a request, and one a second for each way that is closed.
  const auto seconds = static_cast<uint64_t>((clock_.now - begin) / kSecond);
  EXPECT_LT(provider_.all_calls, requests_ * 3 + 200 + kAccounts * seconds);
  EXPECT_GT(served, requests_ * 6 / 10);
  provider_.flaky_percent = 30;
  clock_.now += 10 * kMinute;
  uint64_t failed = 0;
  for (int i = 0; i < 2000 * kScale; ++i) {
    failed += !ask().has_value();
    clock_.now += 100;
  }
  EXPECT_EQ(failed, 0u);
}

TEST_F(Simulation, AFullModelIsNotHammeredAndAnotherModelServes) {
  start(Strategy::RoundRobin);
  Combo combo;
  combo.id = "m";
  combo.name = "models";
  combo.targets = {{"kiro/*/big"}, {"kiro/*/small"}};
  store_.combos = {combo};
  ASSERT_TRUE(router_.reloadCombos());
  provider_.full_model = "big";
  provider_.full_until_ms = clock_.now + 5 * kMinute;
  const auto before = requests_;
  while (clock_.now < provider_.full_until_ms) {
    ASSERT_TRUE(ask({}, "models"));
    clock_.now += 100;
  }
  const auto extra = provider_.all_calls - (requests_ - before);
  EXPECT_LT(extra, 40u) << "calls to the full model";
  for (const Connection& c : *accounts_.snapshot())
    EXPECT_EQ(c.state.state, AccountState::Active) << "capacity is no account's fault";
}

TEST_F(Simulation, ConversationsStayLeaveSoftlyAndComeBack) {
  start(Strategy::RoundRobin);
  Dice dice(5);
  constexpr size_t kSessions = 200;
  std::vector<std::string> names;
  for (size_t i = 0; i < kSessions; ++i) names.push_back("conversation " + std::to_string(i));
  std::vector<size_t> home(kSessions, kAccounts), away(kSessions, kAccounts);
  uint64_t strayed = 0, bounced = 0;
  for (int i = 0; i < 20000 * kScale; ++i) {
    if (dice.chance(1)) {
      auto& trouble = provider_.troubles[static_cast<size_t>(dice.upTo(kAccounts))];
      if (clock_.now >= trouble.until_ms)
        trouble = {FailureKind::RateLimited, clock_.now + 1 + dice.upTo(kMinute), true};
    }
    const auto s = static_cast<size_t>(dice.upTo(kSessions));
    const int64_t begin = clock_.now;
    ASSERT_TRUE(ask(names[s]));
    const bool home_well =
        home[s] < kAccounts && provider_.troubles[home[s]].until_ms + kSecond < begin;
    if (home[s] == kAccounts) {
      home[s] = provider_.served;
    } else if (provider_.served == home[s]) {
      away[s] = kAccounts;
    } else if (home_well) {
      ++strayed;
    } else if (away[s] < kAccounts && provider_.served != away[s] &&
               provider_.troubles[away[s]].until_ms + kSecond < begin) {
      ++bounced;
    } else {
      away[s] = provider_.served;
    }
    clock_.now += 20;
  }
  EXPECT_EQ(strayed, 0u) << "home could serve";
  EXPECT_EQ(bounced, 0u) << "the place to stay meanwhile could serve";
  // For good: an account that needs a new sign-in does not get its conversations back.
  const size_t lost = home[0];
  ASSERT_TRUE(accounts_.setState("acc-" + std::to_string(lost),
                                 {.state = AccountState::ReauthRequired, .reason = "x"}));
  ASSERT_TRUE(ask(names[0]));
  const size_t now_at = provider_.served;
  EXPECT_NE(now_at, lost);
  ASSERT_TRUE(accounts_.setState("acc-" + std::to_string(lost), {}));
  for (auto& trouble : provider_.troubles) trouble = {};
  clock_.now += 5 * kMinute;
  ASSERT_TRUE(ask(names[0]));
  EXPECT_EQ(provider_.served, now_at);
}

}  // namespace
}  // namespace omni::routing
