#include "core/anthropic/encode.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/json/document.hpp"

namespace omni::anthropic {
namespace {

using chat::ChatEvent;
using chat::EventKind;

ChatEvent event(EventKind kind, std::string_view text = {}, std::string_view id = {},
                std::string_view name = {}) {
  ChatEvent e;
  e.kind = kind;
  e.text = text;
  e.id = id;
  e.name = name;
  return e;
}

std::string stream(const std::vector<ChatEvent>& events) {
  StreamEncoder encoder({"msg_1", "m", 7, "req-1"});
  std::string out;
  for (const ChatEvent& e : events) encoder.onEvent(e, out);
  encoder.done(out);
  return out;
}

// The events without the first and the last two, one a line, without "event:".
std::string middle(const std::string& all) {
  std::string out;
  size_t at = 0;
  while (at < all.size()) {
    const size_t end = all.find("\n\n", at);
    const std::string frame = all.substr(at, end - at);
    const std::string data = frame.substr(frame.find("data: ") + 6);
    if (data.find("\"message_") == std::string::npos) out += data + "\n";
    at = end + 2;
  }
  return out;
}

TEST(AnthropicStream, TheWholeSequence) {
  chat::Usage usage;
  usage.input_tokens = 10;
  usage.cache_read_tokens = 4;
  usage.cache_write_tokens = 1;
  usage.output_tokens = 3;
  usage.credits = 0.25;
  ChatEvent tail = event(EventKind::Usage);
  tail.usage = &usage;
  ChatEvent finish = event(EventKind::Finish);
  const std::string out =
      stream({event(EventKind::Started), event(EventKind::Reasoning, "hm"),
              event(EventKind::ReasoningSignature, "sig=="), event(EventKind::Text, "Let "),
              event(EventKind::Text, "me"), event(EventKind::ToolStart, {}, "t1", "f"),
              event(EventKind::ToolArguments, "{\"a\":", "t1"),
              event(EventKind::ToolArguments, "1}", "t1"), event(EventKind::ToolEnd, {}, "t1"),
              tail, finish});
  EXPECT_EQ(
      out,
      "event: message_start\ndata: "
      "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":"
      "\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,"
      "\"stop_sequence\":null,\"usage\":{\"input_tokens\":7,\"cache_creation_input_tokens\":0,"
      "\"cache_read_input_tokens\":0,\"output_tokens\":0}}}\n\n"
      "event: content_block_start\ndata: "
      "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
      "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
      "{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
      "{\"type\":\"signature_delta\",\"signature\":\"sig==\"}}\n\n"
      "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
      "event: content_block_start\ndata: "
      "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":"
      "{\"type\":\"text\",\"text\":\"\"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":"
      "{\"type\":\"text_delta\",\"text\":\"Let \"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":"
      "{\"type\":\"text_delta\",\"text\":\"me\"}}\n\n"
      "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
      "event: content_block_start\ndata: "
      "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":"
      "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{}}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":"
      "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":"
      "{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n"
      "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n"
      "event: message_delta\ndata: "
      "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\","
      "\"stop_sequence\":null},\"usage\":{\"input_tokens\":5,\"cache_creation_input_tokens\":1,"
      "\"cache_read_input_tokens\":4,\"output_tokens\":3,\"credits\":0.25}}\n\n"
      "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

TEST(AnthropicStream, MixedToolCallsComeOneAfterTheOther) {
  const std::string mixed =
      stream({event(EventKind::ToolStart, {}, "a", "f"), event(EventKind::ToolStart, {}, "b", "g"),
              event(EventKind::ToolArguments, "{\"a\":", "a"),
              event(EventKind::ToolArguments, "{\"b\":", "b"), event(EventKind::Text, "between"),
              event(EventKind::ToolArguments, "1}", "a"), event(EventKind::ToolEnd, {}, "a"),
              event(EventKind::ToolArguments, "2}", "b"), event(EventKind::ToolEnd, {}, "b")});
  const std::string sorted = stream(
      {event(EventKind::ToolStart, {}, "a", "f"), event(EventKind::ToolArguments, "{\"a\":", "a"),
       event(EventKind::ToolArguments, "1}", "a"), event(EventKind::ToolEnd, {}, "a"),
       event(EventKind::ToolStart, {}, "b", "g"), event(EventKind::ToolArguments, "{\"b\":", "b"),
       event(EventKind::ToolArguments, "2}", "b"), event(EventKind::ToolEnd, {}, "b"),
       event(EventKind::Text, "between")});
  EXPECT_EQ(middle(mixed), middle(sorted));
}

TEST(AnthropicStream, FailureIsAnEventAndTheLast) {
  StreamEncoder encoder({"msg_1", "m", 7, "req-1"});
  std::string out;
  encoder.onEvent(event(EventKind::Text, "half"), out);
  out.clear();
  Error error;
  error.kind = FailureKind::Capacity;
  error.message = "full";
  encoder.fail(error, out);
  encoder.done(out);
  encoder.onEvent(event(EventKind::Text, "more"), out);
  EXPECT_EQ(out,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
            "\"message\":\"full\"},\"request_id\":\"req-1\"}\n\n");
}

TEST(AnthropicStream, StopReasons) {
  struct Case {
    chat::Finish finish;
    std::string_view text;
    const char* reason;
  };
  for (const Case& c :
       {Case{chat::Finish::Stop, "", "end_turn"}, Case{chat::Finish::Stop, "END", "stop_sequence"},
        Case{chat::Finish::Length, "", "max_tokens"},
        Case{chat::Finish::ContentFilter, "", "refusal"},
        Case{chat::Finish::ContextLength, "", "model_context_window_exceeded"},
        Case{chat::Finish::Pause, "", "pause_turn"}}) {
    ChatEvent finish = event(EventKind::Finish, c.text);
    finish.finish = c.finish;
    EXPECT_NE(stream({event(EventKind::Text, "x"), finish})
                  .find("\"stop_reason\":\"" + std::string(c.reason) + "\""),
              std::string::npos)
        << c.reason;
  }
}

TEST(AnthropicCollector, EveryKindOfBlock) {
  Collector collector({"msg_1", "m", 7, ""});
  for (const ChatEvent& e :
       {event(EventKind::Reasoning, "h"), event(EventKind::Reasoning, "m"),
        event(EventKind::ReasoningSignature, "s"), event(EventKind::RedactedReasoning, "cg=="),
        event(EventKind::Text, "a"), event(EventKind::Text, "b"),
        event(EventKind::ToolStart, {}, "t1", "f"), event(EventKind::ToolStart, {}, "t2", "g"),
        event(EventKind::ToolArguments, "{\"x\":1}", "t1"),
        event(EventKind::ToolArguments, "{broken", "t2"), event(EventKind::Finish)})
    EXPECT_TRUE(collector.onEvent(e));
  EXPECT_EQ(
      collector.json(),
      R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":[)"
      R"({"type":"thinking","thinking":"hm","signature":"s"},)"
      R"({"type":"redacted_thinking","data":"cg=="},{"type":"text","text":"ab"},)"
      R"({"type":"tool_use","id":"t1","name":"f","input":{"x":1}},)"
      R"({"type":"tool_use","id":"t2","name":"g","input":{"_invalid_json":"{broken"}}],)"
      R"("stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":7,)"
      R"("cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0,"estimated":true}})");
}

}  // namespace
}  // namespace omni::anthropic
