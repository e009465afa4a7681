#include "core/anthropic/decode.hpp"

#include "core/chat/estimate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace omni::anthropic {
namespace {

using chat::PartKind;
using chat::Role;

std::string wrap(std::string_view members) {
  return R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],)" +
         std::string(members) + "}";
}
std::string blocks(std::string_view content, std::string_view role = "user") {
  return R"({"model":"m","messages":[{"role":")" + std::string(role) + R"(","content":[)" +
         std::string(content) + "]}]}";
}

TEST(AnthropicDecode, WholeConversation) {
  const auto r = decodeMessages(R"({"model":"claude","max_tokens":4096,"stream":true,
    "system":[{"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}}],
    "messages":[
      {"role":"user","content":[{"type":"text","text":"look"},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}},
        {"type":"image","source":{"type":"url","url":"https://example.test/a.png"}}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},
        {"type":"redacted_thinking","data":"cmVk"},
        {"type":"tool_use","id":"t1","name":"f","input":{ "a" : 1.50 }}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,
        "content":[{"type":"text","text":"no"},
          {"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"QQ=="}}]}]}],
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}},
             {"type":"custom","name":"g","input_schema":{}}],
    "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
    "thinking":{"type":"enabled","budget_tokens":2048},"stop_sequences":["x"],"temperature":1,
    "metadata":{"user_id":"user_abc_account__session_6b1f8b6e-32b9-4f2c-a7a5-1f9f4a3d1c11"},
    "top_k":5,"service_tier":"auto","context_management":{"edits":[]},"never_heard_of":1})");
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->messages.size(), 4u);
  EXPECT_EQ(r->messages[0].role, Role::System);
  EXPECT_TRUE(r->messages[0].parts[0].cache_point);
  const auto& user = r->messages[1].parts;
  EXPECT_EQ(user[1].kind, PartKind::Image);
  EXPECT_EQ(user[1].media_type, "image/png");
  EXPECT_EQ(user[1].data, "QUJD");
  EXPECT_EQ(user[2].text, "https://example.test/a.png");
  const auto& assistant = r->messages[2].parts;
  EXPECT_EQ(assistant[0].kind, PartKind::Reasoning);
  EXPECT_EQ(assistant[0].signature, "c2ln");
  EXPECT_EQ(assistant[1].kind, PartKind::RedactedReasoning);
  EXPECT_EQ(assistant[1].data, "cmVk");
  EXPECT_EQ(assistant[2].text, R"({ "a" : 1.50 })");  // the client's bytes
  const auto& result = r->messages[3].parts.at(0);
  EXPECT_EQ(result.kind, PartKind::ToolResult);
  EXPECT_TRUE(result.is_error);
  EXPECT_EQ(result.children.at(1).data, "QQ==");
  EXPECT_EQ(r->tools.size(), 2u);
  EXPECT_EQ(r->tool_choice, chat::ToolChoice::Named);
  EXPECT_FALSE(r->parallel_tool_calls);
  EXPECT_EQ(r->reasoning_budget, 2048);
  EXPECT_EQ(r->max_tokens, 4096);
  EXPECT_EQ(r->stop.at(0), "x");
  EXPECT_TRUE(r->stream);
  EXPECT_EQ(r->session, "6b1f8b6e-32b9-4f2c-a7a5-1f9f4a3d1c11");
  EXPECT_EQ(r->conversation_id, r->session);
}

TEST(AnthropicDecode, EffortFormatAndSessionAsJson) {
  const auto r = decodeMessages(wrap(R"("thinking":{"type":"adaptive"},
    "output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object"}}},
    "metadata":{"user_id":"{\"device_id\":\"d\",\"session_id\":\"s-1\"}"},"system":"x",
    "cache_control":{"type":"ephemeral"},"tool_choice":{"type":"auto"})"));
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->reasoning_effort, "high");
  const auto adaptive = decodeMessages(wrap(R"("thinking":{"type":"adaptive"})"));
  ASSERT_TRUE(adaptive);
  EXPECT_EQ(adaptive->reasoning_effort, "adaptive");
  EXPECT_EQ(
      r->response_format,
      R"({"type":"json_schema","json_schema":{"type":"json_schema","schema":{"type":"object"}}})");
  EXPECT_EQ(r->session, "s-1");
  EXPECT_TRUE(r->messages.back().parts.back().cache_point);
  const auto off =
      decodeMessages(wrap(R"("thinking":{"type":"disabled"},"output_config":{"effort":"high"})"));
  ASSERT_TRUE(off);
  EXPECT_EQ(off->reasoning_effort, "none");
}

TEST(AnthropicDecode, Estimate) {
  const auto r = decodeMessages(blocks(
      R"({"type":"text","text":"12345678"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}})"));
  ASSERT_TRUE(r);
  EXPECT_EQ(chat::estimateTokens(*r), 4 + 2 + 1600);
}

struct Refused {
  const char* name;
  std::string body;
  const char* field;
  const char* reason = "";
};

class AnthropicDecodeRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(AnthropicDecodeRefuses, WithTheField) {
  const auto r = decodeMessages(GetParam().body);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, FailureKind::BadRequest);
  EXPECT_EQ(r.error().field, GetParam().field) << r.error().message;
  EXPECT_EQ(r.error().reason, GetParam().reason);
  EXPECT_NE(r.error().message.find(GetParam().field), std::string::npos);
}

constexpr const char* kUnsupported = "unsupported_parameter";

INSTANTIATE_TEST_SUITE_P(
    Cases, AnthropicDecodeRefuses,
    ::testing::Values(
        Refused{"Empty", "", ""}, Refused{"Cut", R"({"model":"m")", ""},
        Refused{"NoObject", "[1]", "body"},
        Refused{"BadUtf8", blocks("{\"type\":\"text\",\"text\":\"\xff\"}"),
                "messages[0].content[0].text"},
        Refused{"LoneSurrogate", blocks(R"({"type":"text","text":"\ud800"})"),
                "messages[0].content[0].text"},
        Refused{"Deep", wrap("\"x\":" + std::string(3000, '[')), ""},
        Refused{"Twice", wrap("\"stream\":true,\"stream\":false"), "stream"},
        Refused{"Giant", wrap("\"max_tokens2\":1e999"), "max_tokens2"},
        Refused{"TooMany",
                R"({"model":"m","max_tokens":1e300,"messages":[{"role":"user","content":"x"}]})",
                "max_tokens"},
        Refused{"NoModel", R"({"messages":[{"role":"user","content":"x"}]})", "model"},
        Refused{"NoMessages", R"({"model":"m"})", "messages"},
        Refused{"EmptyMessages", R"({"model":"m","messages":[]})", "messages"},
        Refused{"EmptyText", R"({"model":"m","messages":[{"role":"user","content":""}]})",
                "messages[0].content"},
        Refused{"EmptyBlocks", blocks(""), "messages[0].content"},
        Refused{"Role", R"({"model":"m","messages":[{"role":"system","content":"x"}]})",
                "messages[0].role"},
        Refused{"Content", R"({"model":"m","messages":[{"role":"user","content":5}]})",
                "messages[0].content"},
        Refused{"Document", blocks(R"({"type":"document","source":{}})"),
                "messages[0].content[0].type", kUnsupported},
        Refused{"ServerTool",
                wrap(R"("tools":[{"type":"web_search_20250305","name":"web_search"}])"),
                "tools[0].type", kUnsupported},
        Refused{"Mcp", wrap(R"("mcp_servers":[{"type":"url"}])"), "mcp_servers", kUnsupported},
        Refused{"NoSchema", wrap(R"("tools":[{"name":"f"}])"), "tools[0].input_schema"},
        Refused{"Choice", wrap(R"("tool_choice":{"type":"maybe"})"), "tool_choice.type"},
        Refused{"ChoiceOfNothing", wrap(R"("tool_choice":{"type":"any"})"), "tool_choice"},
        Refused{
            "ChoiceUnknown",
            wrap(
                R"("tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"tool","name":"g"})"),
            "tool_choice.name"},
        Refused{"OrphanResult",
                blocks(R"({"type":"tool_result","tool_use_id":"t9","content":"x"})"),
                "messages[0].content[0].tool_use_id"},
        Refused{"InputNoObject",
                blocks(R"({"type":"tool_use","id":"t","name":"f","input":"{}"})", "assistant"),
                "messages[0].content[0].input"},
        Refused{"WrongRole", blocks(R"({"type":"tool_use","id":"t","name":"f","input":{}})"),
                "messages[0].content[0].type"},
        Refused{
            "Base64",
            blocks(
                R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"@@@"}})"),
            "messages[0].content[0].source.data"},
        Refused{
            "ImageType",
            blocks(
                R"({"type":"image","source":{"type":"base64","media_type":"image/tiff","data":"QUJD"}})"),
            "messages[0].content[0].source.data"},
        Refused{"FileImage", blocks(R"({"type":"image","source":{"type":"file","file_id":"f"}})"),
                "messages[0].content[0].source.type", kUnsupported},
        Refused{"Budget", wrap(R"("thinking":{"type":"enabled","budget_tokens":5})"),
                "thinking.budget_tokens"},
        Refused{"NoBudget", wrap(R"("thinking":{"type":"enabled"})"), "thinking.budget_tokens"},
        Refused{"Hot", wrap("\"temperature\":1.5"), "temperature"},
        Refused{"Stream", wrap("\"stream\":\"yes\""), "stream"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace omni::anthropic
