#include "core/openai/encode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/base/append_number.hpp"
#include "core/errors/error_table.hpp"

namespace omni::openai {
namespace {

using chat::ChatEvent;
using chat::EventKind;

void appendUsage(std::string& out, const chat::Usage& usage) {
  const int64_t input = std::max<int64_t>(usage.input_tokens, 0);
  const int64_t output = std::max<int64_t>(usage.output_tokens, 0);
  out += R"({"prompt_tokens":)";
  appendNumber(out, input);
  out += R"(,"completion_tokens":)";
  appendNumber(out, output);
  out += R"(,"total_tokens":)";
  appendNumber(out, input + output);
  if (usage.cache_read_tokens >= 0) {
    out += R"(,"prompt_tokens_details":{"cached_tokens":)";
    appendNumber(out, usage.cache_read_tokens);
    out += '}';
  }
  if (usage.credits >= 0) {
    out += R"(,"credits":)";
    appendNumber(out, usage.credits);
  }
  if (usage.estimated) out += ",\"estimated\":true";
  out += '}';
}

std::string head(std::string_view object, std::string_view id, int64_t created_s,
                 std::string_view model) {
  std::string out;
  out.reserve(512);
  out += "{\"id\":";
  appendJsonString(out, id);
  out += ",\"object\":\"";
  out += object;
  out += "\",\"created\":";
  appendNumber(out, created_s);
  out += ",\"model\":";
  appendJsonString(out, model);
  return out;
}

}  // namespace

std::string_view finishReason(chat::Finish finish) {
  switch (finish) {
    case chat::Finish::Stop:
    case chat::Finish::Pause:
      return "stop";
    case chat::Finish::Length:
    case chat::Finish::ContextLength:
      return "length";
    case chat::Finish::ToolCalls:
      return "tool_calls";
    case chat::Finish::ContentFilter:
      return "content_filter";
  }
  return "stop";
}

StreamEncoder::StreamEncoder(std::string_view id, int64_t created_s, std::string_view model,
                             bool include_usage)
    : include_usage_(include_usage) {
  const std::string common = "data: " + head("chat.completion.chunk", id, created_s, model);
  prefix_ = common + ",\"choices\":[{\"index\":0,\"delta\":{";
  usage_prefix_ = common + ",\"choices\":[],\"usage\":";
}

void StreamEncoder::open(std::string& out) {
  out += prefix_;
}

void StreamEncoder::close(std::string& out, std::string_view finish_reason) {
  if (finish_reason.empty()) {
    out += "},\"finish_reason\":null}]}\n\n";
  } else {
    out += "},\"finish_reason\":\"";
    out += finish_reason;
    out += "\"}]}\n\n";
  }
}

void StreamEncoder::role(std::string& out) {
  if (started_) return;
  started_ = true;
  open(out);
  out += "\"role\":\"assistant\",\"content\":\"\"";
  close(out, {});
}

size_t StreamEncoder::indexOf(std::string_view tool_id) const {
  const auto found = std::ranges::find(tool_ids_, tool_id);
  return static_cast<size_t>(found - tool_ids_.begin());
}

void StreamEncoder::onEvent(const ChatEvent& event, std::string& out) {
  if (failed_) return;
  role(out);
  switch (event.kind) {
    case EventKind::Text:
    case EventKind::Reasoning:
      if (event.text.empty()) return;
      open(out);
      out += event.kind == EventKind::Text ? "\"content\":" : "\"reasoning_content\":";
      appendJsonString(out, event.text);
      close(out, {});
      return;
    case EventKind::ToolStart:
      if (indexOf(event.id) < tool_ids_.size()) return;
      tool_ids_.emplace_back(event.id);
      open(out);
      fmt::format_to(std::back_inserter(out), R"("tool_calls":[{{"index":{},"id":)",
                     tool_ids_.size() - 1);
      appendJsonString(out, event.id);
      out += ",\"type\":\"function\",\"function\":{\"name\":";
      appendJsonString(out, event.name);
      out += ",\"arguments\":\"\"}}]";
      close(out, {});
      return;
    case EventKind::ToolArguments: {
      const size_t index = indexOf(event.id);
      if (index == tool_ids_.size() || event.text.empty()) return;
      open(out);
      fmt::format_to(std::back_inserter(out),
                     R"("tool_calls":[{{"index":{},"function":{{"arguments":)", index);
      appendJsonString(out, event.text);
      out += "}}]";
      close(out, {});
      return;
    }
    case EventKind::Usage:
      if (event.usage) {
        usage_ = *event.usage;
        has_usage_ = true;
      }
      return;
    case EventKind::Finish:
      if (finished_) return;
      finished_ = true;
      open(out);
      close(out,
            finishReason(event.finish == chat::Finish::Stop && tool_ended_ ? chat::Finish::ToolCalls
                                                                           : event.finish));
      return;
    case EventKind::ToolEnd:
      tool_ended_ = true;
      return;
    case EventKind::Started:
    case EventKind::ReasoningSignature:
    case EventKind::RedactedReasoning:
      return;
  }
}

void StreamEncoder::fail(const Error& error, std::string& out) {
  if (failed_) return;
  failed_ = true;
  out += "data: ";
  out += openaiErrorBody(error);
  out += "\n\n";
}

void StreamEncoder::done(std::string& out) {
  if (failed_) return;
  if (!finished_) {
    ChatEvent event;
    event.kind = EventKind::Finish;
    event.finish = tool_ids_.empty() ? chat::Finish::Stop : chat::Finish::ToolCalls;
    onEvent(event, out);
  }
  if (include_usage_ && has_usage_) {
    out += usage_prefix_;
    appendUsage(out, usage_);
    out += "}\n\n";
  }
  out += "data: [DONE]\n\n";
}

Collector::Collector(std::string id, int64_t created_s, std::string model)
    : id_(std::move(id)), created_s_(created_s), model_(std::move(model)) {}

bool Collector::onEvent(const ChatEvent& event) {
  switch (event.kind) {
    case EventKind::Text:
      text_ += event.text;
      break;
    case EventKind::Reasoning:
      reasoning_ += event.text;
      break;
    case EventKind::ToolStart:
      if (std::ranges::find(tools_, event.id, &ToolCall::id) == tools_.end())
        tools_.push_back({std::string(event.id), std::string(event.name), {}});
      break;
    case EventKind::ToolArguments:
      if (const auto found = std::ranges::find(tools_, event.id, &ToolCall::id);
          found != tools_.end())
        found->arguments += event.text;
      break;
    case EventKind::Usage:
      if (event.usage) usage_ = *event.usage;
      break;
    case EventKind::ToolEnd:
      tool_ended_ = true;
      break;
    case EventKind::Finish:
      if (finished_) break;
      finished_ = true;
      finish_ = event.finish == chat::Finish::Stop && tool_ended_ ? chat::Finish::ToolCalls
                                                                  : event.finish;
      break;
    default:
      break;
  }
  return true;
}

std::string Collector::json() const {
  std::string out = head("chat.completion", id_, created_s_, model_);
  out += ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":";
  if (text_.empty() && !tools_.empty())
    out += "null";
  else
    appendJsonString(out, text_);
  if (!reasoning_.empty()) {
    out += ",\"reasoning_content\":";
    appendJsonString(out, reasoning_);
  }
  if (!tools_.empty()) {
    out += ",\"tool_calls\":[";
    for (size_t i = 0; i < tools_.size(); ++i) {
      if (i) out += ',';
      out += "{\"id\":";
      appendJsonString(out, tools_[i].id);
      out += ",\"type\":\"function\",\"function\":{\"name\":";
      appendJsonString(out, tools_[i].name);
      out += ",\"arguments\":";
      appendJsonString(out, tools_[i].arguments.empty() ? "{}" : tools_[i].arguments);
      out += "}}";
    }
    out += ']';
  }
  out += "},\"finish_reason\":\"";
  out += finishReason(!finished_ && !tools_.empty() ? chat::Finish::ToolCalls : finish_);
  out += "\"}],\"usage\":";
  appendUsage(out, usage_);
  out += '}';
  return out;
}

}  // namespace omni::openai
