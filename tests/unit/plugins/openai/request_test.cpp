#include "tests/unit/plugins/openai/fixture.hpp"

namespace omni::openai_upstream {
namespace {

class OpenAiRequest : public Fixture {
 protected:
  boost::json::object body(RequestBuilder& builder) {
    stream({delta(R"("content":"x")", "stop"), "data: [DONE]\n\n"});
    EXPECT_EQ(plugin_.complete(call_, builder.build(), sink_), OMNI_OK);
    return sent();
  }
};

TEST_F(OpenAiRequest, CarriesEverySetting) {
  RequestBuilder b;
  b.model("llama").system("Be brief").user("Hi").maxTokens(50).temperature(0.5).topP(0.25);
  b.stop("END").reasoningEffort("low").responseFormat(R"({"type":"json_object"})");
  const auto out = body(b);
  EXPECT_EQ(out.at("model"), "llama");
  EXPECT_EQ(out.at("stream"), true);
  EXPECT_EQ(out.at("stream_options").at("include_usage"), true);
  EXPECT_EQ(out.at("max_tokens"), 50);
  EXPECT_EQ(out.at("temperature"), 0.5);
  EXPECT_EQ(out.at("top_p"), 0.25);
  EXPECT_EQ(out.at("stop").as_array().at(0), "END");
  EXPECT_EQ(out.at("reasoning_effort"), "low");
  EXPECT_EQ(out.at("response_format").at("type"), "json_object");
  EXPECT_EQ(out.at("messages").as_array().at(0).at("role"), "system");
  EXPECT_FALSE(out.contains("tools") || out.contains("tool_choice"));
  const auto request = host_.requests().at(0);
  EXPECT_EQ(request.url, "http://127.0.0.1:9/v1/chat/completions");
  EXPECT_EQ(request.header("authorization"), "Bearer sk-test-1234");
  EXPECT_TRUE(request.header("user-agent").starts_with("OmniRoute/"));
}

TEST_F(OpenAiRequest, ToolsAndTheirResultsKeepTheirOrder) {
  RequestBuilder b;
  b.tool("weather", "tells it", R"({"type":"object"})").tool("bare", "", "");
  b.toolChoice(OMNI_TOOL_CHOICE_NAMED, "weather").parallelToolCalls(false);
  b.user("Weather?")
      .message(OMNI_ROLE_ASSISTANT)
      .text("Let me see")
      .reasoning("secret thoughts", "sig");
  b.toolCall("c1", "weather", R"({"city":"Bern"})").toolCall("c2", "bare", "");
  b.message(OMNI_ROLE_USER).text("and?").toolResult("c1", "sunny").toolResult("c2", "boom", true);
  b.widerStructs(16);
  const auto out = body(b);
  EXPECT_EQ(
      boost::json::serialize(out.at("messages")),
      R"([{"role":"user","content":"Weather?"},)"
      R"({"role":"assistant","content":"Let me see","tool_calls":[)"
      R"({"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Bern\"}"}},)"
      R"({"id":"c2","type":"function","function":{"name":"bare","arguments":"{}"}}]},)"
      R"({"role":"tool","tool_call_id":"c1","content":"sunny"},)"
      R"({"role":"tool","tool_call_id":"c2","content":"Error: boom"},)"
      R"({"role":"user","content":"and?"}])");
  EXPECT_EQ(out.at("tools").as_array().size(), 2u);
  EXPECT_EQ(out.at("tool_choice").at("function").at("name"), "weather");
  EXPECT_EQ(out.at("parallel_tool_calls"), false);
}

TEST_F(OpenAiRequest, ImagesBecomeDataUrls) {
  RequestBuilder b;
  b.user("What is this?").image("image/png", "AAAA");
  const auto content = body(b).at("messages").as_array().at(0).at("content").as_array();
  ASSERT_EQ(content.size(), 2u);
  EXPECT_EQ(content.at(1).at("image_url").at("url"), "data:image/png;base64,AAAA");
}

TEST_F(OpenAiRequest, AutoMeansTheAccountsModel) {
  RequestBuilder b;
  b.model("auto").user("Hi");
  EXPECT_EQ(body(b).at("model"), "small");
}

TEST_F(OpenAiRequest, WithoutADefaultTheServersFirstModelIsTaken) {
  FakeHost host;
  host.setValue("baseUrl", "http://localhost:1/v1");
  host.answerHttp({.status = 200, .pieces = {R"({"data":[{"id":"first"},{"id":"second"}]})"}});
  host.answerHttp({.status = 200, .pieces = {delta(R"("content":"x")", "stop")}});
  PluginUnderTest plugin(omni_plugin_entry_openai, host);
  FakeCall call(host);
  RequestBuilder b;
  ASSERT_EQ(plugin.complete(call, b.model("auto").user("Hi").build(), sink_), OMNI_OK);
  EXPECT_EQ(boost::json::parse(host.requests().at(1).body).at("model"), "first");
  EXPECT_EQ(host.requests().at(1).header("authorization"), "");
}

TEST_F(OpenAiRequest, ExtraHeadersAreSentAndMayReplaceTheUserAgent) {
  host_.setValue("headers", R"({"api-key":"k","user-agent":"mine/1"})", true);
  RequestBuilder b;
  body(b.user("Hi"));
  EXPECT_EQ(host_.requests().at(0).header("api-key"), "k");
  EXPECT_EQ(host_.requests().at(0).header("user-agent"), "mine/1");
}

TEST_F(OpenAiRequest, AServerThatRefusesAMemberIsAskedInItsOwnDialect) {
  host_.answerHttp(
      {.status = 400,
       .pieces = {R"({"error":{"message":"Unsupported parameter: 'max_tokens'. Use )"
                  R"('max_completion_tokens' instead.","code":"unsupported_parameter"}})"}});
  host_.answerHttp({.status = 422, .pieces = {R"({"detail":"extra field stream_options"})"}});
  stream({delta(R"("content":"x")", "stop")});
  RequestBuilder b;
  ASSERT_EQ(plugin_.complete(call_, b.user("Hi").maxTokens(9).build(), sink_), OMNI_OK);
  EXPECT_EQ(sent(1).at("max_completion_tokens"), 9);
  EXPECT_FALSE(sent(1).contains("max_tokens"));
  EXPECT_FALSE(sent(2).contains("stream_options"));
  EXPECT_EQ(sent(2).at("max_completion_tokens"), 9);
}

}  // namespace
}  // namespace omni::openai_upstream
