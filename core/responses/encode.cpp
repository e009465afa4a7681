#include "core/responses/encode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/errors/error_table.hpp"

namespace omni::responses {
namespace {

using chat::ChatEvent;
using chat::EventKind;
using chat::PartKind;

constexpr std::string_view kEnd = "}\n\n";

void appendUsage(std::string& out, const chat::Usage& usage) {
  const int64_t input = std::max<int64_t>(usage.input_tokens, 0);
  const int64_t output = std::max<int64_t>(usage.output_tokens, 0);
  fmt::format_to(std::back_inserter(out),
                 R"({{"input_tokens":{},"input_tokens_details":{{"cached_tokens":{}}},)"
                 R"("output_tokens":{},"output_tokens_details":{{"reasoning_tokens":0}},)"
                 R"("total_tokens":{})",
                 input, std::max<int64_t>(usage.cache_read_tokens, 0), output, input + output);
  if (usage.credits >= 0)
    fmt::format_to(std::back_inserter(out), R"(,"credits":{})", usage.credits);
  if (usage.estimated) out += ",\"estimated\":true";
  out += '}';
}

void appendRaw(std::string& out, std::string_view name, std::string_view raw,
               std::string_view fallback) {
  out += ",\"";
  out += name;
  out += "\":";
  out += raw.empty() ? fallback : raw;
}

void appendTextPart(std::string& out, std::string_view text) {
  out += R"({"type":"output_text","text":)";
  appendJsonString(out, text);
  out += R"(,"annotations":[],"logprobs":[]})";
}

void appendSummary(std::string& out, std::string_view text) {
  out += R"({"type":"summary_text","text":)";
  appendJsonString(out, text);
  out += '}';
}

std::string_view incompleteReason(chat::Finish finish) {
  switch (finish) {
    case chat::Finish::Length:
    case chat::Finish::ContextLength:
      return "max_output_tokens";
    case chat::Finish::ContentFilter:
      return "content_filter";
    default:
      return {};
  }
}

}  // namespace

StreamEncoder::StreamEncoder(std::string id, int64_t created_s, std::string model, const Echo& echo)
    : id_(std::move(id)), created_s_(created_s), model_(std::move(model)), echo_(echo) {
  std::string_view* const members[] = {&echo_.instructions, &echo_.max_output_tokens,
                                       &echo_.metadata,     &echo_.parallel_tool_calls,
                                       &echo_.reasoning,    &echo_.temperature,
                                       &echo_.text,         &echo_.tool_choice,
                                       &echo_.tools,        &echo_.top_p,
                                       &echo_.user};
  size_t size = 0;
  for (const std::string_view* member : members) size += member->size();
  echo_text_.reserve(size);  // no move afterwards: the views point into it
  for (std::string_view* member : members) {
    if (member->empty()) continue;
    const size_t at = echo_text_.size();
    echo_text_.append(*member);
    *member = std::string_view(echo_text_).substr(at);
  }
}

void StreamEncoder::begin(std::string& out, std::string_view type) {
  fmt::format_to(std::back_inserter(out),
                 "event: {0}\ndata: {{\"type\":\"{0}\",\"sequence_number\":{1}", type, sequence_++);
}

void StreamEncoder::place(std::string& out, size_t index) const {
  fmt::format_to(std::back_inserter(out), R"(,"item_id":"{}","output_index":{})", items_[index].id,
                 index);
}

std::string_view StreamEncoder::status() const {
  if (failed_) return "failed";
  if (!finished_) return "in_progress";
  return incompleteReason(finish_).empty() ? "completed" : "incomplete";
}

void StreamEncoder::appendItem(std::string& out, const Item& item) const {
  const std::string_view state = item.done ? "completed" : "in_progress";
  switch (item.kind) {
    case PartKind::ToolCall:
      fmt::format_to(std::back_inserter(out),
                     R"({{"id":"{}","type":"function_call","status":"{}","call_id":)", item.id,
                     state);
      appendJsonString(out, item.call_id);
      out += ",\"name\":";
      appendJsonString(out, item.name);
      out += ",\"arguments\":";
      // While it is open the arguments are still to come.
      appendJsonString(out, !item.done ? "" : item.text.empty() ? "{}" : item.text);
      break;
    case PartKind::Reasoning:
      fmt::format_to(std::back_inserter(out), R"({{"id":"{}","type":"reasoning","summary":[)",
                     item.id);
      if (item.done && !item.text.empty()) appendSummary(out, item.text);
      out += ']';
      if (item.done && echo_.encrypted_reasoning && !item.encrypted.empty()) {
        out += ",\"encrypted_content\":";
        appendJsonString(out, item.encrypted);
      }
      break;
    default:
      fmt::format_to(std::back_inserter(out),
                     R"({{"id":"{}","type":"message","status":"{}","role":"assistant","content":[)",
                     item.id, state);
      if (item.done) appendTextPart(out, item.text);
      out += ']';
  }
  out += '}';
}

void StreamEncoder::appendResponse(std::string& out) const {
  fmt::format_to(std::back_inserter(out),
                 R"({{"id":"resp_{}","object":"response","created_at":{},"status":"{}",)"
                 R"("background":false,"error":)",
                 id_, created_s_, status());
  if (failed_) {
    out += "{\"code\":";
    appendJsonString(out, errorRule(error_.kind).code);
    out += ",\"message\":";
    appendJsonString(out, error_.message);
    out += '}';
  } else {
    out += "null";
  }
  if (const auto reason = incompleteReason(finish_); finished_ && !failed_ && !reason.empty())
    fmt::format_to(std::back_inserter(out), R"(,"incomplete_details":{{"reason":"{}"}})", reason);
  else
    out += ",\"incomplete_details\":null";
  appendRaw(out, "instructions", echo_.instructions, "null");
  appendRaw(out, "max_output_tokens", echo_.max_output_tokens, "null");
  out += ",\"model\":";
  appendJsonString(out, model_);
  out += ",\"output\":[";
  for (size_t i = 0; (finished_ || failed_) && i < items_.size(); ++i) {
    if (i > 0) out += ',';
    appendItem(out, items_[i]);
  }
  out += ']';
  appendRaw(out, "parallel_tool_calls", echo_.parallel_tool_calls, "true");
  out += ",\"previous_response_id\":null";
  appendRaw(out, "reasoning", echo_.reasoning, R"({"effort":null,"summary":null})");
  out += ",\"service_tier\":\"default\",\"store\":false";
  appendRaw(out, "temperature", echo_.temperature, "1.0");
  appendRaw(out, "text", echo_.text, R"({"format":{"type":"text"}})");
  appendRaw(out, "tool_choice", echo_.tool_choice, "\"auto\"");
  appendRaw(out, "tools", echo_.tools, "[]");
  appendRaw(out, "top_p", echo_.top_p, "1.0");
  out += ",\"truncation\":\"disabled\",\"usage\":";
  if (finished_ && has_usage_)
    appendUsage(out, usage_);
  else
    out += "null";
  appendRaw(out, "user", echo_.user, "null");
  appendRaw(out, "metadata", echo_.metadata, "{}");
  out += '}';
}

void StreamEncoder::start(std::string& out) {
  if (started_) return;
  started_ = true;
  for (const std::string_view type : {"response.created", "response.in_progress"}) {
    begin(out, type);
    out += ",\"response\":";
    appendResponse(out);
    out += kEnd;
  }
}

size_t StreamEncoder::openItem(PartKind kind, std::string& out, std::string_view call_id,
                               std::string_view name) {
  const size_t index = items_.size();
  const std::string_view prefix = kind == PartKind::ToolCall    ? "fc_"
                                  : kind == PartKind::Reasoning ? "rs_"
                                                                : "msg_";
  items_.push_back({kind,
                    fmt::format("{}{}{}", prefix, id_, index),
                    {},
                    std::string(call_id),
                    std::string(name),
                    {},
                    false,
                    false});
  begin(out, "response.output_item.added");
  fmt::format_to(std::back_inserter(out), ",\"output_index\":{},\"item\":", index);
  appendItem(out, items_[index]);
  out += kEnd;
  if (kind != PartKind::Text) return index;
  begin(out, "response.content_part.added");
  place(out, index);
  out += ",\"content_index\":0,\"part\":";
  appendTextPart(out, {});
  out += kEnd;
  return index;
}

// The open message or reasoning; another open one of the two ends first.
size_t StreamEncoder::current(PartKind kind, std::string& out) {
  for (size_t i = items_.size(); i-- > 0;)
    if (items_[i].kind == kind && !items_[i].done) return i;
  closeOpenText(out);
  return openItem(kind, out);
}

void StreamEncoder::closeOpenText(std::string& out) {
  for (size_t i = 0; i < items_.size(); ++i)
    if (items_[i].kind != PartKind::ToolCall && !items_[i].done) closeItem(i, out);
}

void StreamEncoder::closeItem(size_t index, std::string& out) {
  Item& item = items_[index];
  item.done = true;
  if (item.kind == PartKind::Text) {
    begin(out, "response.output_text.done");
    place(out, index);
    out += ",\"content_index\":0,\"text\":";
    appendJsonString(out, item.text);
    out += ",\"logprobs\":[]";
    out += kEnd;
    begin(out, "response.content_part.done");
    place(out, index);
    out += ",\"content_index\":0,\"part\":";
    appendTextPart(out, item.text);
    out += kEnd;
  } else if (item.kind == PartKind::ToolCall) {
    begin(out, "response.function_call_arguments.done");
    place(out, index);
    out += ",\"name\":";
    appendJsonString(out, item.name);
    out += ",\"arguments\":";
    appendJsonString(out, item.text.empty() ? "{}" : item.text);
    out += kEnd;
  } else if (item.summary) {
    begin(out, "response.reasoning_summary_text.done");
    place(out, index);
    out += ",\"summary_index\":0,\"text\":";
    appendJsonString(out, item.text);
    out += kEnd;
    begin(out, "response.reasoning_summary_part.done");
    place(out, index);
    out += ",\"summary_index\":0,\"part\":";
    appendSummary(out, item.text);
    out += kEnd;
  }
  begin(out, "response.output_item.done");
  fmt::format_to(std::back_inserter(out), ",\"output_index\":{},\"item\":", index);
  appendItem(out, item);
  out += kEnd;
}

size_t StreamEncoder::callOf(std::string_view id) const {
  for (size_t i = 0; i < items_.size(); ++i)
    if (items_[i].kind == PartKind::ToolCall && items_[i].call_id == id) return i;
  return items_.size();
}

void StreamEncoder::onEvent(const ChatEvent& event, std::string& out) {
  if (failed_ || finished_) return;
  if (event.kind == EventKind::Usage) {
    if (event.usage) {
      usage_ = *event.usage;
      has_usage_ = true;
    }
    return;
  }
  if (event.kind == EventKind::Started) return;
  start(out);
  switch (event.kind) {
    case EventKind::Text: {
      if (event.text.empty()) return;
      const size_t index = current(PartKind::Text, out);
      items_[index].text += event.text;
      begin(out, "response.output_text.delta");
      place(out, index);
      out += ",\"content_index\":0,\"delta\":";
      appendJsonString(out, event.text);
      out += ",\"logprobs\":[]";
      out += kEnd;
      return;
    }
    case EventKind::Reasoning: {
      if (event.text.empty()) return;
      const size_t index = current(PartKind::Reasoning, out);
      if (!std::exchange(items_[index].summary, true)) {
        begin(out, "response.reasoning_summary_part.added");
        place(out, index);
        out += ",\"summary_index\":0,\"part\":";
        appendSummary(out, {});
        out += kEnd;
      }
      items_[index].text += event.text;
      begin(out, "response.reasoning_summary_text.delta");
      place(out, index);
      out += ",\"summary_index\":0,\"delta\":";
      appendJsonString(out, event.text);
      out += kEnd;
      return;
    }
    case EventKind::ReasoningSignature: {
      const size_t index = current(PartKind::Reasoning, out);
      items_[index].encrypted = event.text;
      return closeItem(index, out);
    }
    case EventKind::RedactedReasoning: {
      closeOpenText(out);
      const size_t index = openItem(PartKind::Reasoning, out);
      items_[index].encrypted = std::string(kRedactedMark) + std::string(event.text);
      return closeItem(index, out);
    }
    case EventKind::ToolStart:
      if (callOf(event.id) < items_.size()) return;
      closeOpenText(out);
      openItem(PartKind::ToolCall, out, event.id, event.name);
      return;
    case EventKind::ToolArguments: {
      const size_t index = callOf(event.id);
      if (index == items_.size() || items_[index].done || event.text.empty()) return;
      items_[index].text += event.text;
      begin(out, "response.function_call_arguments.delta");
      place(out, index);
      out += ",\"delta\":";
      appendJsonString(out, event.text);
      out += kEnd;
      return;
    }
    case EventKind::ToolEnd: {
      const size_t index = callOf(event.id);
      if (index < items_.size() && !items_[index].done) closeItem(index, out);
      return;
    }
    case EventKind::Finish:
      finish_ = event.finish;
      return;
    default:
      return;
  }
}

void StreamEncoder::fail(const Error& error, std::string& out) {
  if (failed_ || finished_) return;
  start(out);
  failed_ = true;
  error_ = error;
  // Some clients know the one, some the other.
  begin(out, "error");
  out += ",\"code\":";
  appendJsonString(out, errorRule(error.kind).code);
  out += ",\"message\":";
  appendJsonString(out, error.message);
  out += ",\"param\":null";
  out += kEnd;
  begin(out, "response.failed");
  out += ",\"response\":";
  appendResponse(out);
  out += kEnd;
}

void StreamEncoder::done(std::string& out) {
  if (failed_ || finished_) return;
  start(out);
  for (size_t i = 0; i < items_.size(); ++i)
    if (!items_[i].done) closeItem(i, out);
  finished_ = true;
  begin(out, incompleteReason(finish_).empty() ? "response.completed" : "response.incomplete");
  out += ",\"response\":";
  appendResponse(out);
  out += kEnd;
}

bool Collector::onEvent(const ChatEvent& event) {
  frames_.clear();
  encoder_.onEvent(event, frames_);
  return true;
}

std::string Collector::json() const {
  frames_.clear();
  encoder_.done(frames_);
  std::string out;
  encoder_.appendResponse(out);
  return out;
}

}  // namespace omni::responses
