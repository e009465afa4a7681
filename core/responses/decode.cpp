#include "core/responses/decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/json/reader.hpp"
#include "core/openai/request_parts.hpp"

namespace omni::responses {
namespace {

using chat::ChatRequest;
using chat::Part;
using chat::PartKind;
using chat::Role;
using json::Value;

constexpr std::string_view kItems = "message, function_call, function_call_output and reasoning";

constexpr openai::RequestForm kForm = {.image_part = "input_image",
                                       .known_parts = "input_text, input_image and output_text",
                                       .empty_contents = true,
                                       .nested_functions = false};

class Decoder {
 public:
  Decoder(const Value& root, const json::Document& document, Echo& echo)
      : root_(root), document_(document), echo_(echo) {}

  ChatRequest decode() {
    request_.model = json::requiredText(root_, "model");
    if (request_.model.empty()) json::refuseMember(root_, "model", "is empty");
    refuseUnsupported();
    if (const auto text = json::optionalText(root_, "instructions"); !text.empty())
      parts(Role::System, true).push_back(json::textPart(text));
    decodeInput(json::required(root_, "input"));
    decodeTools();
    openai::decodeToolChoice(root_, kForm, request_);
    decodeSettings();
    repeat();
    return std::move(request_);
  }

 private:
  // Items of one side in a row are one message.
  std::vector<Part>& parts(Role role, bool anew = false) {
    if (anew || request_.messages.empty() || request_.messages.back().role != role) {
      request_.messages.emplace_back();
      request_.messages.back().role = role;
    }
    return request_.messages.back().parts;
  }

  void refuseUnsupported() const {
    const auto never = [this](std::string_view name, std::string_view why) {
      if (const Value found = json::get(root_, name)) json::refuseUnsupported(found, why);
    };
    never("previous_response_id",
          "is not supported: answers are not stored here; send the whole conversation as input");
    never("conversation",
          "is not supported: conversations are not stored here; send the whole one as input");
    never("prompt",
          "is not supported: there are no stored prompts here; send instructions and input");
    if (json::flag(root_, "background", false))
      json::refuseUnsupported(root_.find("background"), "is not supported; leave it out");
    if (json::count(root_, "top_logprobs", 0) > 0)
      json::refuseUnsupported(root_.find("top_logprobs"),
                              "is not known by the providers; leave it out");
  }

  void decodeInput(const Value& input) {
    if (input.is(json::Kind::String)) {
      if (input.text().empty()) json::refuse(input, "is empty");
      parts(Role::User, true).push_back(json::textPart(input.text()));
      return;
    }
    if (!input.is(json::Kind::Array)) json::refuse(input, "must be a string or an array of items");
    if (!input.first()) json::refuse(input, "is empty: send at least one item");
    for (Value item = input.first(); item; item = item.next()) decodeItem(json::object(item));
  }

  void decodeItem(const Value& item) {
    auto type = json::optionalText(item, "type");
    if (type.empty() && json::get(item, "role")) type = "message";
    if (type == "message") {
      decodeMessage(item);
    } else if (type == "function_call") {
      Part part;
      part.kind = PartKind::ToolCall;
      part.id = json::requiredText(item, "call_id");
      part.name = json::requiredText(item, "name");
      part.text = json::requiredText(item, "arguments");
      pairs_.call(part.id);
      parts(Role::Assistant).push_back(std::move(part));
    } else if (type == "function_call_output") {
      Part part;
      part.kind = PartKind::ToolResult;
      part.id = json::requiredText(item, "call_id");
      pairs_.result(item.find("call_id"), part.id);
      openai::appendContent(part.children, json::required(item, "output"), kForm);
      parts(Role::User).push_back(std::move(part));
    } else if (type == "reasoning") {
      decodeReasoning(item);
    } else {
      const Value place = item.find("type");
      if (!place) json::refuseMember(item, "type", "is missing");
      json::refuseUnsupported(
          place, fmt::format("\"{}\" is not supported; known are {}", type.substr(0, 100), kItems));
    }
  }

  void decodeMessage(const Value& item) {
    const auto name = json::requiredText(item, "role");
    Role role = Role::User;
    if (name == "system" || name == "developer")
      role = Role::System;
    else if (name == "assistant")
      role = Role::Assistant;
    else if (name != "user")
      json::refuse(item.find("role"),
                   fmt::format("\"{}\" is unknown; known are system, developer, user and assistant",
                               name.substr(0, 100)));
    const Value content = json::required(item, "content");
    if (content.is(json::Kind::Array) && !content.first() && role != Role::Assistant)
      json::refuse(content, "is empty: send at least one part");
    // Text behind tool results is a turn of its own, thinking before a text is not.
    openai::appendContent(parts(role, role != Role::Assistant), content, kForm);
  }

  void decodeReasoning(const Value& item) {
    Part part;
    part.kind = PartKind::Reasoning;
    std::string joined;
    size_t count = 0;
    for (const std::string_view name : {"summary", "content"}) {
      const Value list = json::get(item, name);
      if (!list || count > 0) continue;
      for (Value piece = json::array(list).first(); piece; piece = piece.next(), ++count) {
        part.text = json::requiredText(json::object(piece), "text");
        joined += (count > 0 ? "\n\n" : "") + std::string(part.text);
      }
    }
    if (count > 1) part.text = document_.keep(std::move(joined));
    part.signature = json::optionalText(item, "encrypted_content");
    if (part.signature.starts_with(kRedactedMark)) {
      part.kind = PartKind::RedactedReasoning;
      part.data = part.signature.substr(kRedactedMark.size());
      part.signature = {};
      part.text = {};
    } else if (part.text.empty() && part.signature.empty()) {
      return;
    }
    parts(Role::Assistant).push_back(std::move(part));
  }

  void decodeTools() {
    const Value tools = json::get(root_, "tools");
    if (!tools) return;
    for (Value item = json::array(tools).first(); item; item = item.next()) {
      if (const auto type = json::requiredText(json::object(item), "type"); type != "function")
        json::refuseUnsupported(item.find("type"),
                                fmt::format("\"{}\" is a tool of OpenAI's own service or form and "
                                            "cannot be run here; only function is",
                                            type.substr(0, 100)));
      request_.tools.push_back(openai::decodeTool(item));
    }
  }

  void decodeSettings() {
    request_.max_tokens = json::count(root_, "max_output_tokens");
    openai::decodeCommonSettings(root_, request_);
    request_.include_usage = true;
    json::flag(root_, "store", true);
    if (const Value reasoning = json::get(root_, "reasoning"))
      request_.reasoning_effort = json::optionalText(json::object(reasoning), "effort");
    if (const Value text = json::get(root_, "text"))
      if (const Value format = json::get(json::object(text), "format")) decodeFormat(format);
    if (const Value include = json::get(root_, "include"))
      for (Value item = json::array(include).first(); item; item = item.next()) {
        const auto name = json::text(item);
        if (name == "reasoning.encrypted_content") echo_.encrypted_reasoning = true;
        if (name == "message.output_text.logprobs")
          json::refuseUnsupported(item, "is not known by the providers; leave it out");
      }
  }

  void decodeFormat(const Value& format) {
    const auto type = json::requiredText(json::object(format), "type");
    if (type == "text") return;
    if (type == "json_object") {
      request_.response_format = format.raw();
    } else if (type == "json_schema") {
      json::requiredText(format, "name");
      json::object(json::required(format, "schema"));
      // As chat completions nest it, which is what providers read.
      request_.response_format =
          document_.keep(fmt::format(R"({{"type":"json_schema","json_schema":{}}})", format.raw()));
    } else {
      json::refuse(format.find("type"), "is unknown; known are text, json_object and json_schema");
    }
  }

  void repeat() {
    const auto raw = [this](std::string_view name) {
      const Value found = json::get(root_, name);
      return found ? found.raw() : std::string_view();
    };
    echo_.instructions = raw("instructions");
    echo_.max_output_tokens = raw("max_output_tokens");
    echo_.metadata = raw("metadata");
    echo_.parallel_tool_calls = raw("parallel_tool_calls");
    echo_.reasoning = raw("reasoning");
    echo_.temperature = raw("temperature");
    echo_.text = raw("text");
    echo_.tool_choice = raw("tool_choice");
    echo_.tools = raw("tools");
    echo_.top_p = raw("top_p");
    echo_.user = raw("user");
  }

  Value root_;
  const json::Document& document_;
  Echo& echo_;
  ChatRequest request_;
  json::ToolPairs pairs_;
};

}  // namespace

Result<Decoded> decodeResponse(std::string body) {
  Decoded out;
  auto request =
      json::decodeBody(std::move(body), [&](const Value& root, const json::Document& document) {
        return Decoder(root, document, out.echo).decode();
      });
  if (!request) return std::unexpected(std::move(request.error()));
  out.request = std::move(*request);
  return out;
}

}  // namespace omni::responses
