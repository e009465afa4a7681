// Rows 59 to 90 of the test list in the wire description (section H.9): what becomes of an answer.

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "tests/unit/plugins/kiro/wire_kit.hpp"

namespace omni::kiro::wire {
namespace {

struct Row {
  int number;
  const char* what;
  std::string stream;
  uint32_t finish;
  std::string text;
  std::string reasoning = {};
  // name(arguments) of each call, in order
  std::string calls = {};
};

std::string callsOf(const RecordingSink& sink) {
  std::string out;
  for (const auto& call : sink.toolCalls()) out += call.name + "(" + call.arguments + ")";
  return out;
}

std::vector<Row> rows() {
  const std::string edit = use("t1") + input("t1", "") + input("t1", R"({"a":)") +
                           input("t1", R"("\u00e9"})") + stop("t1");
  const std::string args = R"(edit({"a":"\u00e9"}))";
  const auto percent = [](const char* number) {
    return frame("contextUsageEvent", R"({"contextUsagePercentage":)" + std::string(number) + "}");
  };
  return {
      {59, "text", kInitial + say("Hel") + kTail, OMNI_FINISH_STOP, "Hel"},
      {60, "two deltas", kInitial + say("Hel") + say("lo") + kTail, OMNI_FINISH_STOP, "Hello"},
      {61, "the context usage first", kInitial + percent("1.5") + say("x") + kTail,
       OMNI_FINISH_STOP, "x"},
      {62, "reasoning", kInitial + think("a") + think("b") + sign("s") + say("x") + kTail,
       OMNI_FINISH_STOP, "x", "ab"},
      {63, "a call in fragments", kInitial + edit + kTail, OMNI_FINISH_TOOL_CALLS, "", "", args},
      {64, "a call whose input is a growing object",
       kInitial + use("t1") + use("t1", R"("input":{"a":1})") + use("t1", R"("input":{"a":12})") +
           use("t1", R"("input":{"a":12,"b":[{}]})") + stop("t1") + kTail,
       OMNI_FINISH_TOOL_CALLS, "", "", R"(edit({"a":12,"b":[{}]}))"},
      {65, "the same call again after its end", kInitial + edit + edit + kTail,
       OMNI_FINISH_TOOL_CALLS, "", "", args},
      {66, "two calls, interleaved",
       kInitial + use("a") + use("b", "", "bash") + input("a", R"({"n")") +
           input("b", R"({"m")", "bash") + input("a", ":1}") + input("b", ":2}", "bash") +
           stop("b", "bash") + stop("a") + kTail,
       OMNI_FINISH_TOOL_CALLS, "", "", R"(edit({"n":1})bash({"m":2}))"},
      {67, "a call and a last event", kInitial + edit + metadata(R"("stopReason":"TOOL_USE")"),
       OMNI_FINISH_TOOL_CALLS, "", "", args},
      {67, "the last fragment comes with the stop",
       kInitial + use("t1", R"("input":"{}","stop":true)") + kTail, OMNI_FINISH_TOOL_CALLS, "", "",
       "edit({})"},
      {67, "a call without input", kInitial + use("t1") + stop("t1") + kTail,
       OMNI_FINISH_TOOL_CALLS, "", "", "edit({})"},
      {68, "text only", kInitial + say("x") + metadata(R"("stopReason":"END_TURN")") + kTail,
       OMNI_FINISH_STOP, "x"},
      {69, "the window is full", kInitial + say("x") + percent("100.0"), OMNI_FINISH_CONTEXT_LENGTH,
       "x"},
      {69, "the window is full, in words",
       kInitial + metadata(R"("stopReason":"MODEL_CONTEXT_WINDOW_EXCEEDED")"),
       OMNI_FINISH_CONTEXT_LENGTH, ""},
      {73, "an event nobody knows", kInitial + say("a") + frame("newEvent", "?") + say("b") + kTail,
       OMNI_FINISH_STOP, "ab"},
      {75, "a call without its end",
       kInitial + say("x") + use("t1") + input("t1", R"({"a":)") + kTail, OMNI_FINISH_LENGTH, "x",
       "", R"(edit({"a":))"},
      {75, "a call whose input is no object",
       kInitial + use("t1") + input("t1", R"({"a":)") + stop("t1") + kTail, OMNI_FINISH_LENGTH, "",
       "", R"(edit({"a":))"},
      {77, "no last events", kInitial + say("x"), OMNI_FINISH_LENGTH, "x"},
      {82, "thinking in tags", kInitial + say("<thinking>why</thinking>\n\nbecause") + kTail,
       OMNI_FINISH_STOP, "because", "why"},
      {83, "a tag in backticks and quotes",
       kInitial + say("`<thinking>` and \"<thinking>\"") + kTail, OMNI_FINISH_STOP,
       "`<thinking>` and \"<thinking>\""},
      {83, "a tag later on", kInitial + say("a\n") + say("<thinking>b</thinking>") + kTail,
       OMNI_FINISH_STOP, "a\n<thinking>b</thinking>"},
      {84, "the empty line after the tag, in pieces",
       kInitial + say("<thinking>why</thinking>") + say("\n") + say("\n") + say("so\n") + kTail,
       OMNI_FINISH_STOP, "so\n", "why"},
      {85, "thinking and nothing else", kInitial + say("<thinking>why") + say(" not</thi") + kTail,
       OMNI_FINISH_LENGTH, "", "why not</thi"},
      {86, "thinking, then a call", kInitial + think("hm") + sign("s") + edit + kTail,
       OMNI_FINISH_TOOL_CALLS, "", "hm", args},
      {86, "thinking in tags, then a call",
       kInitial + say("<thinking>hm</thinking>\n\n") + edit + kTail, OMNI_FINISH_TOOL_CALLS, "",
       "hm", args},
      {87, "text after a call", kInitial + say("a") + edit + say("b") + kTail,
       OMNI_FINISH_TOOL_CALLS, "ab", "", args},
      {88, "an empty first delta", kInitial + say("") + say("x") + kTail, OMNI_FINISH_STOP, "x"},
      {89, "END_TURN next to a call",
       kInitial + edit + metadata(R"("stopReason":"END_TURN")") + kTail, OMNI_FINISH_TOOL_CALLS, "",
       "", args},
      {90, "a refusal",
       kInitial + say("No") + metadata(R"("stopDetails":{"refusal":{"category":"x"}})"),
       OMNI_FINISH_CONTENT_FILTER, "No"},
      {90, "a refusal without a word", kInitial + metadata(R"("stopReason":"CONTENT_FILTERED")"),
       OMNI_FINISH_CONTENT_FILTER, ""},
      {90, "a limit without a word", kInitial + metadata(R"("stopReason":"MAX_TOKENS")"),
       OMNI_FINISH_LENGTH, ""},
      {90, "a pause", kInitial + say("x") + metadata(R"("stopReason":"PAUSE_TURN")"),
       OMNI_FINISH_PAUSE, "x"},
      {90, "no refusal in the details", kInitial + say("x") + metadata(R"("stopDetails":{})"),
       OMNI_FINISH_STOP, "x"},
  };
}

void check(const Row& row, const Heard& heard) {
  EXPECT_EQ(heard.error(), "");
  EXPECT_EQ(heard.sink.text(), row.text);
  EXPECT_EQ(heard.sink.reasoning(), row.reasoning);
  EXPECT_EQ(callsOf(heard.sink), row.calls);
  EXPECT_EQ(heard.sink.finish(), row.finish);
  EXPECT_EQ(heard.sink.count(OMNI_EVENT_FINISH), 1u);
  EXPECT_TRUE(heard.sink.violations().empty()) << heard.sink.violations().front();
  for (const auto& e : heard.sink.events())
    if (e.kind == OMNI_EVENT_TEXT || e.kind == OMNI_EVENT_REASONING) {
      EXPECT_FALSE(e.text.empty());
    }
}

TEST(KiroH9, Answers) {
  std::set<int> seen;
  for (const Row& row : rows()) {
    SCOPED_TRACE("row " + std::to_string(row.number) + ": " + row.what);
    seen.insert(row.number);
    check(row, *hear(row.stream));
  }
  for (const int own : {70, 71, 72, 74, 76, 78, 79, 80, 81}) seen.insert(own);
  for (int number = 59; number <= 90; ++number) EXPECT_TRUE(seen.contains(number)) << number;
}

// Every row, cut in two at every byte, and byte by byte.
TEST(KiroH9, Row70SplitAtEveryByte) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.what);
    const std::string whole = hear(row.stream)->story();
    const std::string_view stream = row.stream;
    for (size_t cut = 1; cut < stream.size(); ++cut) {
      Heard heard;
      hear(heard, {stream.substr(0, cut), stream.substr(cut)});
      ASSERT_EQ(heard.story(), whole) << cut;
    }
    std::vector<std::string_view> bytes;
    for (size_t i = 0; i < stream.size(); ++i) bytes.push_back(stream.substr(i, 1));
    Heard heard;
    hear(heard, bytes);
    EXPECT_EQ(heard.story(), whole);
  }
}

// Cut off inside a frame is an error; between two frames it is at best an answer of limited length,
// and whole only once a last event has come.
TEST(KiroH9, Row76And77CutOffAtEveryByte) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.what);
    std::set<size_t> boundaries;
    EventStreamDecoder decoder;
    decoder.feed(row.stream);
    Frame f;
    size_t at = 0;
    bool tail = false;
    std::set<size_t> after_tail;
    while (decoder.next(f).value_or(false)) {
      const auto* p = reinterpret_cast<const unsigned char*>(row.stream.data()) + at;
      at += size_t(p[0]) << 24 | size_t(p[1]) << 16 | size_t(p[2]) << 8 | p[3];
      tail = tail || f.event_type == "metadataEvent" || f.event_type == "contextUsageEvent" ||
             f.event_type == "meteringEvent";
      boundaries.insert(at);
      if (tail) after_tail.insert(at);
    }
    ASSERT_EQ(at, row.stream.size());
    for (size_t size = 0; size < row.stream.size(); ++size) {
      const auto heard = hear(std::string_view(row.stream).substr(0, size));
      if (size == 0) {
        EXPECT_EQ(heard->kind(), OMNI_FAILURE_EMPTY_RESPONSE);
      } else if (!boundaries.contains(size)) {
        ASSERT_EQ(heard->kind(), OMNI_FAILURE_PROTOCOL) << size;
        ASSERT_FALSE(heard->sink.finish()) << size;
      } else if (!after_tail.contains(size)) {
        if (heard->end)
          EXPECT_EQ(heard->sink.finish(), OMNI_FINISH_LENGTH) << size;
        else
          EXPECT_EQ(heard->kind(), OMNI_FAILURE_EMPTY_RESPONSE) << size;
      }
    }
  }
}

TEST(KiroH9, Row71EveryFlippedBitIsSeen) {
  const std::string good = kInitial + say("Hello") + kTail;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    EXPECT_EQ(hear(bad)->kind(), OMNI_FAILURE_PROTOCOL) << i;
  }
}

TEST(KiroH9, Row72KnownEventsThatAreNotJson) {
  for (const char* type : {"assistantResponseEvent", "codeEvent", "reasoningContentEvent",
                           "toolUseEvent", "metadataEvent", "contextUsageEvent", "meteringEvent"})
    for (const char* payload :
         {"{no", "[]", "", "{\"content\":\"\xff\"}", "{}x", "{\"content\":\"\\ud800\"}"}) {
      SCOPED_TRACE(std::string(type) + " " + payload);
      EXPECT_EQ(hear(kInitial + say("x") + frame(type, payload))->kind(), OMNI_FAILURE_PROTOCOL);
    }
  // A tool call without id or name is none.
  EXPECT_EQ(hear(kInitial + frame("toolUseEvent", R"({"name":"x"})"))->kind(),
            OMNI_FAILURE_PROTOCOL);
  EXPECT_EQ(hear(kInitial + frame("toolUseEvent", R"({"toolUseId":"x"})"))->kind(),
            OMNI_FAILURE_PROTOCOL);
}

TEST(KiroH9, Row74ExceptionsBreakTheAnswerOff) {
  struct Exception {
    const char* type;
    const char* payload;
    uint32_t kind;
  };
  for (const Exception& e :
       {Exception{"throttlingError", R"({"message":"slow"})", OMNI_FAILURE_RATE_LIMITED},
        Exception{"ThrottlingException",
                  R"({"message":"m","reason":"INSUFFICIENT_MODEL_CAPACITY"})",
                  OMNI_FAILURE_CAPACITY},
        Exception{"validationError", R"({"message":"m"})", OMNI_FAILURE_BAD_REQUEST},
        Exception{"serviceUnavailableError", "{}", OMNI_FAILURE_UPSTREAM},
        Exception{"error", "not json", OMNI_FAILURE_UPSTREAM}}) {
    SCOPED_TRACE(e.type);
    const auto heard = hear(kInitial + say("part") + frame(e.type, e.payload, "exception"));
    EXPECT_EQ(heard->sink.text(), "part");
    EXPECT_EQ(heard->kind(), e.kind);
    EXPECT_FALSE(heard->sink.finish());
    // Before anything was said, nothing is told: another account may still answer.
    EXPECT_TRUE(hear(frame(e.type, e.payload, "exception"))->sink.events().empty());
  }
  const std::string full = frame("ContentLengthExceededException", "{}", "exception");
  EXPECT_EQ(hear(kInitial + say("part") + full)->sink.finish(), OMNI_FINISH_LENGTH);
  EXPECT_EQ(hear(kInitial + full)->kind(), OMNI_FAILURE_CONTEXT_LENGTH);
  EXPECT_EQ(
      hear(kInitial + say("x") + frame("invalidStateEvent", R"({"reason":"r","message":"m"})"))
          ->kind(),
      OMNI_FAILURE_UPSTREAM);
}

TEST(KiroH9, ErrorFrames) {
  std::string headers;
  header(headers, ":message-type", "error");
  header(headers, ":error-code", "InternalError");
  header(headers, ":error-message", "account 123456789012 broke");
  std::string bytes;
  put32(bytes, static_cast<uint32_t>(headers.size() + 16));
  put32(bytes, static_cast<uint32_t>(headers.size()));
  put32(bytes, crc32(bytes));
  bytes += headers;
  put32(bytes, crc32(bytes));
  const auto heard = hear(kInitial + say("x") + bytes);
  EXPECT_EQ(heard->kind(), OMNI_FAILURE_UPSTREAM);
  EXPECT_NE(heard->error().find("InternalError: account [hidden] broke"), std::string::npos)
      << heard->error();
}

TEST(KiroH9, Row78AnEmptyAnswer) {
  EXPECT_EQ(hear(kInitial)->kind(), OMNI_FAILURE_EMPTY_RESPONSE);
  EXPECT_EQ(hear(kInitial + kTail)->kind(), OMNI_FAILURE_EMPTY_RESPONSE);
  EXPECT_EQ(hear(kInitial + metadata(R"("stopReason":"END_TURN")"))->kind(),
            OMNI_FAILURE_EMPTY_RESPONSE);
}

TEST(KiroH9, Rows79To81Usage) {
  ReplyOptions options;
  options.context_window = 200'000;
  const auto told =
      hear(kInitial + say("x") +
               metadata(R"("tokenUsage":{"uncachedInputTokens":7,"cacheReadInputTokens":2,)"
                        R"("cacheWriteInputTokens":1,"outputTokens":4,"totalTokens":14})") +
               kTail,
           options);
  const auto usage = told->sink.usage().value();
  EXPECT_EQ(usage.input_tokens, 10);
  EXPECT_EQ(usage.output_tokens, 4);
  EXPECT_EQ(usage.cache_read_tokens, 2);
  EXPECT_EQ(usage.cache_write_tokens, 1);
  EXPECT_EQ(usage.estimated, 0u);
  EXPECT_DOUBLE_EQ(usage.credits, 0.5);  // 81: it came after everything else

  const auto metered = [&](const std::string& credits) {
    return hear(kInitial + say("x") +
                    frame("meteringEvent", R"({"unit":"credit","usage":)" + credits + "}"),
                options)
        ->sink.usage()
        .value()
        .credits;
  };
  EXPECT_EQ(metered("0.00028000000000000003"), 0.00028);
  EXPECT_EQ(metered("1e300"), 1e300) << "not infinite";

  const auto guessed = hear(kInitial + say("12345678") + kTail, options)->sink.usage().value();
  EXPECT_EQ(guessed.estimated, 1u);
  EXPECT_EQ(guessed.output_tokens, 2);
  EXPECT_EQ(guessed.input_tokens + guessed.output_tokens, 20'000);
  options.context_window = 1'000'000;  // the model's own window, not a constant
  EXPECT_EQ(hear(kInitial + say("12345678") + kTail, options)->sink.usage()->input_tokens, 99'998);
  options.context_window = 0;
  EXPECT_EQ(hear(kInitial + say("x") + kTail, options)->sink.usage()->input_tokens, -1);
}

// 31 for the way back.
TEST(KiroH9, ToolNamesAreRestored) {
  const std::string original(80, 'a');
  const ToolNames names = {{safeToolName(original), original}};
  ReplyOptions options;
  options.tool_names = &names;
  const auto sent = safeToolName(original);
  const auto heard = hear(kInitial + use("t1", "", sent) + stop("t1", sent) + kTail, options);
  EXPECT_EQ(heard->sink.toolCalls().at(0).name, original);
}

// Fragments reach the client as they come.
TEST(KiroReply, ArgumentsStream) {
  const auto heard =
      hear(kInitial + use("t1") + input("t1", R"({"a")") + input("t1", ":1}") + stop("t1") + kTail);
  EXPECT_EQ(heard->sink.count(OMNI_EVENT_TOOL_ARGUMENTS), 2u);
}

TEST(KiroReply, SignaturesAndRedactedThinkingPassUnchanged) {
  const auto heard =
      hear(kInitial + think("a") + sign("A+/=\"\\\n") +
           frame("reasoningContentEvent", R"({"redactedContent":"AAA="})") + say("x") + kTail);
  std::string signature, redacted_data;
  for (const auto& e : heard->sink.events()) {
    if (e.kind == OMNI_EVENT_REASONING_SIGNATURE) signature += e.text;
    if (e.kind == OMNI_EVENT_REDACTED_REASONING) redacted_data += e.text;
  }
  EXPECT_EQ(signature, "A+/=\"\\\n");
  EXPECT_EQ(redacted_data, "AAA=");
}

TEST(KiroReply, AClientThatIsGoneEndsIt) {
  const std::string stream =
      kInitial + think("a") + say("b") + use("t1") + input("t1", "{}") + stop("t1") + kTail;
  const size_t all = hear(stream)->sink.events().size();
  for (size_t count = 0; count < all; ++count) {
    Heard heard;
    heard.sink.cancelAfter(count);
    hear(heard, {stream});
    ASSERT_FALSE(heard.end) << count;
    EXPECT_TRUE(heard.end.error().cancelled) << count;
    EXPECT_TRUE(heard.sink.violations().empty()) << count;
  }
}

}  // namespace
}  // namespace omni::kiro::wire
