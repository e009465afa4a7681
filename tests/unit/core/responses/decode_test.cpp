#include "core/responses/decode.hpp"

#include <gtest/gtest.h>

#include <string>

namespace omni::responses {
namespace {

using chat::PartKind;
using chat::Role;

std::string wrap(std::string_view members) {
  return R"({"model":"m","input":"hi",)" + std::string(members) + "}";
}
std::string items(std::string_view list) {
  return R"({"model":"m","input":[)" + std::string(list) + "]}";
}

TEST(ResponsesDecode, WholeConversation) {
  const auto d = decodeResponse(R"({"model":"m","instructions":"be brief","input":[
      {"role":"developer","content":"dev"},
      {"type":"message","role":"user","content":[{"type":"input_text","text":"look"},
        {"type":"input_image","image_url":"data:image/png;base64,QUJD","detail":"auto"}]},
      {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"c2ln"},
      {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"redacted:cmVk"},
      {"type":"reasoning","id":"rs_3","summary":[]},
      {"type":"message","role":"assistant","id":"msg_1","status":"completed",
        "content":[{"type":"output_text","text":"let me see","annotations":[]}]},
      {"type":"function_call","call_id":"c1","name":"f","arguments":"{ \"a\":1}","id":"fc_1"},
      {"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},
      {"type":"function_call_output","call_id":"c1","output":"one"},
      {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"two"}]},
      {"role":"user","content":"go on"}],
    "tools":[{"type":"function","name":"f","description":"d","parameters":{ "type":"object" },"strict":true}],
    "tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false,
    "reasoning":{"effort":"high","summary":"auto"},"max_output_tokens":77,"store":false,"stream":true,
    "text":{"verbosity":"low","format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}},
    "include":["reasoning.encrypted_content"],"prompt_cache_key":"c-1","client_metadata":{"x":"y"},
    "previous_response_id":null})");
  ASSERT_TRUE(d) << d.error().message;
  const auto& r = d->request;
  ASSERT_EQ(r.messages.size(), 6u);
  EXPECT_EQ(r.messages[0].role, Role::System);
  EXPECT_EQ(r.messages[1].role, Role::System);
  EXPECT_EQ(r.messages[2].parts[1].data, "QUJD");
  const auto& assistant = r.messages[3].parts;
  ASSERT_EQ(assistant.size(), 5u);
  EXPECT_EQ(assistant[0].kind, PartKind::Reasoning);
  EXPECT_EQ(assistant[0].text, "hm");
  EXPECT_EQ(assistant[0].signature, "c2ln");
  EXPECT_EQ(assistant[1].kind, PartKind::RedactedReasoning);
  EXPECT_EQ(assistant[1].data, "cmVk");
  EXPECT_EQ(assistant[2].text, "let me see");
  EXPECT_EQ(assistant[3].id, "c1");
  EXPECT_EQ(assistant[3].text, "{ \"a\":1}");
  ASSERT_EQ(r.messages[4].parts.size(), 2u);
  EXPECT_EQ(r.messages[4].parts[1].children.at(0).text, "two");
  EXPECT_EQ(r.messages[5].parts[0].text, "go on");
  EXPECT_EQ(r.tools.at(0).schema, R"({ "type":"object" })");
  EXPECT_EQ(r.tool_choice_name, "f");
  EXPECT_FALSE(r.parallel_tool_calls);
  EXPECT_EQ(r.reasoning_effort, "high");
  EXPECT_EQ(r.max_tokens, 77);
  EXPECT_TRUE(r.stream);
  EXPECT_EQ(r.session, "c-1");
  EXPECT_EQ(r.response_format.substr(0, 37), R"({"type":"json_schema","json_schema":{)");
  EXPECT_TRUE(d->echo.encrypted_reasoning);
  EXPECT_EQ(d->echo.instructions, "\"be brief\"");
}

struct Refused {
  const char* name;
  std::string body;
  const char* field;
  const char* reason = "";
};
class ResponsesDecodeRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ResponsesDecodeRefuses, WithTheField) {
  const auto d = decodeResponse(GetParam().body);
  ASSERT_FALSE(d);
  EXPECT_EQ(d.error().kind, FailureKind::BadRequest);
  EXPECT_EQ(d.error().field, GetParam().field) << d.error().message;
  EXPECT_EQ(d.error().reason, GetParam().reason);
}

constexpr const char* kUnsupported = "unsupported_parameter";

INSTANTIATE_TEST_SUITE_P(
    Cases, ResponsesDecodeRefuses,
    ::testing::Values(
        Refused{"Empty", "", ""}, Refused{"Cut", R"({"model":"m")", ""},
        Refused{"NoObject", "3", "body"},
        Refused{"BadUtf8", "{\"model\":\"m\",\"input\":\"\xff\"}", "input"},
        Refused{"LoneSurrogate", R"({"model":"m","input":"\udc00"})", "input"},
        Refused{"Deep", wrap("\"x\":" + std::string(3000, '[')), ""},
        Refused{"Twice", wrap("\"model\":\"n\""), "model"},
        Refused{"Giant", wrap("\"max_output_tokens\":1e999"), "max_output_tokens"},
        Refused{"NoModel", R"({"input":"x"})", "model"},
        Refused{"NoInput", R"({"model":"m"})", "input"},
        Refused{"EmptyInput", R"({"model":"m","input":[]})", "input"},
        Refused{"EmptyText", R"({"model":"m","input":""})", "input"},
        Refused{"InputType", R"({"model":"m","input":5})", "input"},
        Refused{"EmptyContent", items(R"({"role":"user","content":[]})"), "input[0].content"},
        Refused{"Role", items(R"({"role":"wizard","content":"x"})"), "input[0].role"},
        Refused{"NoType", items(R"({"x":1})"), "input[0].type"},
        Refused{"ItemReference", items(R"({"type":"item_reference","id":"x"})"), "input[0].type",
                kUnsupported},
        Refused{"CustomCall", items(R"({"type":"custom_tool_call","id":"x"})"), "input[0].type",
                kUnsupported},
        Refused{"File", items(R"({"role":"user","content":[{"type":"input_file","file_id":"f"}]})"),
                "input[0].content[0].type", kUnsupported},
        Refused{"ImageFile",
                items(R"({"role":"user","content":[{"type":"input_image","file_id":"f"}]})"),
                "input[0].content[0].file_id", kUnsupported},
        Refused{
            "Base64",
            items(
                R"({"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,QQ"}]})"),
            "input[0].content[0].image_url"},
        Refused{
            "ImageType",
            items(
                R"({"role":"user","content":[{"type":"input_image","image_url":"data:image/bmp;base64,QUJD"}]})"),
            "input[0].content[0].image_url"},
        Refused{"OrphanOutput",
                items(R"({"type":"function_call_output","call_id":"c","output":"x"})"),
                "input[0].call_id"},
        Refused{"Previous", wrap(R"("previous_response_id":"resp_1")"), "previous_response_id",
                kUnsupported},
        Refused{"Conversation", wrap(R"("conversation":"conv_1")"), "conversation", kUnsupported},
        Refused{"Prompt", wrap(R"("prompt":{"id":"p"})"), "prompt", kUnsupported},
        Refused{"Background", wrap(R"("background":true)"), "background", kUnsupported},
        Refused{"WebSearch", wrap(R"("tools":[{"type":"web_search"}])"), "tools[0].type",
                kUnsupported},
        Refused{"ToolName", wrap(R"("tools":[{"type":"function"}])"), "tools[0].name"},
        Refused{"ChoiceOfNothing", wrap(R"("tool_choice":"required")"), "tool_choice"},
        Refused{"Format", wrap(R"("text":{"format":{"type":"json_schema","name":"n"}})"),
                "text.format.schema"},
        Refused{"Logprobs", wrap(R"("include":["message.output_text.logprobs"])"), "include[0]",
                kUnsupported},
        Refused{"Stream", wrap(R"("stream":1)"), "stream"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace omni::responses
