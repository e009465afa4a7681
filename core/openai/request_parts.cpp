#include "core/openai/request_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/json/reader.hpp"

namespace omni::openai {

using chat::ChatRequest;
using chat::Part;
using chat::ToolChoice;
using json::Value;

namespace {

void fillImage(Part& part, const Value& item) {
  if (const Value file = json::get(item, "file_id"))
    json::refuseUnsupported(file, "is not supported; send the picture as image_url");
  const Value image = json::required(item, "image_url");
  json::fillImageUrl(part, image.is(json::Kind::Object) ? json::required(image, "url") : image);
}

}  // namespace

void appendContent(std::vector<Part>& parts, const Value& content, const RequestForm& form) {
  if (content.is(json::Kind::String)) {
    parts.push_back(json::textPart(content.text()));
    return;
  }
  if (!content.is(json::Kind::Array))
    json::refuse(content, "must be a string or an array of parts");
  if (!form.empty_contents && !content.first())
    json::refuse(content, "is empty: send at least one part");
  for (Value item = content.first(); item; item = item.next()) {
    const auto type = json::requiredText(json::object(item), "type");
    Part part;
    if (type == "text" || type == "input_text" || type == "output_text") {
      part.text = json::requiredText(item, "text");
    } else if (type == "refusal") {
      part.text = json::requiredText(item, "refusal");
    } else if (type == form.image_part) {
      fillImage(part, item);
    } else {
      json::refuseUnsupported(item.find("type"),
                              fmt::format("\"{}\" is not supported; known are {}",
                                          type.substr(0, 100), form.known_parts));
    }
    part.cache_point = static_cast<bool>(json::get(item, "cache_control"));
    parts.push_back(std::move(part));
  }
}

chat::Tool decodeTool(const Value& function) {
  chat::Tool tool;
  tool.name = json::requiredText(function, "name");
  if (tool.name.empty()) json::refuse(function.find("name"), "is empty");
  tool.description = json::optionalText(function, "description");
  json::flag(function, "strict", false);
  if (const Value schema = json::get(function, "parameters"))
    tool.schema = json::object(schema).raw();
  return tool;
}

void decodeToolChoice(const Value& root, const RequestForm& form, ChatRequest& request) {
  request.parallel_tool_calls = json::flag(root, "parallel_tool_calls", true);
  const Value choice = json::get(root, "tool_choice");
  if (!choice) return;
  if (choice.is(json::Kind::String)) {
    const auto word = choice.text();
    if (word == "none")
      request.tool_choice = ToolChoice::None;
    else if (word == "required")
      request.tool_choice = ToolChoice::Required;
    else if (word != "auto")
      json::refuse(choice, "is unknown; known are auto, none, required or a function");
    if (word == "required" && request.tools.empty())
      json::refuse(choice, "asks for a tool, but tools is empty");
    return;
  }
  const Value type = json::get(json::object(choice), "type");
  if (type && json::text(type) != "function")
    json::refuseUnsupported(type, "is not supported; only function is");
  if (!type && !form.nested_functions) json::refuseMember(choice, "type", "is missing");
  const Value function =
      form.nested_functions ? json::object(json::required(choice, "function")) : choice;
  request.tool_choice = ToolChoice::Named;
  request.tool_choice_name = json::requiredText(function, "name");
  if (std::ranges::none_of(request.tools, [&](const chat::Tool& tool) {
        return tool.name == request.tool_choice_name;
      }))
    json::refuse(function.find("name"), "names a function that is not in tools");
}

void decodeCommonSettings(const Value& root, ChatRequest& request) {
  request.temperature = json::number(root, "temperature", 0, 2);
  request.top_p = json::number(root, "top_p", 0, 1);
  request.stream = json::flag(root, "stream", false);
  request.conversation_id = json::optionalText(root, "prompt_cache_key");
  request.session = request.conversation_id;
  const auto user = json::optionalText(root, "user");
  if (request.session.empty()) request.session = user;
}

}  // namespace omni::openai
