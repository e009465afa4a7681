#include "core/anthropic/encode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/anthropic/error.hpp"
#include "core/errors/error_table.hpp"
#include "core/json/document.hpp"

namespace omni::anthropic {
namespace {

using chat::ChatEvent;
using chat::EventKind;
using chat::PartKind;

std::string_view stopReason(chat::Finish finish, bool tools, bool stop_sequence) {
  switch (finish) {
    case chat::Finish::Stop:
      return tools ? "tool_use" : stop_sequence ? "stop_sequence" : "end_turn";
    case chat::Finish::ToolCalls:
      return "tool_use";
    case chat::Finish::Length:
      return "max_tokens";
    case chat::Finish::ContentFilter:
      return "refusal";
    case chat::Finish::ContextLength:
      return "model_context_window_exceeded";
    case chat::Finish::Pause:
      return "pause_turn";
  }
  return "end_turn";
}

// Anthropic counts what the cache gave apart from the rest of the prompt.
void appendUsage(std::string& out, const chat::Usage& usage, int64_t estimated_input,
                 bool at_start = false) {
  const int64_t read = std::max<int64_t>(usage.cache_read_tokens, 0);
  const int64_t write = std::max<int64_t>(usage.cache_write_tokens, 0);
  const int64_t input = usage.input_tokens >= 0
                            ? std::max<int64_t>(usage.input_tokens - read - write, 0)
                            : estimated_input;
  fmt::format_to(std::back_inserter(out),
                 R"({{"input_tokens":{},"cache_creation_input_tokens":{},)"
                 R"("cache_read_input_tokens":{},"output_tokens":{})",
                 input, write, read, std::max<int64_t>(usage.output_tokens, 0));
  if (usage.credits >= 0)
    fmt::format_to(std::back_inserter(out), R"(,"credits":{})", usage.credits);
  // Anthropic's SDK keeps what the start says of it, also when the end brings the true numbers.
  if (!at_start && (usage.estimated || usage.input_tokens < 0)) out += ",\"estimated\":true";
  out += '}';
}

void appendMessageStart(std::string& out, const MessageHead& head) {
  out += "{\"id\":";
  appendJsonString(out, head.id);
  out += R"(,"type":"message","role":"assistant","model":)";
  appendJsonString(out, head.model);
}

void appendStop(std::string& out, std::string_view reason, const std::string& sequence) {
  out += "\"stop_reason\":\"";
  out += reason;
  out += "\",\"stop_sequence\":";
  if (reason == "stop_sequence")
    appendJsonString(out, sequence);
  else
    out += "null";
}

void appendEvent(std::string& out, std::string_view type) {
  fmt::format_to(std::back_inserter(out), "event: {0}\ndata: {{\"type\":\"{0}\"", type);
}

constexpr std::string_view kEnd = "}\n\n";

}  // namespace

void StreamEncoder::start(std::string& out) {
  if (started_) return;
  started_ = true;
  appendEvent(out, "message_start");
  out += ",\"message\":";
  appendMessageStart(out, head_);
  out += R"(,"content":[],"stop_reason":null,"stop_sequence":null,"usage":)";
  appendUsage(out, usage_, head_.input_tokens, true);
  out += '}';
  out += kEnd;
}

void StreamEncoder::openBlock(Block block, std::string_view content_block, std::string& out) {
  closeBlock(out);
  block_ = block;
  ++index_;
  appendEvent(out, "content_block_start");
  fmt::format_to(std::back_inserter(out), R"(,"index":{},"content_block":{})", index_,
                 content_block);
  out += kEnd;
}

void StreamEncoder::delta(std::string_view type, std::string_view member, std::string_view text,
                          std::string& out) {
  appendEvent(out, "content_block_delta");
  fmt::format_to(std::back_inserter(out), R"(,"index":{},"delta":{{"type":"{}","{}":)", index_,
                 type, member);
  appendJsonString(out, text);
  out += '}';
  out += kEnd;
}

void StreamEncoder::closeBlock(std::string& out) {
  if (block_ == Block::None) return;
  block_ = Block::None;
  open_tool_.clear();
  appendEvent(out, "content_block_stop");
  fmt::format_to(std::back_inserter(out), ",\"index\":{}", index_);
  out += kEnd;
}

bool StreamEncoder::mustWait(const ChatEvent& event) const {
  if (block_ != Block::Tool) return false;
  switch (event.kind) {
    case EventKind::ToolArguments:
    case EventKind::ToolEnd:
      return event.id != open_tool_ && std::ranges::find(tools_, event.id) == tools_.end();
    case EventKind::ToolStart:
      return std::ranges::find(tools_, event.id) == tools_.end();
    case EventKind::Text:
    case EventKind::Reasoning:
    case EventKind::ReasoningSignature:
    case EventKind::RedactedReasoning:
      return true;
    default:
      return false;
  }
}

void StreamEncoder::onEvent(const ChatEvent& event, std::string& out) {
  if (over_) return;
  if (event.kind == EventKind::Usage) {
    if (event.usage) usage_ = *event.usage;
    return;
  }
  if (event.kind == EventKind::Started) return;
  start(out);
  if (event.kind == EventKind::Finish) {
    finish_ = event.finish;
    stop_sequence_ = event.text;
    return;
  }
  if (mustWait(event)) {
    waiting_.push_back(
        {event.kind, std::string(event.text), std::string(event.id), std::string(event.name)});
    return;
  }
  handle(event, out);
}

void StreamEncoder::handle(const ChatEvent& event, std::string& out) {
  switch (event.kind) {
    case EventKind::Text:
      if (event.text.empty()) return;
      if (block_ != Block::Text) openBlock(Block::Text, R"({"type":"text","text":""})", out);
      return delta("text_delta", "text", event.text, out);
    case EventKind::Reasoning:
    case EventKind::ReasoningSignature: {
      if (event.text.empty()) return;
      if (block_ != Block::Thinking)
        openBlock(Block::Thinking, R"({"type":"thinking","thinking":"","signature":""})", out);
      if (event.kind == EventKind::Reasoning)
        return delta("thinking_delta", "thinking", event.text, out);
      // A signature seals its block.
      delta("signature_delta", "signature", event.text, out);
      return closeBlock(out);
    }
    case EventKind::RedactedReasoning: {
      std::string block = R"({"type":"redacted_thinking","data":)";
      appendJsonString(block, event.text);
      openBlock(Block::Thinking, block + "}", out);
      return closeBlock(out);
    }
    case EventKind::ToolStart: {
      if (std::ranges::find(tools_, event.id) != tools_.end()) return;
      std::string block = R"({"type":"tool_use","id":)";
      appendJsonString(block, event.id);
      block += ",\"name\":";
      appendJsonString(block, event.name);
      openBlock(Block::Tool, block + ",\"input\":{}}", out);
      open_tool_ = event.id;
      tools_.emplace_back(event.id);
      return;
    }
    case EventKind::ToolArguments:
      if (block_ == Block::Tool && event.id == open_tool_ && !event.text.empty())
        delta("input_json_delta", "partial_json", event.text, out);
      return;
    case EventKind::ToolEnd:
      if (block_ != Block::Tool || event.id != open_tool_) return;
      closeBlock(out);
      return releaseWaiting(out);
    default:
      return;
  }
}

// Those of the next block go out, those behind it wait on.
void StreamEncoder::releaseWaiting(std::string& out) {
  auto events = std::exchange(waiting_, {});
  for (size_t i = 0; i < events.size(); ++i) {
    ChatEvent event;
    event.kind = events[i].kind;
    event.text = events[i].text;
    event.id = events[i].id;
    event.name = events[i].name;
    if (mustWait(event))
      waiting_.push_back(std::move(events[i]));
    else if (event.kind == EventKind::ToolEnd && block_ == Block::Tool && event.id == open_tool_)
      closeBlock(out);  // what is behind it is in `events` or has been put into waiting_ already
    else
      handle(event, out);
  }
  if (block_ != Block::Tool && !waiting_.empty()) releaseWaiting(out);
}

void StreamEncoder::fail(const Error& error, std::string& out) {
  if (over_) return;
  over_ = true;
  out += "event: error\ndata: ";
  out += errorBody(error, head_.request_id);
  out += "\n\n";
}

void StreamEncoder::done(std::string& out) {
  if (over_) return;
  start(out);
  closeBlock(out);
  while (!waiting_.empty()) {
    releaseWaiting(out);
    closeBlock(out);
  }
  over_ = true;
  appendEvent(out, "message_delta");
  out += ",\"delta\":{";
  appendStop(out, stopReason(finish_, !tools_.empty(), !stop_sequence_.empty()), stop_sequence_);
  out += "},\"usage\":";
  appendUsage(out, usage_, head_.input_tokens);
  out += kEnd;
  appendEvent(out, "message_stop");
  out += kEnd;
}

Collector::Block& Collector::last(PartKind kind) {
  if (blocks_.empty() || blocks_.back().kind != kind || blocks_.back().closed)
    blocks_.push_back({kind, {}, {}, {}, {}, false});
  return blocks_.back();
}

bool Collector::onEvent(const ChatEvent& event) {
  const auto tool = [&] {
    return std::ranges::find_if(blocks_, [&](const Block& block) {
      return block.kind == PartKind::ToolCall && block.id == event.id;
    });
  };
  switch (event.kind) {
    case EventKind::Text:
      if (!event.text.empty()) last(PartKind::Text).text += event.text;
      break;
    case EventKind::Reasoning:
      if (!event.text.empty()) last(PartKind::Reasoning).text += event.text;
      break;
    case EventKind::ReasoningSignature: {
      Block& block = last(PartKind::Reasoning);
      block.signature = event.text;
      block.closed = true;
      break;
    }
    case EventKind::RedactedReasoning: {
      Block& block = last(PartKind::RedactedReasoning);
      block.text = event.text;
      block.closed = true;
      break;
    }
    case EventKind::ToolStart:
      if (tool() == blocks_.end())
        blocks_.push_back(
            {PartKind::ToolCall, {}, {}, std::string(event.id), std::string(event.name), true});
      break;
    case EventKind::ToolArguments:
      if (const auto found = tool(); found != blocks_.end()) found->text += event.text;
      break;
    case EventKind::Usage:
      if (event.usage) usage_ = *event.usage;
      break;
    case EventKind::Finish:
      finish_ = event.finish;
      stop_sequence_ = event.text;
      break;
    default:
      break;
  }
  return true;
}

namespace {

// `input` must be an object. Arguments that are none are kept as text under a name of their own
// rather than lost or turned into something that was not said.
void appendInput(std::string& out, const std::string& arguments) {
  if (arguments.empty()) {
    out += "{}";
    return;
  }
  json::Document document;
  if (document.parse(arguments) && document.root().is(json::Kind::Object)) {
    out += document.root().raw();
    return;
  }
  out += "{\"_invalid_json\":";
  appendJsonString(out, arguments);
  out += '}';
}

}  // namespace

std::string Collector::json() const {
  std::string out;
  appendMessageStart(out, head_);
  out += ",\"content\":[";
  bool tools = false;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    if (i > 0) out += ',';
    switch (block.kind) {
      case PartKind::Reasoning:
        out += R"({"type":"thinking","thinking":)";
        appendJsonString(out, block.text);
        out += ",\"signature\":";
        appendJsonString(out, block.signature);
        break;
      case PartKind::RedactedReasoning:
        out += R"({"type":"redacted_thinking","data":)";
        appendJsonString(out, block.text);
        break;
      case PartKind::ToolCall:
        tools = true;
        out += R"({"type":"tool_use","id":)";
        appendJsonString(out, block.id);
        out += ",\"name\":";
        appendJsonString(out, block.name);
        out += ",\"input\":";
        appendInput(out, block.text);
        break;
      default:
        out += R"({"type":"text","text":)";
        appendJsonString(out, block.text);
    }
    out += '}';
  }
  out += "],";
  appendStop(out, stopReason(finish_, tools, !stop_sequence_.empty()), stop_sequence_);
  out += ",\"usage\":";
  appendUsage(out, usage_, head_.input_tokens);
  out += '}';
  return out;
}

}  // namespace omni::anthropic
