#include "tests/unit/plugins/openai/fixture.hpp"

namespace omni::openai_upstream {
namespace {

using OpenAiReply = Fixture;

TEST_F(OpenAiReply, StreamsTextReasoningAndUsage) {
  stream({delta(R"("role":"assistant","content":"")"), delta(R"("reasoning_content":"hm")"),
          ": ping\n\n", delta(R"("content":"Hel")"), delta(R"("content":"lo")", "stop"),
          chunk("", R"(,"usage":{"prompt_tokens":10,"completion_tokens":2,)"
                    R"("prompt_tokens_details":{"cached_tokens":4},"credits":0.5})"),
          "data: [DONE]\n\n"});
  ASSERT_EQ(ask(), OMNI_OK);
  EXPECT_EQ(sink_.text(), "Hello");
  EXPECT_EQ(sink_.reasoning(), "hm");
  EXPECT_EQ(sink_.finish(), OMNI_FINISH_STOP);
  ASSERT_TRUE(sink_.usage());
  EXPECT_EQ(sink_.usage()->input_tokens, 10);
  EXPECT_EQ(sink_.usage()->cache_read_tokens, 4);
  EXPECT_EQ(sink_.usage()->credits, 0.5);
  EXPECT_EQ(sink_.usage()->estimated, 0u);
  EXPECT_TRUE(sink_.violations().empty());
}

TEST_F(OpenAiReply, EveryCutOfTheBytesGivesTheSameEvents) {
  const std::string body =
      delta(R"("content":"a€b")") +
      "data: " + R"({"choices":[{"index":0,"delta":{"content":"c"},"finish_reason":"stop"}]})" +
      "\r\n\r\ndata: [DONE]\r\r";
  for (size_t cut = 1; cut < body.size(); ++cut) {
    RecordingSink sink;
    stream({body.substr(0, cut), body.substr(cut)});
    RequestBuilder request;
    ASSERT_EQ(plugin_.complete(call_, request.user("Hi").build(), sink), OMNI_OK) << cut;
    EXPECT_EQ(sink.text(), "a€bc") << cut;
  }
}

TEST_F(OpenAiReply, WithoutUsageTheNumbersAreMarkedAsEstimates) {
  stream({delta(R"("content":"12345678")", "stop"), "data: [DONE]\n\n"});
  ASSERT_EQ(ask(), OMNI_OK);
  EXPECT_EQ(sink_.usage()->output_tokens, 2);
  EXPECT_EQ(sink_.usage()->input_tokens, -1);
  EXPECT_EQ(sink_.usage()->estimated, 1u);
}

TEST_F(OpenAiReply, ToolCallsThatInterleaveComeOutOneAfterTheOther) {
  stream(
      {delta(
           R"("tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}])"),
       delta(
           R"("tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{\"y\""}}])"),
       delta(R"("tool_calls":[{"index":0,"function":{"arguments":"{\"x\":1}"}}])"),
       delta(R"("tool_calls":[{"index":1,"function":{"arguments":":2}"}}])", "tool_calls"),
       "data: [DONE]\n\n"});
  ASSERT_EQ(ask(), OMNI_OK);
  const auto calls = sink_.toolCalls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, R"({"x":1})");
  EXPECT_EQ(calls[1].name, "g");
  EXPECT_EQ(calls[1].arguments, R"({"y":2})");
  EXPECT_EQ(sink_.finish(), OMNI_FINISH_TOOL_CALLS);
  EXPECT_TRUE(sink_.violations().empty());
}

TEST_F(OpenAiReply, SloppyToolCallsAreUnderstood) {
  // No index, arguments as an object, the same id twice, "stop" at the end.
  stream(
      {delta(
           R"("tool_calls":[{"id":"f","type":"function","function":{"name":"f","arguments":{"x":1}}}])"),
       delta(R"("tool_calls":[{"id":"f","type":"function","function":{"name":"f"}}])", "stop"),
       "data: [DONE]\n\n"});
  ASSERT_EQ(ask(), OMNI_OK);
  const auto calls = sink_.toolCalls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, R"({"x":1})");
  EXPECT_EQ(calls[1].arguments, "{}");
  EXPECT_NE(calls[0].id, calls[1].id);
  EXPECT_EQ(sink_.finish(), OMNI_FINISH_TOOL_CALLS);
  EXPECT_TRUE(sink_.violations().empty());
}

TEST_F(OpenAiReply, CallsThatAllHaveIndexZeroAreToldApartByTheirIds) {
  stream({delta(R"("tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}])"),
          delta(R"("tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{"}}])"),
          delta(R"("tool_calls":[{"index":0,"function":{"arguments":"}"}}])", "tool_calls"),
          "data: [DONE]\n\n"});
  ASSERT_EQ(ask(), OMNI_OK);
  const auto calls = sink_.toolCalls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, "{}");
  EXPECT_EQ(calls[1].arguments, "{}");
}

TEST_F(OpenAiReply, FinishReasonsAreKept) {
  for (auto [word, reason] : {std::pair{"length", OMNI_FINISH_LENGTH},
                              {"content_filter", OMNI_FINISH_CONTENT_FILTER},
                              {"eos", OMNI_FINISH_STOP}}) {
    RecordingSink sink;
    stream({delta(R"("content":"x")", word), "data: [DONE]\n\n"});
    RequestBuilder request;
    ASSERT_EQ(plugin_.complete(call_, request.user("Hi").build(), sink), OMNI_OK) << word;
    EXPECT_EQ(sink.finish(), reason) << word;
  }
}

TEST_F(OpenAiReply, FinishReasonWithoutDoneIsEnoughAlsoWithoutTheLastEmptyLine) {
  std::string last = delta(R"("content":"x")", "stop");
  last.resize(last.size() - 2);
  stream({last});
  ASSERT_EQ(ask(), OMNI_OK);
  EXPECT_EQ(sink_.text(), "x");
}

TEST_F(OpenAiReply, ACutStreamIsAFailureNotAnEnd) {
  stream({delta(R"("content":"half")")});
  EXPECT_EQ(ask(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_PROTOCOL);
  EXPECT_EQ(sink_.text(), "half");
  EXPECT_FALSE(sink_.finish());
}

TEST_F(OpenAiReply, EmptyAnswersAndNonsenseFail) {
  stream({delta(R"("role":"assistant")", "stop"), "data: [DONE]\n\n"});
  EXPECT_EQ(ask(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_EMPTY_RESPONSE);
  stream({"data: {broken\n\n"});
  EXPECT_EQ(ask(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_PROTOCOL);
}

TEST_F(OpenAiReply, ErrorsInsideTheStreamAreFailures) {
  stream(
      {"data: {\"error\":{\"message\":\"slow "
       "down\",\"type\":\"rate_limit_error\",\"code\":429}}\n\n"});
  EXPECT_EQ(ask(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_RATE_LIMITED);
  EXPECT_TRUE(sink_.events().empty());  // so that another account may serve it
  stream({delta(R"("content":"half")"), "data: {\"error\":{\"message\":\"worker died\"}}\n\n"});
  EXPECT_EQ(ask(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_UPSTREAM);
  EXPECT_TRUE(call_.error()->message.contains("worker died"));
}

TEST_F(OpenAiReply, AServerThatDoesNotStreamIsServedToo) {
  host_.answerHttp(
      {.status = 200,
       .headers = {{"Content-Type", "application/json; charset=utf-8"}},
       .pieces = {
           R"({"choices":[{"index":0,"message":{"role":"assistant","content":"Hi there","tool_calls":)",
           R"([{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]},)"
           R"("finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}})"}});
  ASSERT_EQ(ask(), OMNI_OK);
  EXPECT_EQ(sink_.text(), "Hi there");
  ASSERT_EQ(sink_.toolCalls().size(), 1u);
  EXPECT_EQ(sink_.usage()->output_tokens, 2);
  EXPECT_EQ(sink_.finish(), OMNI_FINISH_TOOL_CALLS);
}

TEST_F(OpenAiReply, TheClientMayLeaveAtAnyEvent) {
  for (size_t count = 0; count < 4; ++count) {
    RecordingSink sink;
    sink.cancelAfter(count);
    stream({delta(R"("content":"a")"), delta(R"("content":"b")", "stop"), "data: [DONE]\n\n"});
    RequestBuilder request;
    EXPECT_EQ(plugin_.complete(call_, request.user("Hi").build(), sink), OMNI_CANCELLED) << count;
    EXPECT_TRUE(sink.violations().empty()) << count;
  }
}

}  // namespace
}  // namespace omni::openai_upstream
