#include "core/routing/router.hpp"

#include <gtest/gtest.h>

#include <deque>

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
using omni::testing::OneProvider;
using omni::testing::ScriptedProvider;

class Recorder final : public chat::EventSink {
 public:
  bool onEvent(const ChatEvent& event) override {
    kinds.push_back(event.kind);
    text += event.text;
    return !gone;
  }
  void requestDone() override { text += "|done|"; }
  std::vector<EventKind> kinds;
  std::string text;
  bool gone = false;
};

bool emit(chat::EventSink& sink, EventKind kind, std::string_view text = {}) {
  ChatEvent event;
  event.kind = kind;
  event.text = text;
  return sink.onEvent(event);
}

Result<> answer(chat::EventSink& sink, std::string_view text) {
  emit(sink, EventKind::Started);
  emit(sink, EventKind::Text, text);
  emit(sink, EventKind::Finish);
  return {};
}

class RouterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_.rows = {account("kiro", "a"), account("kiro", "b"), account("kiro", "c")};
    Combo combo;
    combo.id = "1";
    combo.name = "team";
    combo.targets = {{"kiro/a"}, {"kiro/b/big"}, {"kiro/c"}};
    store_.combos = {combo};
    combo.id = "2";
    combo.name = "round";
    combo.strategy = Strategy::RoundRobin;
    combo.targets = {{"kiro/a"}, {"kiro/b"}, {"kiro/c"}};
    store_.combos.push_back(combo);
    ASSERT_TRUE(accounts_.load());
    ASSERT_TRUE(router_.reloadCombos());
    provider_.script = [this](std::string_view id, const chat::ChatRequest&,
                              chat::EventSink& sink) -> Result<> {
      auto& planned = failures_[std::string(id)];
      if (planned.empty()) return answer(sink, id);
      const FailureKind kind = planned.front();
      planned.pop_front();
      emit(sink, EventKind::Started);
      return makeError(kind, "planned");
    };
  }
  Result<> ask(std::string_view model) {
    chat::ChatRequest request;
    request.model = model;
    sink_ = {};
    report_ = {};
    provider_.calls.clear();
    return router_.complete(request, sink_, never_, report_);
  }
  AccountState state(std::string_view id) { return accounts_.get(id)->state.state; }

  MemoryStore store_;
  FakeClock clock_;
  AccountDirectory accounts_{store_};
  ScriptedProvider provider_{"kiro"};
  OneProvider providers_{provider_};
  FakeRandom random_;
  FakeWaiter waiter_{clock_};
  std::vector<std::string> checked_;
  Router router_{{providers_, accounts_, store_, clock_, random_, waiter_, nullptr,
                  [this](std::string_view id, const Error* failure) {
                    checked_.push_back(std::string(id) + (failure ? ": " + failure->message : ""));
                  }}};
  std::map<std::string, std::deque<FailureKind>> failures_;
  NeverCancelled never_;
  Recorder sink_;
  RouteReport report_;
};

using Calls = std::vector<std::string>;

TEST_F(RouterTest, WhatAKeyNamesIsAnsweredToOrNot) {
  for (const char* name : {"*", "kiro", "kiro/*", "k*", "kiro/a", "kiro/a/big"})
    EXPECT_TRUE(router_.answers(name, false)) << name;
  for (const char* name : {"team", "kiro/d/*", "kiro/d/big", "kira/*", "kira/a"})
    EXPECT_FALSE(router_.answers(name, false)) << name;
  // Lists of models are not there yet: what they could hold is not called a mistake.
  for (const char* name : {"big", "kiro/big", "big*", "kiro/big*", "kiro/a/b*", "*/big"})
    EXPECT_TRUE(router_.answers(name, false)) << name;
  for (const char* name : {"team", "t*", "*"}) EXPECT_TRUE(router_.answers(name, true)) << name;
  for (const char* name : {"kiro/a", "tame", "x*"}) EXPECT_FALSE(router_.answers(name, true));
}

TEST(ModelSpellings, AreWhatAClientMaySend) {
  const auto all = spellings("claude-sonnet-4.5");
  for (const char* name : {"claude-sonnet-4.5", "claude-sonnet-4-5", "claude-sonnet-4-5-thinking",
                           "claude-sonnet-4.5-thinking", "claude-sonnet-4-5-latest"}) {
    EXPECT_NE(std::ranges::find(all, name), all.end()) << name;
    EXPECT_TRUE(sameModel("claude-sonnet-4.5", name)) << name;
  }
}

TEST_F(RouterTest, WhatARequestFindsDeadOrWellAgainIsTold) {
  using Told = std::vector<std::string>;
  failures_["id-a"] = {FailureKind::RateLimited};
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(checked_, Told{}) << "cooling passes by itself";
  failures_["id-b"] = {FailureKind::Suspended, FailureKind::Suspended};
  failures_["id-c"] = {FailureKind::ReauthRequired};
  EXPECT_FALSE(ask("team"));
  EXPECT_EQ(checked_, (Told{"id-b: planned", "id-c: planned"}));
  checked_.clear();
  EXPECT_FALSE(ask("kiro/b"));
  EXPECT_EQ(checked_, Told{}) << "nobody was asked";
  clock_.now += 24 * 3'600'000;  // both are looked at again: one is still suspended
  ASSERT_TRUE(ask("kiro/c"));
  EXPECT_FALSE(ask("kiro/b"));
  EXPECT_EQ(checked_, (Told{"id-c", "id-b: planned"}));
}

TEST_F(RouterTest, FirstTargetServesWithTheDefaultModel) {
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:auto"});
  EXPECT_EQ(sink_.text, "id-a");
  ASSERT_EQ(report_.attempts.size(), 1u);
  EXPECT_TRUE(report_.attempts[0].ok);
}

TEST_F(RouterTest, FallsBackBeforeTheFirstContent) {
  failures_["id-a"] = {FailureKind::RateLimited};
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, (Calls{"id-a:auto", "id-b:big"}));
  EXPECT_EQ(sink_.text, "id-b");
  EXPECT_EQ(std::ranges::count(sink_.kinds, EventKind::Started),
            1);  // nothing of the failed attempt
  EXPECT_EQ(state("id-a"), AccountState::Cooling);
  ASSERT_TRUE(ask("team"));  // the cooling account is not asked again
  EXPECT_EQ(provider_.calls, Calls{"id-b:big"});
  clock_.now += 60'000;
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, Calls{"id-a:auto"});
  EXPECT_EQ(state("id-a"), AccountState::Active);
}

TEST_F(RouterTest, TheRequestIsKeptUntilNoOtherAccountCanBeAsked) {
  provider_.script = [](std::string_view id, const chat::ChatRequest&,
                        chat::EventSink& sink) -> Result<> {
    sink.requestDone();
    if (id == "id-a") return makeError(FailureKind::RateLimited, "planned");
    emit(sink, EventKind::Started);
    emit(sink, EventKind::Text, "one");
    sink.requestDone();
    emit(sink, EventKind::Finish);
    return {};
  };
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(sink_.text, "|done|one|done|");  // of the second attempt alone
}

TEST_F(RouterTest, NetworkFailureIsRetriedOnceInPlace) {
  failures_["id-a"] = {FailureKind::Network};
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, (Calls{"id-a:auto", "id-a:auto"}));
  failures_["id-a"] = {FailureKind::Network, FailureKind::Network};
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(provider_.calls, (Calls{"id-a:auto", "id-a:auto", "id-b:big"}));
  EXPECT_EQ(state("id-a"), AccountState::Active);
}

TEST_F(RouterTest, TheClientsFaultStopsAndTouchesNoAccount) {
  for (FailureKind kind : {FailureKind::BadRequest, FailureKind::ContextLength}) {
    failures_["id-a"] = {kind};
    const auto result = ask("team");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, kind);
    EXPECT_EQ(result.error().message, "planned");
    EXPECT_EQ(provider_.calls.size(), 1u);
    EXPECT_EQ(store_.state_writes, 0);
  }
}

TEST_F(RouterTest, AfterContentTheErrorComesBackAsItIs) {
  provider_.script = [](std::string_view, const chat::ChatRequest&,
                        chat::EventSink& sink) -> Result<> {
    emit(sink, EventKind::Text, "half");
    return makeError(FailureKind::Network, "broke off");
  };
  const auto result = ask("team");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "broke off");
  EXPECT_EQ(provider_.calls.size(), 1u);
  EXPECT_EQ(sink_.text, "half");
}

TEST_F(RouterTest, AnswerWithoutContentIsTriedElsewhere) {
  provider_.script = [](std::string_view id, const chat::ChatRequest&,
                        chat::EventSink& sink) -> Result<> {
    if (id == "id-b") return answer(sink, "here");
    emit(sink, EventKind::Started);
    emit(sink, EventKind::Finish);
    return {};
  };
  ASSERT_TRUE(ask("team"));
  EXPECT_EQ(sink_.text, "here");
  EXPECT_EQ(report_.attempts.front().error.kind, FailureKind::EmptyResponse);
}

TEST_F(RouterTest, CancelledStopsAtOnce) {
  failures_["id-a"] = {FailureKind::Cancelled};
  EXPECT_EQ(ask("team").error().kind, FailureKind::Cancelled);
  EXPECT_EQ(provider_.calls.size(), 1u);
  EXPECT_EQ(store_.state_writes, 0);
}

TEST_F(RouterTest, AClientThatLeftIsNoFailureOfTheAccount) {
  provider_.script = [](std::string_view, const chat::ChatRequest&,
                        chat::EventSink& sink) -> Result<> {
    if (!emit(sink, EventKind::Text, "x"))
      return makeError(FailureKind::RateLimited, "must not count");
    return {};
  };
  chat::ChatRequest request;
  request.model = "team";
  Recorder sink;
  sink.gone = true;
  EXPECT_EQ(router_.complete(request, sink, never_, report_).error().kind, FailureKind::Cancelled);
  EXPECT_EQ(store_.state_writes, 0);
}

TEST_F(RouterTest, AllExhaustedNamesThemAndSaysWhen) {
  for (const char* id : {"id-a", "id-b", "id-c"}) failures_[id] = {FailureKind::RateLimited};
  const auto failed = ask("team");
  ASSERT_FALSE(failed);
  for (const char* name : {"kiro/a", "kiro/b", "kiro/c"})
    EXPECT_NE(failed.error().message.find(name), std::string::npos);
  EXPECT_EQ(failed.error().retry_after_ms, 60'000);
  clock_.now += 20'000;
  const auto refused = ask("team");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(provider_.calls.empty());
  // As the first time, so that a client's own handling of a 429 goes on working.
  EXPECT_EQ(failed.error().kind, FailureKind::RateLimited);
  EXPECT_EQ(refused.error().kind, FailureKind::RateLimited);
  EXPECT_EQ(refused.error().retry_after_ms, 40'000);
}

TEST_F(RouterTest, RoundRobinSpreads) {
  std::map<std::string, int> served;
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(ask("round"));
    ++served[sink_.text];
  }
  EXPECT_EQ(served, (std::map<std::string, int>{{"id-a", 3}, {"id-b", 3}, {"id-c", 3}}));
}

TEST_F(RouterTest, CombosAreReadOnReloadOnly) {
  const int reads = store_.combo_reads;
  Combo fresh;
  fresh.name = "fresh";
  fresh.targets = {{"kiro/c"}};
  store_.combos.push_back(fresh);
  EXPECT_EQ(ask("fresh").error().kind, FailureKind::NotFound);
  EXPECT_EQ(store_.combo_reads, reads);
  ASSERT_TRUE(router_.reloadCombos());
  EXPECT_TRUE(ask("fresh"));
}

TEST_F(RouterTest, ModelsListCombosAndAccountsThatAreNotDisabled) {
  StateRecord disabled;
  disabled.state = AccountState::Disabled;
  ASSERT_TRUE(accounts_.setState("id-b", disabled));
  std::vector<std::string> ids;
  const auto models = router_.models();  // a temporary would be gone inside the loop
  for (const auto& entry : *models) ids.push_back(entry.id);
  EXPECT_EQ(ids, (Calls{"round", "team", "kiro/a", "kiro/c"}));
}

TEST_F(RouterTest, AnAccountJustCooledIsNotAskedWithAnotherModel) {
  store_.combos = {{}};
  store_.combos[0].name = "models";
  store_.combos[0].targets = {{"kiro/a/x"}, {"kiro/a/y"}, {"kiro/b"}};
  ASSERT_TRUE(router_.reloadCombos());
  failures_["id-a"] = {FailureKind::RateLimited};
  ASSERT_TRUE(ask("models"));
  EXPECT_EQ(provider_.calls, (Calls{"id-a:x", "id-b:auto"}));
}

TEST_F(RouterTest, SuccessWithoutAnyEventIsEmpty) {
  provider_.script = [](std::string_view, const chat::ChatRequest&, chat::EventSink&) -> Result<> {
    return {};
  };
  const auto result = ask("kiro/a");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, FailureKind::EmptyResponse);
}

TEST_F(RouterTest, RoundRobinRotatesOverUsableAccountsOnly) {
  ASSERT_TRUE(accounts_.setState("id-a", {.state = AccountState::Disabled}));
  std::map<std::string, int> served;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(ask("round"));
    ++served[sink_.text];
  }
  EXPECT_EQ(served, (std::map<std::string, int>{{"id-b", 3}, {"id-c", 3}}));
}

}  // namespace
}  // namespace omni::routing
