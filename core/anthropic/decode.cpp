#include "core/anthropic/decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/json/reader.hpp"

namespace omni::anthropic {
namespace {

using chat::ChatRequest;
using chat::Message;
using chat::Part;
using chat::PartKind;
using chat::Role;
using json::Value;

constexpr std::string_view kBlocks =
    "text, image, tool_use, tool_result, thinking and redacted_thinking";

// Claude Code's user_id is JSON with a session_id, or (older) user_..._session_<uuid>.
std::string_view sessionIn(std::string_view user_id, json::Document& inner) {
  if (user_id.starts_with('{') && inner.parse(std::string(user_id))) {
    const Value session = inner.root().find("session_id");
    return session.is(json::Kind::String) ? session.text() : std::string_view();
  }
  constexpr std::string_view kMark = "_session_";
  const size_t at = user_id.rfind(kMark);
  return at == std::string_view::npos ? std::string_view() : user_id.substr(at + kMark.size());
}

class Decoder {
 public:
  explicit Decoder(const Value& root, const json::Document& document)
      : root_(root), document_(document) {}

  ChatRequest decode() {
    request_.model = json::requiredText(root_, "model");
    if (request_.model.empty()) json::refuseMember(root_, "model", "is empty");
    refuseUnsupported();
    decodeSystem();
    const Value messages = json::array(json::required(root_, "messages"));
    if (!messages.first()) json::refuse(messages, "is empty: send at least one message");
    for (Value message = messages.first(); message; message = message.next())
      decodeMessage(json::object(message));
    // Automatic caching: the boundary lies behind everything that is there.
    if (json::get(root_, "cache_control") && !request_.messages.back().parts.empty())
      request_.messages.back().parts.back().cache_point = true;
    decodeTools();
    decodeToolChoice();
    decodeThinking();
    decodeSettings();
    return std::move(request_);
  }

 private:
  void refuseUnsupported() const {
    for (const std::string_view name : {"mcp_servers", "container"})
      if (const Value found = json::get(root_, name);
          found && !(found.is(json::Kind::Array) && !found.first()))
        json::refuseUnsupported(found, "is not supported; leave it out");
  }

  void decodeSystem() {
    const Value system = json::get(root_, "system");
    if (!system) return;
    Message message;
    message.role = Role::System;
    if (system.is(json::Kind::String)) {
      message.parts.push_back(json::textPart(system.text()));
    } else {
      for (Value item = json::array(system).first(); item; item = item.next()) {
        if (json::requiredText(json::object(item), "type") != "text")
          json::refuse(item.find("type"), "must be \"text\"");
        Part part = json::textPart(json::requiredText(item, "text"));
        part.cache_point = static_cast<bool>(json::get(item, "cache_control"));
        message.parts.push_back(std::move(part));
      }
    }
    if (!message.parts.empty()) request_.messages.push_back(std::move(message));
  }

  void decodeMessage(const Value& value) {
    const auto role = json::requiredText(value, "role");
    Message message;
    if (role == "user") {
      message.role = Role::User;
    } else if (role == "assistant") {
      message.role = Role::Assistant;
    } else {
      json::refuse(value.find("role"),
                   fmt::format("\"{}\" is unknown; known are user and assistant, and the top-level "
                               "member system",
                               role.substr(0, 100)));
    }
    const Value content = json::required(value, "content");
    if (content.is(json::Kind::String)) {
      if (content.text().empty() && message.role == Role::User) json::refuse(content, "is empty");
      message.parts.push_back(json::textPart(content.text()));
    } else {
      if (!content.is(json::Kind::Array))
        json::refuse(content, "must be a string or an array of blocks");
      if (!content.first() && message.role == Role::User)
        json::refuse(content, "is empty: send at least one block");
      for (Value item = content.first(); item; item = item.next())
        message.parts.push_back(decodeBlock(json::object(item), message.role));
    }
    request_.messages.push_back(std::move(message));
  }

  Part decodeBlock(const Value& block, Role role) {
    const auto type = json::requiredText(block, "type");
    const auto only = [&](Role wanted) {
      if (role != wanted)
        json::refuse(block.find("type"), fmt::format("\"{}\" has its place in {} messages", type,
                                                     wanted == Role::User ? "user" : "assistant"));
    };
    Part part;
    part.cache_point = static_cast<bool>(json::get(block, "cache_control"));
    if (type == "text") {
      part.text = json::requiredText(block, "text");
    } else if (type == "image") {
      only(Role::User);
      decodeImage(block, part);
    } else if (type == "tool_use") {
      only(Role::Assistant);
      part.kind = PartKind::ToolCall;
      part.id = json::requiredText(block, "id");
      part.name = json::requiredText(block, "name");
      part.text = json::object(json::required(block, "input")).raw();
      pairs_.call(part.id);
    } else if (type == "tool_result") {
      only(Role::User);
      decodeResult(block, part);
    } else if (type == "thinking") {
      only(Role::Assistant);
      part.kind = PartKind::Reasoning;
      part.text = json::requiredText(block, "thinking");
      part.signature = json::optionalText(block, "signature");
    } else if (type == "redacted_thinking") {
      only(Role::Assistant);
      part.kind = PartKind::RedactedReasoning;
      part.data = json::requiredText(block, "data");
    } else {
      unknownBlock(block, type);
    }
    return part;
  }

  [[noreturn]] static void unknownBlock(const Value& block, std::string_view type) {
    json::refuseUnsupported(
        block.find("type"),
        fmt::format("\"{}\" is not supported; known are {}{}", type.substr(0, 100), kBlocks,
                    type == "document" ? "; send a document's text as a text block" : ""));
  }

  static void decodeImage(const Value& block, Part& part) {
    const Value source = json::object(json::required(block, "source"));
    const auto type = json::requiredText(source, "type");
    if (type == "base64") {
      const auto media_type = json::requiredText(source, "media_type");
      const Value data = json::required(source, "data");
      json::fillImage(part, data, media_type, json::text(data));
    } else if (type == "url") {
      json::fillImageUrl(part, json::required(source, "url"));
    } else {
      json::refuseUnsupported(
          source.find("type"),
          fmt::format("\"{}\" is not supported; known are base64 and url", type.substr(0, 100)));
    }
  }

  void decodeResult(const Value& block, Part& part) {
    part.kind = PartKind::ToolResult;
    part.id = json::requiredText(block, "tool_use_id");
    pairs_.result(block.find("tool_use_id"), part.id);
    part.is_error = json::flag(block, "is_error", false);
    const Value content = json::get(block, "content");
    if (!content) return;
    if (content.is(json::Kind::String)) {
      part.children.push_back(json::textPart(content.text()));
      return;
    }
    if (!content.is(json::Kind::Array))
      json::refuse(content, "must be a string or an array of blocks");
    for (Value item = content.first(); item; item = item.next()) {
      const auto type = json::requiredText(json::object(item), "type");
      Part child;
      if (type == "text")
        child.text = json::requiredText(item, "text");
      else if (type == "image")
        decodeImage(item, child);
      else
        json::refuseUnsupported(
            item.find("type"),
            fmt::format("\"{}\" is not supported in a tool_result; known are text and image",
                        type.substr(0, 100)));
      part.children.push_back(std::move(child));
    }
  }

  void decodeTools() {
    const Value tools = json::get(root_, "tools");
    if (!tools) return;
    for (Value item = json::array(tools).first(); item; item = item.next()) {
      const Value type = json::get(json::object(item), "type");
      if (type && json::text(type) != "custom")
        json::refuseUnsupported(
            type, fmt::format("\"{}\" is a tool of Anthropic's own service and cannot be run here; "
                              "only tools with an input_schema are",
                              type.text().substr(0, 100)));
      chat::Tool tool;
      tool.name = json::requiredText(item, "name");
      if (tool.name.empty()) json::refuse(item.find("name"), "is empty");
      tool.description = json::optionalText(item, "description");
      tool.schema = json::object(json::required(item, "input_schema")).raw();
      request_.tools.push_back(tool);
    }
  }

  void decodeToolChoice() {
    const Value choice = json::get(root_, "tool_choice");
    if (!choice) return;
    const auto type = json::requiredText(json::object(choice), "type");
    if (type == "any") {
      request_.tool_choice = chat::ToolChoice::Required;
    } else if (type == "none") {
      request_.tool_choice = chat::ToolChoice::None;
    } else if (type == "tool") {
      request_.tool_choice = chat::ToolChoice::Named;
      request_.tool_choice_name = json::requiredText(choice, "name");
      if (std::ranges::none_of(request_.tools, [&](const chat::Tool& tool) {
            return tool.name == request_.tool_choice_name;
          }))
        json::refuse(choice.find("name"), "is no tool of this request");
    } else if (type != "auto") {
      json::refuse(choice.find("type"), "is unknown; known are auto, any, tool and none");
    }
    if (type == "any" && request_.tools.empty())
      json::refuse(choice, "asks for a tool, but tools is empty");
    request_.parallel_tool_calls = !json::flag(choice, "disable_parallel_tool_use", false);
  }

  void decodeThinking() {
    if (const Value thinking = json::get(root_, "thinking")) {
      const auto type = json::requiredText(json::object(thinking), "type");
      if (type == "enabled") {
        json::required(thinking, "budget_tokens");
        request_.reasoning_budget = json::count(thinking, "budget_tokens", 1024);
      } else if (type == "disabled") {
        request_.reasoning_effort = "none";
      } else if (type == "adaptive") {
        request_.reasoning_effort = "adaptive";  // an effort, when one is given, says more
      } else {
        json::refuse(thinking.find("type"), "is unknown; known are enabled, disabled and adaptive");
      }
    }
    const Value output = json::get(root_, "output_config");
    if (!output) return;
    json::object(output);
    if (const auto effort = json::optionalText(output, "effort");
        !effort.empty() && request_.reasoning_effort != "none")
      request_.reasoning_effort = effort;
    if (const Value format = json::get(output, "format")) {
      if (json::requiredText(json::object(format), "type") != "json_schema")
        json::refuse(format.find("type"), "must be \"json_schema\"");
      json::object(json::required(format, "schema"));
      request_.response_format =
          document_.keep(fmt::format(R"({{"type":"json_schema","json_schema":{}}})", format.raw()));
    }
  }

  void decodeSettings() {
    request_.max_tokens = json::count(root_, "max_tokens");
    request_.temperature = json::number(root_, "temperature", 0, 1);
    request_.top_p = json::number(root_, "top_p", 0, 1);
    json::count(root_, "top_k", 0);
    if (const Value stop = json::get(root_, "stop_sequences"))
      for (Value item = json::array(stop).first(); item; item = item.next())
        request_.stop.push_back(json::text(item));
    request_.stream = json::flag(root_, "stream", false);
    request_.include_usage = true;
    const Value metadata = json::get(root_, "metadata");
    if (!metadata) return;
    request_.session = json::optionalText(json::object(metadata), "user_id");
    json::Document inner;
    if (const auto session = sessionIn(request_.session, inner); !session.empty()) {
      request_.session = document_.keep(std::string(session));
      request_.conversation_id = request_.session;
    }
  }

  Value root_;
  const json::Document& document_;
  ChatRequest request_;
  json::ToolPairs pairs_;
};

}  // namespace

Result<ChatRequest> decodeMessages(std::string body) {
  return json::decodeBody(std::move(body), [](const Value& root, const json::Document& document) {
    return Decoder(root, document).decode();
  });
}

}  // namespace omni::anthropic
