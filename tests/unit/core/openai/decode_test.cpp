#include "core/openai/decode.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace omni::openai {
namespace {

using chat::PartKind;
using chat::Role;

std::string wrap(std::string_view members) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}],)" + std::string(members) +
         "}";
}

TEST(Decode, WholeConversation) {
  const auto request = decodeChatCompletion(R"({"model":"kiro/dev","messages":[
    {"role":"developer","content":"be brief"},
    {"role":"user","content":[{"type":"text","text":"look \u00e9"},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}},
      {"type":"image_url","image_url":{"url":"https://example.test/a.png"}}]},
    {"role":"assistant","content":null,"tool_calls":[{"id":"t1","type":"function",
      "function":{"name":"f","arguments":"{ \"a\" : 1}"}}]},
    {"role":"tool","tool_call_id":"t1","content":"done"}],
    "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],
    "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,"stop":["x","y"],
    "max_tokens":5,"max_completion_tokens":7,"temperature":0.5,"reasoning_effort":"high","stream":true,
    "stream_options":{"include_usage":true},"prompt_cache_key":"c1","never_heard_of":{"a":1}})");
  ASSERT_TRUE(request) << request.error().message;
  ASSERT_EQ(request->messages.size(), 4u);
  EXPECT_EQ(request->messages[0].role, Role::System);
  const auto& user = request->messages[1].parts;
  EXPECT_EQ(user[0].text, "look \xc3\xa9");
  EXPECT_EQ(user[1].kind, PartKind::Image);
  EXPECT_EQ(user[1].media_type, "image/png");
  EXPECT_EQ(user[1].data, "QUJD");
  EXPECT_EQ(user[2].text, "https://example.test/a.png");
  const auto& call = request->messages[2].parts.at(0);
  EXPECT_EQ(call.kind, PartKind::ToolCall);
  EXPECT_EQ(call.text, "{ \"a\" : 1}");  // the client's bytes
  const auto& result = request->messages[3].parts.at(0);
  EXPECT_EQ(result.kind, PartKind::ToolResult);
  EXPECT_EQ(result.id, "t1");
  EXPECT_EQ(result.children.at(0).text, "done");
  EXPECT_EQ(request->tools.at(0).schema, R"({"type":"object"})");
  EXPECT_EQ(request->tool_choice, chat::ToolChoice::Named);
  EXPECT_EQ(request->tool_choice_name, "f");
  EXPECT_FALSE(request->parallel_tool_calls);
  EXPECT_EQ(request->stop.size(), 2u);
  EXPECT_EQ(request->max_tokens, 7);
  EXPECT_EQ(request->temperature, 0.5);
  EXPECT_TRUE(std::isnan(request->top_p));
  EXPECT_TRUE(request->stream && request->include_usage);
  EXPECT_EQ(request->conversation_id, "c1");
}

TEST(Decode, ViewsOutliveTheMove) {
  auto first = decodeChatCompletion(wrap(R"("stop":"a longer text than the small string buffer")"));
  ASSERT_TRUE(first);
  const chat::ChatRequest moved = std::move(*first);
  EXPECT_EQ(moved.messages[0].parts[0].text, "hi");
  EXPECT_EQ(moved.stop.at(0), "a longer text than the small string buffer");
}

TEST(Decode, AMemberThatIsThereTwiceIsRefused) {
  const auto request = decodeChatCompletion(wrap(R"("model":"second")"));
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().field, "model");
}

TEST(Decode, SchemasAndArgumentsAreTheClientsBytes) {
  const auto request =
      decodeChatCompletion(wrap(R"("tools":[{"type":"function","function":{"name":"f","strict":true,
           "parameters":{ "type" : "object" , "x":"\u00e9" }}}])"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->tools.at(0).schema, R"({ "type" : "object" , "x":"\u00e9" })");
}

TEST(Decode, ReasoningComesBackBeforeTheText) {
  const auto request = decodeChatCompletion(
      R"({"model":"m","messages":[{"role":"user","content":"hi"},
          {"role":"assistant","reasoning_content":"hm","content":"yes"}]})");
  ASSERT_TRUE(request) << request.error().message;
  ASSERT_EQ(request->messages[1].parts.size(), 2u);
  EXPECT_EQ(request->messages[1].parts[0].kind, PartKind::Reasoning);
  EXPECT_EQ(request->messages[1].parts[0].text, "hm");
}

TEST(Decode, WhatHasNoEffectIsAccepted) {
  const auto request = decodeChatCompletion(
      wrap(R"("seed":1,"presence_penalty":0.5,"frequency_penalty":-1,"n":1,"logprobs":false,
           "logit_bias":{},"modalities":["text"],"store":true,"service_tier":"auto","user":"u1",
           "metadata":{"a":"b"},"verbosity":"low","response_format":{"type":"text"})"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->session, "u1");
  EXPECT_EQ(request->response_format, "");
}

struct Refused {
  const char* name;
  std::string body;
  const char* field;
};

class DecodeRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(DecodeRefuses, WithTheField) {
  const auto request = decodeChatCompletion(GetParam().body);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().kind, FailureKind::BadRequest);
  EXPECT_EQ(request.error().field, GetParam().field);
  EXPECT_NE(request.error().message.find(GetParam().field), std::string::npos);
}

std::string nested(size_t depth) {
  return wrap("\"x\":" + std::string(depth, '[') + std::string(depth, ']'));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DecodeRefuses,
    ::testing::Values(
        Refused{"Empty", "", ""}, Refused{"Cut", R"({"model":"m")", ""},
        Refused{"Trailing", wrap("\"a\":1") + "x", ""},
        Refused{"BadUtf8", wrap("\"a\":\"\xff\""), "a"},
        Refused{"LoneSurrogate", wrap(R"("a":"\ud800x")"), "a"},
        Refused{"LoneTrail", wrap(R"("a":"\udc00")"), "a"}, Refused{"Deep", nested(2000), ""},
        Refused{"NoModel", R"({"messages":[{"role":"user","content":"x"}]})", "model"},
        Refused{"NoMessages", R"({"model":"m"})", "messages"},
        Refused{"EmptyMessages", R"({"model":"m","messages":[]})", "messages"},
        Refused{"Content", R"({"model":"m","messages":[{"role":"user","content":5}]})",
                "messages[0].content"},
        Refused{"Role", R"({"model":"m","messages":[{"role":"wizard","content":"x"}]})",
                "messages[0].role"},
        Refused{"PartType",
                R"({"model":"m","messages":[{"role":"user","content":[{"type":"video"}]}]})",
                "messages[0].content[0].type"},
        Refused{"N", wrap("\"n\":2"), "n"},
        Refused{"LogProbs", wrap("\"logprobs\":true"), "logprobs"},
        Refused{"Stream", wrap("\"stream\":\"yes\""), "stream"},
        Refused{"Hot", wrap("\"temperature\":3"), "temperature"},
        Refused{"MaxTokens", wrap("\"max_tokens\":0"), "max_tokens"},
        Refused{"ToolName", wrap(R"("tools":[{"type":"function","function":{}}])"),
                "tools[0].function.name"},
        Refused{"ToolChoice", wrap(R"("tool_choice":"maybe")"), "tool_choice"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Decode, SyntaxErrorNamesTheByte) {
  const auto request = decodeChatCompletion(R"({"model":?})");
  ASSERT_FALSE(request);
  EXPECT_NE(request.error().message.find("byte 9"), std::string::npos) << request.error().message;
}

}  // namespace
}  // namespace omni::openai
