#include "core/openai/decode.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/json/reader.hpp"
#include "core/openai/request_parts.hpp"

namespace omni::openai {
namespace {

using chat::ChatRequest;
using chat::Message;
using chat::Part;
using chat::PartKind;
using chat::Role;
using json::Value;

constexpr RequestForm kForm = {.image_part = "image_url",
                               .known_parts = "text and image_url",
                               .empty_contents = false,
                               .nested_functions = true};

class Decoder {
 public:
  explicit Decoder(const Value& root) : root_(root) {}

  ChatRequest decode() {
    request_.model = json::requiredText(root_, "model");
    if (request_.model.empty()) json::refuseMember(root_, "model", "is empty");
    refuseUnsupported();
    const Value messages = json::array(json::required(root_, "messages"));
    if (!messages.first()) json::refuse(messages, "is empty: send at least one message");
    for (Value message = messages.first(); message; message = message.next())
      request_.messages.push_back(decodeMessage(json::object(message)));
    decodeTools();
    decodeToolChoice(root_, kForm, request_);
    decodeSettings();
    return std::move(request_);
  }

 private:
  Message decodeMessage(const Value& value) {
    const auto role = json::requiredText(value, "role");
    Message message;
    if (role == "system" || role == "developer" || role == "user") {
      message.role = role == "user" ? Role::User : Role::System;
      appendContent(message.parts, json::required(value, "content"), kForm);
      if (message.role == Role::System) {
        for (const Part& part : message.parts)
          if (part.kind != PartKind::Text)
            json::refuseMember(value, "content", "may hold text only in this role");
      }
    } else if (role == "assistant") {
      message.role = Role::Assistant;
      decodeAssistant(value, message.parts);
    } else if (role == "tool") {
      message.role = Role::User;
      Part part;
      part.kind = PartKind::ToolResult;
      part.id = json::requiredText(value, "tool_call_id");
      pairs_.result(value.find("tool_call_id"), part.id);
      appendContent(part.children, json::required(value, "content"), kForm);
      message.parts.push_back(std::move(part));
    } else if (role == "function") {
      json::refuseUnsupported(value.find("role"),
                              "\"function\" is the old form of \"tool\"; send tool messages");
    } else {
      json::refuse(value.find("role"),
                   fmt::format("\"{}\" is unknown; known are system, developer, user, assistant "
                               "and tool",
                               role.substr(0, 100)));
    }
    return message;
  }

  void decodeAssistant(const Value& value, std::vector<Part>& parts) {
    if (const Value old = json::get(value, "function_call"))
      json::refuseUnsupported(old, "is the old form of tool_calls; send tool_calls");
    if (const Value audio = json::get(value, "audio"))
      json::refuseUnsupported(audio, "is not supported; leave it out");
    // DeepSeek's name, and the one of OpenRouter.
    Value reasoning = json::get(value, "reasoning_content");
    if (!reasoning) reasoning = json::get(value, "reasoning");
    if (reasoning && !json::text(reasoning).empty()) {
      Part part = json::textPart(json::text(reasoning));
      part.kind = PartKind::Reasoning;
      part.signature = json::optionalText(value, "reasoning_signature");
      parts.push_back(std::move(part));
    }
    const Value content = json::get(value, "content");
    if (content && !(content.is(json::Kind::Array) && !content.first()))
      appendContent(parts, content, kForm);
    if (const Value refusal = json::get(value, "refusal"))
      parts.push_back(json::textPart(json::text(refusal)));
    const Value calls = json::get(value, "tool_calls");
    if (!calls) {
      if (parts.empty()) json::refuseMember(value, "content", "is missing");
      return;
    }
    for (Value call = json::array(calls).first(); call; call = call.next()) {
      json::object(call);
      if (const Value type = json::get(call, "type"); type && json::text(type) != "function")
        json::refuseUnsupported(type, "is not supported; only function is");
      const Value function = json::object(json::required(call, "function"));
      Part part;
      part.kind = PartKind::ToolCall;
      part.id = json::requiredText(call, "id");
      part.name = json::requiredText(function, "name");
      part.text = json::optionalText(function, "arguments");
      pairs_.call(part.id);
      parts.push_back(std::move(part));
    }
  }

  void decodeTools() {
    const Value tools = json::get(root_, "tools");
    if (!tools) return;
    for (Value item = json::array(tools).first(); item; item = item.next()) {
      json::object(item);
      if (json::requiredText(item, "type") != "function")
        json::refuseUnsupported(item.find("type"), "is not supported; only function is");
      request_.tools.push_back(decodeTool(json::object(json::required(item, "function"))));
    }
  }

  void refuseUnsupported() const {
    if (json::count(root_, "n") > 1)
      json::refuseUnsupported(root_.find("n"), "must be 1: one request brings one answer");
    if (json::flag(root_, "logprobs", false))
      json::refuseUnsupported(root_.find("logprobs"),
                              "is not known by the providers; leave it out");
    if (json::count(root_, "top_logprobs", 0) > 0)
      json::refuseUnsupported(root_.find("top_logprobs"),
                              "is not known by the providers; leave it out");
    for (const std::string_view name : {"audio", "web_search_options"})
      if (const Value found = json::get(root_, name))
        json::refuseUnsupported(found, "is not supported; leave it out");
    for (const auto& [name, instead] :
         {std::pair<std::string_view, std::string_view>{"functions", "tools"},
          {"function_call", "tool_choice"}})
      if (const Value found = json::get(root_, name))
        json::refuseUnsupported(found, fmt::format("is the old form of {0}; send {0}", instead));
    if (const Value bias = json::get(root_, "logit_bias"); bias && json::object(bias).first())
      json::refuseUnsupported(bias, "is not known by the providers; leave it out");
    if (const Value modalities = json::get(root_, "modalities"))
      for (Value item = json::array(modalities).first(); item; item = item.next())
        if (json::text(item) != "text")
          json::refuseUnsupported(item, "is not supported; only text is");
  }

  void decodeSettings() {
    if (const Value stop = json::get(root_, "stop")) {
      if (stop.is(json::Kind::String)) {
        request_.stop.push_back(stop.text());
      } else {
        for (Value item = json::array(stop).first(); item; item = item.next())
          request_.stop.push_back(json::text(item));
      }
    }
    const int64_t old_limit = json::count(root_, "max_tokens");
    request_.max_tokens = json::count(root_, "max_completion_tokens");
    if (request_.max_tokens < 0) request_.max_tokens = old_limit;
    decodeCommonSettings(root_, request_);
    json::number(root_, "presence_penalty", -2, 2);
    json::number(root_, "frequency_penalty", -2, 2);
    request_.reasoning_effort = json::optionalText(root_, "reasoning_effort");
    decodeFormat();
    if (const Value options = json::get(root_, "stream_options"))
      request_.include_usage = json::flag(json::object(options), "include_usage", false);
  }

  void decodeFormat() {
    const Value format = json::get(root_, "response_format");
    if (!format) return;
    const auto type = json::requiredText(json::object(format), "type");
    if (type == "text") return;
    if (type == "json_schema") {
      const Value schema = json::object(json::required(format, "json_schema"));
      json::requiredText(schema, "name");
      json::object(json::required(schema, "schema"));
    } else if (type != "json_object") {
      json::refuse(format.find("type"), "is unknown; known are text, json_object and json_schema");
    }
    request_.response_format = format.raw();
  }

  Value root_;
  ChatRequest request_;
  json::ToolPairs pairs_;
};

}  // namespace

Result<ChatRequest> decodeChatCompletion(std::string body) {
  return json::decodeBody(std::move(body), [](const Value& root, const json::Document&) {
    return Decoder(root).decode();
  });
}

}  // namespace omni::openai
