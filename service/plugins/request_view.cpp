#include "service/plugins/request_view.hpp"

namespace omni::plugins {

namespace {

// The adapter casts between the model's enumerations and the ABI's numbers; these keep that honest.
template <typename E>
constexpr bool same(E value, uint32_t number) {
  return static_cast<uint32_t>(value) == number;
}
static_assert(same(chat::Role::System, OMNI_ROLE_SYSTEM) &&
              same(chat::Role::User, OMNI_ROLE_USER) &&
              same(chat::Role::Assistant, OMNI_ROLE_ASSISTANT));
static_assert(same(chat::PartKind::Text, OMNI_PART_TEXT) &&
              same(chat::PartKind::Image, OMNI_PART_IMAGE) &&
              same(chat::PartKind::ToolCall, OMNI_PART_TOOL_CALL) &&
              same(chat::PartKind::ToolResult, OMNI_PART_TOOL_RESULT) &&
              same(chat::PartKind::Reasoning, OMNI_PART_REASONING) &&
              same(chat::PartKind::RedactedReasoning, OMNI_PART_REDACTED_REASONING));
static_assert(same(chat::ToolChoice::Auto, OMNI_TOOL_CHOICE_AUTO) &&
              same(chat::ToolChoice::None, OMNI_TOOL_CHOICE_NONE) &&
              same(chat::ToolChoice::Required, OMNI_TOOL_CHOICE_REQUIRED) &&
              same(chat::ToolChoice::Named, OMNI_TOOL_CHOICE_NAMED));

}  // namespace

const omni_part_t* RequestView::addParts(const std::vector<chat::Part>& parts) {
  if (parts.empty()) return nullptr;
  std::vector<omni_part_t>& out = parts_.emplace_back();
  out.reserve(parts.size());
  for (const chat::Part& part : parts) {
    omni_part_t raw{};
    raw.kind = static_cast<uint32_t>(part.kind);
    raw.flags =
        (part.is_error ? OMNI_PART_IS_ERROR : 0u) | (part.cache_point ? OMNI_PART_CACHE_POINT : 0u);
    raw.text = toStr(part.text);
    raw.id = toStr(part.id);
    raw.name = toStr(part.name);
    raw.media_type = toStr(part.media_type);
    raw.data = toStr(part.data);
    raw.signature = toStr(part.signature);
    raw.children = addParts(part.children);
    raw.child_count = part.children.size();
    out.push_back(raw);
  }
  return out.data();
}

RequestView::RequestView(const chat::ChatRequest& request, std::string_view model) {
  messages_.reserve(request.messages.size());
  for (const chat::Message& message : request.messages)
    messages_.push_back(
        {static_cast<uint32_t>(message.role), 0, addParts(message.parts), message.parts.size()});
  tools_.reserve(request.tools.size());
  for (const chat::Tool& tool : request.tools)
    tools_.push_back({toStr(tool.name), toStr(tool.description), toStr(tool.schema)});
  stop_.reserve(request.stop.size());
  for (std::string_view word : request.stop) stop_.push_back(toStr(word));

  raw_.struct_size = sizeof(raw_);
  raw_.part_size = sizeof(omni_part_t);
  raw_.message_size = sizeof(omni_message_t);
  raw_.tool_size = sizeof(omni_tool_t);
  raw_.model = toStr(model);
  raw_.conversation_id = toStr(request.conversation_id);
  raw_.messages = messages_.data();
  raw_.message_count = messages_.size();
  raw_.tools = tools_.data();
  raw_.tool_count = tools_.size();
  raw_.tool_choice = static_cast<uint32_t>(request.tool_choice);
  raw_.parallel_tool_calls = request.parallel_tool_calls ? 1 : 0;
  raw_.tool_choice_name = toStr(request.tool_choice_name);
  raw_.stop = stop_.data();
  raw_.stop_count = stop_.size();
  raw_.reasoning_effort = toStr(request.reasoning_effort);
  raw_.reasoning_budget = request.reasoning_budget;
  raw_.max_tokens = request.max_tokens;
  raw_.temperature = request.temperature;
  raw_.top_p = request.top_p;
  raw_.response_format = toStr(request.response_format);
}

void RequestView::release() {
  raw_ = {};
  parts_.clear();
  parts_.shrink_to_fit();
  messages_ = {};
  tools_ = {};
  stop_ = {};
}

}  // namespace omni::plugins
