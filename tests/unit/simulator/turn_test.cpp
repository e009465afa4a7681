#include <chrono>

#include "fixture.hpp"
#include "simulator/turn.hpp"

namespace omni::sim {
namespace {

using ::testing::ElementsAre;

class TurnTest : public testing::SimTest {
 protected:
  void SetUp() override {
    SimTest::SetUp();
    account_ = account({{"kind", "social"}});
  }
  testing::Answer play(const json::object& turn) {
    EXPECT_EQ(post("/__control/turns", turn).status, 200);
    return generate(account_, chat(account_, "hi"));
  }
  json::object account_;
};

TEST_F(TurnTest, TextIsUsedOnceThenEchoReturns) {
  EXPECT_EQ(streamedText(frames(play({{"text", "scripted words"}}).body)), "scripted words");
  EXPECT_EQ(streamedText(frames(generate(account_, chat(account_, "hi")).body)), "You said: hi");
}

TEST_F(TurnTest, OwnTurnsComeFirstAndRepeat) {
  const auto other = account({{"kind", "social"}});
  post("/__control/turns", {{"text", "common"}});
  post("/__control/turns", {{"text", "own"}, {"account", account_.at("accountId")}, {"repeat", 2}});
  const auto ask = [&](const json::object& who) {
    return streamedText(frames(generate(who, chat(who, "x")).body));
  };
  EXPECT_EQ(ask(account_), "own");
  EXPECT_EQ(ask(other), "common");
  EXPECT_EQ(ask(account_), "own");
  EXPECT_EQ(ask(account_), "You said: x");
}

TEST_F(TurnTest, ToolCallProtocol) {
  json::array calls;
  calls.push_back(
      {{"name", "get"}, {"toolUseId", "t1"}, {"input", {{"city", "Tromsø"}}}, {"fragment", 4}});
  const auto list = frames(play({{"toolCalls", calls}}).body);
  std::string input;
  std::vector<json::object> uses;
  for (const auto& frame : list) {
    if (header(frame, ":event-type") != "toolUseEvent") continue;
    uses.push_back(json::parse(frame.payload).as_object());
    input += text(uses.back(), "input");
  }
  ASSERT_GE(uses.size(), 4U);
  EXPECT_EQ(json::serialize(uses.front()), R"({"name":"get","toolUseId":"t1"})");
  EXPECT_EQ(json::serialize(uses.back()), R"({"name":"get","stop":true,"toolUseId":"t1"})");
  EXPECT_EQ(json::parse(input), json::value({{"city", "Tromsø"}}));
}

TEST_F(TurnTest, TruncationCorruptionAndExceptions) {
  std::string rest;
  auto list = frames(play({{"text", "a b c"}, {"truncation", "mid_frame"}}).body, &rest);
  EXPECT_FALSE(rest.empty());
  EXPECT_EQ(streamedText(list), "a b ");
  list = frames(play({{"text", "a b c"}, {"truncation", "before_tail"}}).body, &rest);
  EXPECT_TRUE(rest.empty());
  EXPECT_THAT(types(list), ElementsAre("initial-response", "assistantResponseEvent"));
  list = frames(play({{"text", "a b c"}, {"corruptCrc", 2}}).body, &rest);
  EXPECT_EQ(list.size(), 2U);
  EXPECT_FALSE(rest.empty());
  list = frames(
      play({{"text", "a b c"},
            {"exception",
             {{"at", 3}, {"type", "throttlingError"}, {"reason", "USER_REQUEST_RATE_EXCEEDED"}}}})
          .body);
  EXPECT_EQ(streamedText(list), "a b ");
  EXPECT_EQ(header(list.back(), ":exception-type"), "throttlingError");
  list = frames(play({{"empty", true}}).body);
  EXPECT_THAT(types(list), ElementsAre("initial-response"));
}

TEST_F(TurnTest, RawEventsAndHttpErrors) {
  const auto events = json::parse(
      R"([{"type":"assistantResponseEvent","payload":{"content":"x"}},{"messageStopEvent":{}},)"
      R"({"error":{"code":"Oops","message":"m"}}])");
  const auto list = frames(play({{"events", events}}).body);
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(header(list[3], ":error-code"), "Oops");
  const auto failed =
      play({{"status", 429}, {"body", {{"__type", "x#ThrottlingException"}, {"message", "m"}}}});
  EXPECT_EQ(failed.status, 429);
  EXPECT_EQ(failed.at("message"), "m");
}

TEST_F(TurnTest, SplitsAndReasoningKeepTheBytes) {
  const auto list =
      frames(play({{"text", "one two"}, {"reasoning", "why not"}, {"chunkSize", 3}}).body);
  EXPECT_EQ(streamedText(list), "one two");
  EXPECT_EQ(types(list)[1], "reasoningContentEvent");
  EXPECT_EQ(
      streamedText(frames(play({{"text", "a b"}, {"splits", json::array{2, 9, 37, 91}}}).body)),
      "a b");
}

TEST_F(TurnTest, ScriptedModeFailsLoudly) {
  world_.policy.update({{"scripted", true}});
  EXPECT_EQ(generate(account_, chat(account_, "hi")).status, 500);
}

TEST(SplitText, KeepsEveryByte) {
  std::string joined;
  const auto pieces = splitText("a bb  ccc d e f g", 3);
  for (const auto& piece : pieces) joined += piece;
  EXPECT_EQ(joined, "a bb  ccc d e f g");
  EXPECT_EQ(pieces.size(), 3U);
  EXPECT_TRUE(splitText("", 3).empty());
}

}  // namespace
}  // namespace omni::sim
