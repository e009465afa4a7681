// What this side does for a client because Kiro has no member for it.

#include <gtest/gtest.h>

#include "tests/unit/plugins/kiro/wire_kit.hpp"

namespace omni::kiro::wire {
namespace {

ReplyOptions stopping(std::vector<std::string> words) {
  ReplyOptions out;
  out.stop = std::move(words);
  return out;
}

std::string finishText(const Heard& heard) {
  for (const auto& e : heard.sink.events())
    if (e.kind == OMNI_EVENT_FINISH) return e.text;
  return {};
}

TEST(KiroStop, EndsBeforeTheSequence) {
  struct Row {
    const char* what;
    std::vector<std::string> deltas, words;
    const char* text;
    const char* matched;
  };
  const std::vector<Row> rows = {
      {"in one delta", {"one END two"}, {"END"}, "one ", "END"},
      {"over two", {"one E", "ND two"}, {"END"}, "one ", "END"},
      {"over three", {"one E", "N", "D"}, {"END"}, "one ", "END"},
      {"almost", {"one E", "N", " two"}, {"END"}, "one EN two", ""},
      {"almost at the end", {"one EN"}, {"END"}, "one EN", ""},
      {"overlapping itself", {"aaab"}, {"aab"}, "a", "aab"},
      {"the first of two", {"x#y!z"}, {"!", "#"}, "x", "#"},
      {"at the very start", {"END"}, {"END"}, "", "END"},
      {"other alphabets", {"caf", "\u00e9!"}, {"\u00e9"}, "caf", "\u00e9"},
      {"an empty word", {"abc"}, {""}, "abc", ""},
      {"a line", {"a\n", "\nb"}, {"\n\n"}, "a", "\n\n"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    std::string stream = kInitial;
    for (const auto& delta : row.deltas) stream += say(delta);
    const auto heard = hear(stream + kTail, stopping(row.words));
    EXPECT_EQ(heard->error(), "");
    EXPECT_EQ(heard->sink.text(), row.text);
    EXPECT_EQ(heard->sink.finish(), OMNI_FINISH_STOP);
    EXPECT_EQ(finishText(*heard), row.matched);
  }
}

TEST(KiroStop, NothingFollowsTheSequence) {
  const std::string stream =
      kInitial + say("a") + say("ENDb") + use("t1") + stop("t1") + say("c") + kTail;
  const auto heard = hear(stream, stopping({"END"}));
  EXPECT_EQ(heard->sink.text(), "a");
  EXPECT_TRUE(heard->sink.toolCalls().empty());
  EXPECT_EQ(heard->sink.usage()->estimated, 1u);  // upstream's own count was not waited for
}

TEST(KiroStop, HeldTextGoesOutBeforeACall) {
  const auto heard =
      hear(kInitial + say("x EN") + use("t1") + stop("t1") + say("D") + kTail, stopping({"END"}));
  const auto& events = heard->sink.events();
  size_t text = 0, start = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i].text.find("EN") != std::string::npos) text = i;
    if (events[i].kind == OMNI_EVENT_TOOL_START) start = i;
  }
  EXPECT_LT(text, start);
  EXPECT_EQ(heard->sink.text(), "x END");
}

TEST(KiroJson, OnlyTheObjectIsPassedOn) {
  struct Row {
    const char* what;
    std::vector<std::string> deltas;
    const char* text;
    uint32_t finish;
  };
  for (const Row& row : std::vector<Row>{
           {"bare", {R"({"a":)", R"("}{"})"}, R"({"a":"}{"})", OMNI_FINISH_STOP},
           {"with space", {"\n ", R"({"a":1})", "\n"}, R"({"a":1})", OMNI_FINISH_STOP},
           {"in a fence",
            {"``", "`json\n{", R"("a":1})", "\n```\nDone."},
            R"({"a":1})",
            OMNI_FINISH_STOP},
           {"after prose",
            {"Here it is:\n", R"({"a":{"b":2}})", " Enjoy!"},
            R"({"a":{"b":2}})",
            OMNI_FINISH_STOP},
           {"after braces in prose", {"Use {x}: ", R"({"a":1})"}, R"({"a":1})", OMNI_FINISH_STOP},
           {"escaped quote", {R"({"a":"\"}"})", "rest"}, R"({"a":"\"}"})", OMNI_FINISH_STOP},
           {"cut off", {R"({"a":[1,)"}, R"({"a":[1,)", OMNI_FINISH_LENGTH}}) {
    SCOPED_TRACE(row.what);
    std::string stream = kInitial;
    for (const auto& delta : row.deltas) stream += say(delta);
    for (const bool withhold : {true, false}) {
      ReplyOptions options;
      options.emulation.json = true;
      options.withhold = withhold;
      const auto heard = hear(stream + kTail, options);
      ASSERT_TRUE(heard->end) << heard->error();
      EXPECT_EQ(*heard->end, ReplyEnd::Complete);
      EXPECT_EQ(heard->sink.text(), row.text);
      EXPECT_EQ(heard->sink.finish(), row.finish);
    }
  }
}

TEST(KiroJson, AnAnswerWithoutAnObjectIsWithheldOnce) {
  ReplyOptions options;
  options.emulation.json = true;
  options.withhold = true;
  const auto first = hear(kInitial + say("I would rather not.") + kTail, options);
  EXPECT_EQ(first->end.value(), ReplyEnd::Unmet);
  EXPECT_EQ(first->sink.text(), "");
  EXPECT_FALSE(first->sink.finish());
  options.withhold = false;
  const auto second = hear(kInitial + say("I would rather not.") + kTail, options);
  EXPECT_EQ(second->end.value(), ReplyEnd::Complete);
  EXPECT_EQ(second->sink.text(), "I would rather not.");
  options.withhold = true;  // a refusal is final
  EXPECT_EQ(hear(kInitial + say("No.") + metadata(R"("stopReason":"CONTENT_FILTERED")"), options)
                ->end.value(),
            ReplyEnd::Complete);
}

TEST(KiroToolChoice, AnAnswerWithoutTheCallIsWithheld) {
  ReplyOptions options;
  options.withhold = true;
  options.emulation.must_call = true;
  const std::string call = use("t1") + input("t1", "{}") + stop("t1");
  const auto unmet = hear(kInitial + think("hm") + say("No") + kTail, options);
  EXPECT_EQ(unmet->end.value(), ReplyEnd::Unmet);
  EXPECT_EQ(unmet->sink.count(OMNI_EVENT_TEXT) + unmet->sink.count(OMNI_EVENT_REASONING), 0u);
  const auto met = hear(kInitial + think("hm") + say("Sure. ") + call + kTail, options);
  EXPECT_EQ(met->end.value(), ReplyEnd::Complete);
  EXPECT_EQ(met->sink.reasoning(), "hm");
  EXPECT_EQ(met->sink.text(), "Sure. ");
  EXPECT_EQ(met->sink.toolCalls().size(), 1u);
  options.emulation.must_name = "edit";
  EXPECT_EQ(hear(kInitial + call + kTail, options)->end.value(), ReplyEnd::Complete);
  options.emulation.must_name = "other";
  EXPECT_EQ(hear(kInitial + call + kTail, options)->end.value(), ReplyEnd::Unmet);
  options.withhold = false;  // asked twice: what comes, comes
  EXPECT_EQ(hear(kInitial + call + kTail, options)->end.value(), ReplyEnd::Complete);
}

TEST(KiroToolChoice, OneCallAndNoCall) {
  const std::string two = kInitial + say("x") + use("a") + use("b") + input("a", R"({"n":1})") +
                          input("b", R"({"n":2})") + stop("b") + stop("a") + kTail;
  ReplyOptions one;
  one.emulation.one_call = true;
  const auto first = hear(two, one);
  ASSERT_EQ(first->sink.toolCalls().size(), 1u);
  EXPECT_EQ(first->sink.toolCalls()[0].arguments, R"({"n":1})");
  EXPECT_EQ(first->sink.finish(), OMNI_FINISH_TOOL_CALLS);
  ReplyOptions none;
  none.emulation.no_calls = true;
  const auto nothing = hear(two, none);
  EXPECT_TRUE(nothing->sink.toolCalls().empty());
  EXPECT_EQ(nothing->sink.finish(), OMNI_FINISH_STOP);
}

}  // namespace
}  // namespace omni::kiro::wire
