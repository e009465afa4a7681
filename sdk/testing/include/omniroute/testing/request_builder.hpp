#pragma once
// Builds an omni_request_t step by step and owns all of its text and arrays.
//
// Thread-safety: build() once, then the request may be read from any thread. Ownership: the request
// is valid while the builder lives and until the next build(). Errors: none; part methods before
// the first message open a user message.

#include <omniroute/sdk.hpp>

#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace omni::sdk::testing {

class RequestBuilder {
 public:
  RequestBuilder() {
    request_.struct_size = sizeof(request_);
    request_.model = keep("test-model");
    request_.parallel_tool_calls = 1;
    request_.reasoning_budget = -1;
    request_.max_tokens = -1;
    request_.temperature = std::numeric_limits<double>::quiet_NaN();
    request_.top_p = std::numeric_limits<double>::quiet_NaN();
  }
  RequestBuilder(const RequestBuilder&) = delete;
  RequestBuilder& operator=(const RequestBuilder&) = delete;

  RequestBuilder& model(std::string_view name) {
    request_.model = keep(name);
    return *this;
  }
  RequestBuilder& conversation(std::string_view id) {
    request_.conversation_id = keep(id);
    return *this;
  }

  // ---- messages: each of these opens one; the part methods below add to the newest.
  RequestBuilder& message(uint32_t role) {
    messages_.push_back({role, {}});
    return *this;
  }
  RequestBuilder& system(std::string_view text) { return message(OMNI_ROLE_SYSTEM).text(text); }
  RequestBuilder& user(std::string_view text) { return message(OMNI_ROLE_USER).text(text); }
  RequestBuilder& assistant(std::string_view text) {
    return message(OMNI_ROLE_ASSISTANT).text(text);
  }

  RequestBuilder& text(std::string_view value) {
    add(OMNI_PART_TEXT).part.text = keep(value);
    return *this;
  }
  RequestBuilder& image(std::string_view media_type, std::string_view base64) {
    omni_part_t& part = add(OMNI_PART_IMAGE).part;
    part.media_type = keep(media_type);
    part.data = keep(base64);
    return *this;
  }
  RequestBuilder& toolCall(std::string_view id, std::string_view name, std::string_view arguments) {
    omni_part_t& part = add(OMNI_PART_TOOL_CALL).part;
    part.id = keep(id);
    part.name = keep(name);
    part.text = keep(arguments);
    return *this;
  }
  // A result with one text child.
  RequestBuilder& toolResult(std::string_view id, std::string_view content, bool is_error = false) {
    Node& node = add(OMNI_PART_TOOL_RESULT);
    node.part.id = keep(id);
    node.part.flags = is_error ? OMNI_PART_IS_ERROR : 0;
    Node child;
    child.part.kind = OMNI_PART_TEXT;
    child.part.text = keep(content);
    node.children.push_back(std::move(child));
    return *this;
  }
  RequestBuilder& reasoning(std::string_view value, std::string_view signature = {}) {
    omni_part_t& part = add(OMNI_PART_REASONING).part;
    part.text = keep(value);
    part.signature = keep(signature);
    return *this;
  }
  RequestBuilder& redactedReasoning(std::string_view data) {
    add(OMNI_PART_REDACTED_REASONING).part.data = keep(data);
    return *this;
  }
  RequestBuilder& cachePoint() {
    newest().flags |= OMNI_PART_CACHE_POINT;
    return *this;
  }

  // ---- tools and settings
  RequestBuilder& tool(std::string_view name, std::string_view description,
                       std::string_view schema) {
    tools_.push_back({keep(name), keep(description), keep(schema)});
    return *this;
  }
  RequestBuilder& toolChoice(uint32_t choice, std::string_view name = {}) {
    request_.tool_choice = choice;
    request_.tool_choice_name = keep(name);
    return *this;
  }
  RequestBuilder& parallelToolCalls(bool allowed) {
    request_.parallel_tool_calls = allowed ? 1 : 0;
    return *this;
  }
  RequestBuilder& stop(std::string_view sequence) {
    stops_.push_back(keep(sequence));
    return *this;
  }
  RequestBuilder& reasoningEffort(std::string_view effort) {
    request_.reasoning_effort = keep(effort);
    return *this;
  }
  RequestBuilder& reasoningBudget(int64_t tokens) {
    request_.reasoning_budget = tokens;
    return *this;
  }
  RequestBuilder& maxTokens(int64_t tokens) {
    request_.max_tokens = tokens;
    return *this;
  }
  RequestBuilder& temperature(double value) {
    request_.temperature = value;
    return *this;
  }
  RequestBuilder& topP(double value) {
    request_.top_p = value;
    return *this;
  }
  RequestBuilder& responseFormat(std::string_view json) {
    request_.response_format = keep(json);
    return *this;
  }

  // Lays the arrays out as a newer host would, whose structs are longer by `bytes` (a multiple of
  // 8) of junk. A plugin that indexes arrays with sizeof instead of the given stride reads that
  // junk.
  RequestBuilder& widerStructs(uint32_t bytes) {
    padding_ = bytes;
    return *this;
  }

  const omni_request_t& build() {
    arrays_.clear();
    request_.struct_size = static_cast<uint32_t>(sizeof(omni_request_t));
    request_.part_size = static_cast<uint32_t>(sizeof(omni_part_t)) + padding_;
    request_.message_size = static_cast<uint32_t>(sizeof(omni_message_t)) + padding_;
    request_.tool_size = static_cast<uint32_t>(sizeof(omni_tool_t)) + padding_;
    std::vector<omni_message_t> messages;
    messages.reserve(messages_.size());
    for (const Message& m : messages_)
      messages.push_back({m.role, 0, layOutParts(m.parts), m.parts.size()});
    request_.messages = layOut(messages, request_.message_size);
    request_.message_count = messages.size();
    request_.tools = layOut(tools_, request_.tool_size);
    request_.tool_count = tools_.size();
    request_.stop = stops_.empty() ? nullptr : stops_.data();
    request_.stop_count = stops_.size();
    return request_;
  }

 private:
  struct Node {
    omni_part_t part{};
    std::vector<Node> children;
  };
  struct Message {
    uint32_t role;
    std::vector<Node> parts;
  };

  omni_str_t keep(std::string_view text) {
    if (text.empty()) return {nullptr, 0};
    return toStr(texts_.emplace_back(text));
  }
  Node& add(uint32_t kind) {
    if (messages_.empty()) message(OMNI_ROLE_USER);
    Node node;
    node.part.kind = kind;
    messages_.back().parts.push_back(std::move(node));
    return messages_.back().parts.back();
  }
  omni_part_t& newest() {
    if (messages_.empty() || messages_.back().parts.empty()) text("");
    return messages_.back().parts.back().part;
  }

  const omni_part_t* layOutParts(const std::vector<Node>& nodes) {
    std::vector<omni_part_t> parts;
    for (const Node& node : nodes) {
      omni_part_t part = node.part;
      part.children = layOutParts(node.children);
      part.child_count = node.children.size();
      parts.push_back(part);
    }
    return layOut(parts, request_.part_size);
  }
  template <typename T>
  const T* layOut(const std::vector<T>& items, size_t stride) {
    if (items.empty()) return nullptr;
    auto bytes = std::make_unique<char[]>(items.size() * stride);
    std::memset(bytes.get(), 0x5A, items.size() * stride);
    for (size_t i = 0; i < items.size(); ++i)
      std::memcpy(bytes.get() + i * stride, &items[i], sizeof(T));
    arrays_.push_back(std::move(bytes));
    return reinterpret_cast<const T*>(arrays_.back().get());
  }

  omni_request_t request_{};
  std::deque<std::string> texts_;  // deque: growing moves no string, so that views stay valid
  std::vector<Message> messages_;
  std::vector<omni_tool_t> tools_;
  std::vector<omni_str_t> stops_;
  std::vector<std::unique_ptr<char[]>> arrays_;
  uint32_t padding_ = 0;
};

}  // namespace omni::sdk::testing
