// Strategies, targets, pins, conversations, and what each kind of failure leads to
// (docs/guides/routing.md; kiro-protocol G.2, G.3, G.5).

#include <gtest/gtest.h>

#include <deque>

#include "core/errors/error_table.hpp"
#include "core/routing/quota_book.hpp"
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
using Calls = std::vector<std::string>;

class Deaf final : public chat::EventSink {
 public:
  bool onEvent(const ChatEvent&) override { return true; }
};

class FixedQuota final : public QuotaView {
 public:
  std::optional<QuotaReading> quota(std::string_view id) const override {
    const auto found = readings.find(std::string(id));
    return found == readings.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<std::string, QuotaReading> readings;
};

class Lister final : public Provider {
 public:
  std::string_view id() const override { return "kiro"; }
  Result<> complete(std::string_view connection, const chat::ChatRequest& request,
                    chat::EventSink& sink, const CancelToken&) override {
    calls.push_back(std::string(connection) + ":" + std::string(request.model));
    auto& planned = failures[std::string(connection)];
    if (!planned.empty()) {
      Error error = planned.front();
      planned.pop_front();
      return std::unexpected(error);
    }
    ChatEvent event;
    event.kind = EventKind::Text;
    event.text = "x";
    sink.onEvent(event);
    event.kind = EventKind::Finish;
    sink.onEvent(event);
    return {};
  }
  Result<std::string> control(std::string_view connection, std::string_view method,
                              std::string_view, const CancelToken&) override {
    if (method == "models.list" && lists.contains(std::string(connection)))
      return lists[std::string(connection)];
    return makeError(FailureKind::Network, "down");
  }
  Calls calls;
  std::map<std::string, std::deque<Error>> failures;
  std::map<std::string, std::string> lists;
};

class RulesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_.rows = {account("kiro", "a"), account("kiro", "b"), account("kiro", "c")};
    ASSERT_TRUE(accounts_.load());
  }
  Combo& combo(std::string name, std::vector<Target> targets,
               Strategy strategy = Strategy::Priority) {
    Combo made;
    made.id = "id-of-" + name;
    made.name = std::move(name);
    made.targets = std::move(targets);
    made.strategy = strategy;
    store_.combos.push_back(made);
    return store_.combos.back();
  }
  static Target nested(std::string name) {
    Target target;
    target.text = name;
    target.combo_id = "id-of-" + name;
    return target;
  }
  Result<> ask(std::string_view model, std::string_view session = {},
               std::string_view connection = {}) {
    chat::ChatRequest request;
    request.model = model;
    request.session = session;
    request.connection = connection;
    report_ = {};
    provider_.calls.clear();
    return router_.complete(request, sink_, never_, report_);
  }
  void fail(const char* id, FailureKind kind, int times = 1, int64_t retry_after_ms = -1) {
    Error error = makeError(kind, "planned").error();
    error.retry_after_ms = retry_after_ms;
    for (int i = 0; i < times; ++i) provider_.failures[id].push_back(error);
  }
  AccountState state(std::string_view id) { return accounts_.get(id)->state.state; }

  MemoryStore store_;
  FakeClock clock_;
  AccountDirectory accounts_{store_};
  Lister provider_;
  omni::testing::OneProvider providers_{provider_};
  FakeRandom random_;
  FakeWaiter waiter_{clock_};
  FixedQuota quota_;
  Router router_{{providers_, accounts_, store_, clock_, random_, waiter_, &quota_}};
  NeverCancelled never_;
  Deaf sink_;
  RouteReport report_;
};

// G.5, row by row. `own`: calls on the first account before the next is asked.
TEST_F(RulesTest, EachKindOfFailureDoesWhatItsRowSays) {
  struct Row {
    FailureKind kind;
    int own;
    bool other;
    AccountState after;
    int status;  // when all accounts fail alike
  };
  const Row kRows[] = {
      {FailureKind::Network, 2, true, AccountState::Active, 502},
      {FailureKind::Upstream, 2, true, AccountState::Active, 502},
      {FailureKind::Timeout, 1, true, AccountState::Active, 504},
      {FailureKind::Protocol, 1, true, AccountState::Active, 502},
      {FailureKind::EmptyResponse, 2, true, AccountState::Active, 502},
      {FailureKind::AuthInvalid, 1, true, AccountState::Cooling, 401},
      {FailureKind::ReauthRequired, 1, true, AccountState::ReauthRequired, 401},
      {FailureKind::Suspended, 1, true, AccountState::Suspended, 403},
      {FailureKind::NotAuthorized, 1, true, AccountState::Active, 403},
      {FailureKind::Quota, 1, true, AccountState::Exhausted, 402},
      {FailureKind::RateLimited, 1, true, AccountState::Cooling, 429},
      {FailureKind::Capacity, 2, true, AccountState::Active, 503},
      {FailureKind::ModelUnavailable, 1, true, AccountState::Active, 404},
      {FailureKind::ContextLength, 1, false, AccountState::Active, 400},
      {FailureKind::BadRequest, 1, false, AccountState::Active, 400},
  };
  combo("team", {{"kiro/a"}, {"kiro/b"}, {"kiro/c"}});
  for (const Row& row : kRows) {
    SCOPED_TRACE(errorRule(row.kind).code);
    for (const char* id : {"id-a", "id-b", "id-c"}) ASSERT_TRUE(accounts_.setState(id, {}));
    ASSERT_TRUE(router_.reloadCombos());
    clock_.now += 86'400'000;  // what the row before left behind is over
    provider_.failures.clear();
    fail("id-a", row.kind, 5);
    const auto result = ask("team");
    EXPECT_EQ(result.has_value(), row.other);
    EXPECT_EQ(std::ranges::count(provider_.calls, "id-a:auto"), row.own);
    EXPECT_EQ(state("id-a"), row.after);
    EXPECT_EQ(state("id-b"), AccountState::Active);

    Router fresh{{providers_, accounts_, store_, clock_, random_, waiter_}};
    ASSERT_TRUE(fresh.reloadCombos());
    for (const char* id : {"id-a", "id-b", "id-c"}) {
      ASSERT_TRUE(accounts_.setState(id, {}));
      provider_.failures[id].clear();
      fail(id, row.kind, 9);
    }
    chat::ChatRequest request;
    request.model = "team";
    RouteReport report;
    const auto failed = fresh.complete(request, sink_, never_, report);
    ASSERT_FALSE(failed);
    EXPECT_EQ(httpStatus(failed.error()), row.status) << failed.error().message;
  }
}

TEST_F(RulesTest, AUsedUpQuotaRestsUntilTheResetThatIsKnown) {
  constexpr int64_t kDay = 86'400'000;
  const int64_t midnight = (clock_.now / kDay + 1) * kDay;
  quota_.readings["id-a"] = {.limit = 50, .used = 49, .resets_at_ms = clock_.now + 9 * kDay};
  fail("id-a", FailureKind::Quota);
  EXPECT_FALSE(ask("kiro/a"));
  EXPECT_EQ(accounts_.get("id-a")->state.until_ms, clock_.now + 9 * kDay) << "as it was read";
  fail("id-b", FailureKind::Quota);
  EXPECT_FALSE(ask("kiro/b"));
  EXPECT_EQ(accounts_.get("id-b")->state.until_ms, midnight) << "nothing is known";
  Error error = makeError(FailureKind::Quota, "today's are used up").error();
  error.reset_at_ms = clock_.now + 5000;
  quota_.readings["id-c"] = {.limit = 50, .used = 1, .resets_at_ms = clock_.now + 9 * kDay};
  provider_.failures["id-c"] = {error};
  const auto refused = ask("kiro/c");
  ASSERT_FALSE(refused);
  EXPECT_EQ(accounts_.get("id-c")->state.until_ms, clock_.now + 5000) << "the provider knows best";
  EXPECT_EQ(refused.error().retry_after_ms, 5000);
}

TEST_F(RulesTest, ALimitOfOneModelLeavesTheAccountsOthers) {
  combo("team", {{"kiro/a/big"}, {"kiro/a/small"}, {"kiro/b"}});
  ASSERT_TRUE(router_.reloadCombos());
  Error error = makeError(FailureKind::RateLimited, "too fast").error();
  error.scope = FailureScope::AccountModel;
  error.retry_after_ms = 30'000;
  provider_.failures["id-a"] = {error};
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, (Calls{"id-a:big", "id-a:small"}));
  EXPECT_EQ(state("id-a"), AccountState::Active);
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:small"});
  clock_.now += 30'000;
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:big"});
}

TEST_F(RulesTest, AShortDelayIsWaitedForWhenNobodyElseIsThere) {
  fail("id-a", FailureKind::RateLimited, 1, 1500);
  ASSERT_TRUE(ask("kiro/a"));
  EXPECT_EQ(provider_.calls.size(), 2u);
  EXPECT_GE(report_.waited_ms, 1500);
  EXPECT_EQ(report_.attempts.back().reason, "waited");
  fail("id-a", FailureKind::RateLimited, 1, 60'000);
  const auto refused = ask("kiro/a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::RateLimited);
  EXPECT_EQ(refused.error().retry_after_ms, 60'000);
}

TEST_F(RulesTest, TheBreakerIsOfOneAccountAndModel) {
  combo("team", {{"kiro/a/big"}, {"kiro/b/big"}});
  ASSERT_TRUE(router_.reloadCombos());
  for (int i = 0; i < 3; ++i) {
    fail("id-a", FailureKind::Network, 2);
    ASSERT_TRUE(ask("team"));
  }
  provider_.failures.clear();
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, Calls{"id-b:big"}) << "closed for the account that failed";
  ASSERT_TRUE(ask("kiro/a/small"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:small"}) << "another model of it is not";
  const auto why =
      router_.explain({.model = "team", .conversation_id = {}, .session = {}, .connection = {}});
  ASSERT_TRUE(why);
  EXPECT_EQ(why->candidates.at(0).connection_name, "b");
  EXPECT_EQ(why->candidates.at(1).reason, whyText(Why::BreakerOpen));
  clock_.now += 60'000;
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:big"}) << "and it comes back by itself";
}

TEST_F(RulesTest, QuotaStrategiesUseWhatIsKnown) {
  combo("most", {{"kiro"}}, Strategy::MostRemaining);
  combo("soon", {{"kiro"}}, Strategy::ResetSoonest);
  ASSERT_TRUE(router_.reloadCombos());
  quota_.readings["id-a"] = {.limit = 50, .used = 45, .resets_at_ms = clock_.now + 1000};
  quota_.readings["id-b"] = {.limit = 500, .used = 100, .resets_at_ms = clock_.now + 9000};
  ASSERT_TRUE(ask("most"));
  EXPECT_EQ(provider_.calls, Calls{"id-b:auto"});
  ASSERT_TRUE(ask("soon"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:auto"});
  quota_.readings["id-a"].used = 50;  // empty: last, even after the unknown one
  quota_.readings["id-b"].used = 500;
  ASSERT_TRUE(ask("most"));
  EXPECT_EQ(provider_.calls, Calls{"id-c:auto"});
}

TEST_F(RulesTest, SoftAndStrictPins) {
  Target pinned;
  pinned.text = "kiro/b";
  pinned.accounts = {{"id-b", "b"}};
  combo("strict", {pinned});
  pinned.pin = Pin::Soft;
  combo("soft", {pinned});
  ASSERT_TRUE(router_.reloadCombos());
  ASSERT_TRUE(accounts_.setState("id-b", {.state = AccountState::Disabled}));
  EXPECT_EQ(ask("strict").error().kind, FailureKind::Unavailable);
  ASSERT_TRUE(ask("soft"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:auto"});
}

TEST_F(RulesTest, CombosInCombosAndNoEndlessRound) {
  combo("inner", {{"kiro/a"}, {"kiro/b"}}, Strategy::RoundRobin);
  combo("outer", {nested("inner"), {"kiro/c"}});
  combo("x", {nested("y"), {"kiro/c"}});
  combo("y", {nested("x")});  // put into the database by hand
  combo("empty", {nested("gone")});
  ASSERT_TRUE(router_.reloadCombos());
  ASSERT_TRUE(ask("outer"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:auto"});
  ASSERT_TRUE(ask("outer"));
  EXPECT_EQ(provider_.calls, Calls{"id-b:auto"});
  ASSERT_TRUE(ask("x"));
  EXPECT_EQ(provider_.calls, Calls{"id-c:auto"});
  const auto refused = ask("empty");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::NotFound);
  EXPECT_NE(refused.error().message.find("\"gone\""), std::string::npos);
}

TEST_F(RulesTest, ARenamedTargetServesAndADeletedOneIsNamed) {
  combo("team", {{"kiro/a"}, {"kiro/b"}});
  ASSERT_TRUE(router_.reloadCombos());
  ASSERT_TRUE(accounts_.rename("id-a", "office"));
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:auto"});
  ASSERT_TRUE(accounts_.remove("id-a"));
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, Calls{"id-b:auto"});
  fail("id-b", FailureKind::Quota);
  EXPECT_NE(ask("team").error().message.find("kiro/a"), std::string::npos);
}

TEST_F(RulesTest, AHeaderPinsAnAccountOfTheComboAndNoOther) {
  combo("team", {{"kiro/a"}, {"kiro/b"}});
  ASSERT_TRUE(router_.reloadCombos());
  for (const char* pin : {"b", "kiro/b", "id-b"}) {
    ASSERT_TRUE(ask("team", {}, pin)) << pin;
    EXPECT_EQ(provider_.calls, Calls{"id-b:auto"});
  }
  const auto foreign = ask("team", {}, "c");
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, FailureKind::BadRequest);
  EXPECT_EQ(foreign.error().field, "x-omniroute-connection");
  EXPECT_TRUE(provider_.calls.empty());
}

TEST_F(RulesTest, AConversationStaysAndSingleQuestionsAreSpread) {
  combo("round", {{"kiro"}}, Strategy::RoundRobin);
  combo("loose", {{"kiro"}}, Strategy::RoundRobin).options.sticky = false;
  ASSERT_TRUE(router_.reloadCombos());
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(ask("round", "s1"));
    EXPECT_EQ(provider_.calls, Calls{"id-a:auto"});
  }
  EXPECT_EQ(report_.attempts.at(0).reason, "sticky");
  ASSERT_TRUE(ask("round", "s2"));
  EXPECT_EQ(provider_.calls, Calls{"id-b:auto"});
  ASSERT_TRUE(ask("loose", "s1"));
  ASSERT_TRUE(ask("loose", "s1"));
  EXPECT_EQ(provider_.calls, Calls{"id-b:auto"});
  clock_.now += 31 * 60'000;  // forgotten
  ASSERT_TRUE(ask("round", "s1"));
  EXPECT_EQ(provider_.calls, Calls{"id-c:auto"});
}

TEST_F(RulesTest, ABareModelFindsTheAccountsThatHaveIt) {
  provider_.lists["id-a"] = R"({"models":[{"id":"claude-sonnet-4.5","contextWindow":200000}]})";
  provider_.lists["id-b"] = R"({"models":[{"id":"glm-5"}]})";
  ASSERT_TRUE(router_.reloadCombos());
  EXPECT_EQ(router_.modelLists().runDue(never_), 3u);
  EXPECT_EQ(router_.modelLists().runDue(never_), 0u) << "asked again too soon";
  ASSERT_TRUE(ask("claude-sonnet-4-5-20250929"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:claude-sonnet-4.5"});
  ASSERT_TRUE(ask("glm-5"));
  EXPECT_EQ(provider_.calls, Calls{"id-b:glm-5"});
  EXPECT_NE(ask("glm-6").error().message.find("\"glm-5\""), std::string::npos);
  // Of a model that is asked for on all accounts, those that have it come first.
  ASSERT_TRUE(ask("kiro/glm-5"));
  EXPECT_NE(provider_.calls.front(), "id-a:glm-5");
  const auto models = router_.models();
  EXPECT_TRUE(std::ranges::any_of(*models, [](const ModelEntry& m) {
    return m.id == "kiro/a/claude-sonnet-4.5" && m.context_window == 200000;
  }));
}

TEST_F(RulesTest, AModelThatNobodyHasIsTheClientsMistake) {
  for (const char* id : {"id-a", "id-b", "id-c"}) {
    provider_.lists[id] = R"({"models":[{"id":"glm-5"}]})";
    fail(id, FailureKind::ModelUnavailable, 2);
  }
  ASSERT_TRUE(router_.reloadCombos());
  EXPECT_EQ(router_.modelLists().runDue(never_), 3u);
  const auto unknown = ask("kiro/glm-6");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, FailureKind::ModelUnavailable) << unknown.error().message;
  EXPECT_EQ(unknown.error().message, "planned");
}

// H.9 row 103.
TEST(Usage, AllPoolsCountAndOverageNeverEnds) {
  const auto reading = parseUsage(
      R"({"items":[{"kind":"credits","limit":50,"used":50,"resetAt":5000,"active":true},
          {"kind":"trial","limit":500,"used":20,"expiresAt":9000,"active":true},
          {"kind":"bonus","limit":100,"used":0,"active":false},
          {"kind":"overage","limit":9999,"used":0,"active":false}],"overage":false})",
      1000);
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->limit, 550);
  EXPECT_EQ(reading->used, 70);
  EXPECT_EQ(reading->resets_at_ms, 9000);
  EXPECT_FALSE(parseUsage("{}", 0));
  EXPECT_FALSE(parseUsage("[]", 0));
}

}  // namespace
}  // namespace omni::routing
