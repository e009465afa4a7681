#include "core/openai/decode.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

namespace omni::openai {
namespace {

namespace json = boost::json;
using chat::ChatRequest;
using chat::Message;
using chat::Part;
using chat::PartKind;
using chat::Role;

constexpr size_t kMaxDepth = 64;

// What all views of the request point into.
struct Backing {
  std::string body;
  json::monotonic_resource memory;
  std::optional<json::value> document;  // in `memory`, so declared after it
  std::deque<std::string> made;         // a deque never moves its elements

  std::string_view keep(std::string text) { return made.emplace_back(std::move(text)); }
};

// Thrown inside this file only, to leave nested decoding; caught in decodeChatCompletion.
struct Refusal {
  std::string field;
  std::string message;
};

[[noreturn]] void refuse(std::string field, std::string message) {
  throw Refusal{std::move(field), std::move(message)};
}

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

const json::value* member(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found && !found->is_null() ? found : nullptr;
}

const json::object& objectAt(const json::value& value, const std::string& path) {
  const auto* object = value.if_object();
  if (!object) refuse(path, fmt::format("{} must be an object", path));
  return *object;
}

const json::array& arrayAt(const json::value& value, const std::string& path) {
  const auto* array = value.if_array();
  if (!array) refuse(path, fmt::format("{} must be an array", path));
  return *array;
}

std::string_view stringAt(const json::value& value, const std::string& path) {
  const auto* text = value.if_string();
  if (!text) refuse(path, fmt::format("{} must be a string", path));
  return view(*text);
}

std::string_view optionalString(const json::object& object, std::string_view name,
                                const std::string& path) {
  const auto* value = member(object, name);
  return value
             ? stringAt(*value, path.empty() ? std::string(name) : fmt::format("{}.{}", path, name))
             : std::string_view();
}

std::string_view requiredString(const json::object& object, std::string_view name,
                                const std::string& path) {
  const std::string full = path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
  const auto* value = member(object, name);
  if (!value) refuse(full, fmt::format("{} is missing", full));
  return stringAt(*value, full);
}

bool optionalBool(const json::object& object, std::string_view name, bool fallback) {
  const auto* value = member(object, name);
  if (!value) return fallback;
  if (!value->is_bool()) refuse(std::string(name), fmt::format("{} must be true or false", name));
  return value->get_bool();
}

double optionalNumber(const json::object& object, std::string_view name, double low, double high) {
  const auto* value = member(object, name);
  if (!value) return std::numeric_limits<double>::quiet_NaN();
  if (!value->is_number()) refuse(std::string(name), fmt::format("{} must be a number", name));
  const double number = value->to_number<double>();
  if (!(number >= low && number <= high))
    refuse(std::string(name), fmt::format("{} must be from {} to {}", name, low, high));
  return number;
}

int64_t optionalCount(const json::object& object, std::string_view name) {
  const auto* value = member(object, name);
  if (!value) return -1;
  json::error_code code;
  const auto number = value->to_number<int64_t>(code);
  if (code || number < 1)
    refuse(std::string(name), fmt::format("{} must be a whole number of at least 1", name));
  return number;
}

// data:image/png;base64,AAAA -> media type and base64; anything else stays a URL.
void fillImage(Part& part, std::string_view url, const std::string& path) {
  if (!url.starts_with("data:")) {
    part.text = url;
    return;
  }
  const auto comma = url.find(',');
  const auto head =
      url.substr(5, comma == std::string_view::npos ? std::string_view::npos : comma - 5);
  if (comma == std::string_view::npos || !head.ends_with(";base64"))
    refuse(path,
           fmt::format("{} must be a base64 data URL such as data:image/png;base64,...", path));
  part.media_type = head.substr(0, head.size() - 7);
  part.data = url.substr(comma + 1);
  if (part.data.empty()) refuse(path, fmt::format("{} holds no data", path));
}

void appendContent(std::vector<Part>& parts, const json::value& content, const std::string& path) {
  if (const auto* text = content.if_string()) {
    Part part;
    part.text = view(*text);
    parts.push_back(std::move(part));
    return;
  }
  const auto* array = content.if_array();
  if (!array) refuse(path, fmt::format("{} must be a string or an array of parts", path));
  for (size_t i = 0; i < array->size(); ++i) {
    const std::string here = fmt::format("{}[{}]", path, i);
    const auto& object = objectAt((*array)[i], here);
    const auto type = requiredString(object, "type", here);
    Part part;
    if (type == "text" || type == "input_text" || type == "output_text") {
      part.text = requiredString(object, "text", here);
    } else if (type == "refusal") {
      part.text = requiredString(object, "refusal", here);
    } else if (type == "image_url") {
      part.kind = PartKind::Image;
      const auto* image = member(object, "image_url");
      if (!image) refuse(here + ".image_url", fmt::format("{}.image_url is missing", here));
      if (const auto* text = image->if_string())
        fillImage(part, view(*text), here + ".image_url");
      else
        fillImage(part,
                  requiredString(objectAt(*image, here + ".image_url"), "url", here + ".image_url"),
                  here + ".image_url.url");
    } else {
      refuse(
          here + ".type",
          fmt::format("{}.type \"{}\" is not supported; known are text and image_url", here, type));
    }
    part.cache_point = member(object, "cache_control") != nullptr;
    parts.push_back(std::move(part));
  }
}

void appendToolCalls(std::vector<Part>& parts, const json::value& calls, const std::string& path) {
  const auto& array = arrayAt(calls, path);
  for (size_t i = 0; i < array.size(); ++i) {
    const std::string here = fmt::format("{}[{}]", path, i);
    const auto& object = objectAt(array[i], here);
    const auto* function = member(object, "function");
    if (!function) refuse(here + ".function", fmt::format("{}.function is missing", here));
    const auto& inner = objectAt(*function, here + ".function");
    Part part;
    part.kind = PartKind::ToolCall;
    part.id = optionalString(object, "id", here);
    part.name = requiredString(inner, "name", here + ".function");
    part.text = optionalString(inner, "arguments", here + ".function");
    parts.push_back(std::move(part));
  }
}

Message decodeMessage(const json::value& value, const std::string& path) {
  const auto& object = objectAt(value, path);
  const auto role = requiredString(object, "role", path);
  const auto* content = member(object, "content");
  Message message;
  if (role == "system" || role == "developer") {
    message.role = Role::System;
    if (!content) refuse(path + ".content", fmt::format("{}.content is missing", path));
    appendContent(message.parts, *content, path + ".content");
  } else if (role == "user") {
    message.role = Role::User;
    if (!content) refuse(path + ".content", fmt::format("{}.content is missing", path));
    appendContent(message.parts, *content, path + ".content");
  } else if (role == "assistant") {
    message.role = Role::Assistant;
    if (const auto text = optionalString(object, "reasoning_content", path); !text.empty()) {
      Part part;
      part.kind = PartKind::Reasoning;
      part.text = text;
      message.parts.push_back(std::move(part));
    }
    if (content) appendContent(message.parts, *content, path + ".content");
    if (const auto* calls = member(object, "tool_calls"))
      appendToolCalls(message.parts, *calls, path + ".tool_calls");
  } else if (role == "tool") {
    message.role = Role::User;
    Part part;
    part.kind = PartKind::ToolResult;
    part.id = requiredString(object, "tool_call_id", path);
    if (content) appendContent(part.children, *content, path + ".content");
    message.parts.push_back(std::move(part));
  } else {
    refuse(path + ".role",
           fmt::format(
               "{}.role \"{}\" is unknown; known are system, developer, user, assistant and tool",
               path, role));
  }
  return message;
}

void decodeTools(ChatRequest& request, const json::object& root, Backing& backing) {
  if (const auto* tools = member(root, "tools")) {
    const auto& array = arrayAt(*tools, "tools");
    for (size_t i = 0; i < array.size(); ++i) {
      const std::string here = fmt::format("tools[{}]", i);
      const auto& object = objectAt(array[i], here);
      if (const auto type = requiredString(object, "type", here); type != "function")
        refuse(here + ".type",
               fmt::format("{}.type \"{}\" is not supported; only function is", here, type));
      const auto* function = member(object, "function");
      if (!function) refuse(here + ".function", fmt::format("{}.function is missing", here));
      const auto& inner = objectAt(*function, here + ".function");
      chat::Tool tool;
      tool.name = requiredString(inner, "name", here + ".function");
      tool.description = optionalString(inner, "description", here + ".function");
      if (const auto* schema = member(inner, "parameters")) {
        objectAt(*schema, here + ".function.parameters");
        tool.schema = backing.keep(json::serialize(*schema));
      }
      request.tools.push_back(tool);
    }
  }
  if (const auto* choice = member(root, "tool_choice")) {
    if (const auto* text = choice->if_string()) {
      const auto word = view(*text);
      if (word == "none")
        request.tool_choice = chat::ToolChoice::None;
      else if (word == "required")
        request.tool_choice = chat::ToolChoice::Required;
      else if (word != "auto")
        refuse("tool_choice",
               fmt::format(
                   "tool_choice \"{}\" is unknown; known are auto, none, required or a function",
                   word));
    } else {
      const auto& object = objectAt(*choice, "tool_choice");
      const auto* function = member(object, "function");
      if (!function) refuse("tool_choice.function", "tool_choice.function is missing");
      request.tool_choice = chat::ToolChoice::Named;
      request.tool_choice_name = requiredString(objectAt(*function, "tool_choice.function"), "name",
                                                "tool_choice.function");
    }
  }
  request.parallel_tool_calls = optionalBool(root, "parallel_tool_calls", true);
}

void refuseUnsupported(const json::object& root) {
  if (const auto* n = member(root, "n")) {
    json::error_code code;
    if (n->to_number<int64_t>(code) != 1 || code)
      refuse("n", "n must be 1: one request brings one answer");
  }
  if (optionalBool(root, "logprobs", false))
    refuse("logprobs", "logprobs is not supported by the providers; leave it out");
  if (member(root, "audio")) refuse("audio", "audio is not supported; leave it out");
}

void decodeSettings(ChatRequest& request, const json::object& root, Backing& backing) {
  if (const auto* stop = member(root, "stop")) {
    if (const auto* text = stop->if_string()) {
      request.stop.push_back(view(*text));
    } else {
      const auto& array = arrayAt(*stop, "stop");
      for (size_t i = 0; i < array.size(); ++i)
        request.stop.push_back(stringAt(array[i], fmt::format("stop[{}]", i)));
    }
  }
  request.max_tokens = optionalCount(root, "max_completion_tokens");
  if (request.max_tokens < 0) request.max_tokens = optionalCount(root, "max_tokens");
  request.temperature = optionalNumber(root, "temperature", 0, 2);
  request.top_p = optionalNumber(root, "top_p", 0, 1);
  request.reasoning_effort = optionalString(root, "reasoning_effort", "");
  if (const auto* format = member(root, "response_format")) {
    objectAt(*format, "response_format");
    request.response_format = backing.keep(json::serialize(*format));
  }
  request.stream = optionalBool(root, "stream", false);
  if (const auto* options = member(root, "stream_options"))
    request.include_usage =
        optionalBool(objectAt(*options, "stream_options"), "include_usage", false);
  request.conversation_id = optionalString(root, "prompt_cache_key", "");
}

ChatRequest decode(Backing& backing) {
  const auto& root = objectAt(*backing.document, "body");
  ChatRequest request;
  request.model = requiredString(root, "model", "");
  if (request.model.empty()) refuse("model", "model is empty");
  const auto* messages = member(root, "messages");
  if (!messages) refuse("messages", "messages is missing");
  const auto& array = arrayAt(*messages, "messages");
  if (array.empty()) refuse("messages", "messages is empty: send at least one message");
  request.messages.reserve(array.size());
  for (size_t i = 0; i < array.size(); ++i)
    request.messages.push_back(decodeMessage(array[i], fmt::format("messages[{}]", i)));
  decodeTools(request, root, backing);
  refuseUnsupported(root);
  decodeSettings(request, root, backing);
  return request;
}

}  // namespace

Result<ChatRequest> decodeChatCompletion(std::string body) {
  auto backing = std::make_shared<Backing>();
  backing->body = std::move(body);
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::stream_parser parser({}, options);
  parser.reset(&backing->memory);
  json::error_code code;
  const size_t parsed = parser.write_some(backing->body, code);
  if (!code && parsed < backing->body.size()) {
    const auto rest = backing->body.find_first_not_of(" \t\r\n", parsed);
    if (rest != std::string::npos)
      return makeError(FailureKind::BadRequest,
                       fmt::format("the body is not valid JSON: extra text at byte {}", rest));
  }
  if (!code && !parser.done()) code = json::error::incomplete;
  if (code) {
    return makeError(
        FailureKind::BadRequest,
        fmt::format("the body is not valid JSON: {} at byte {}", code.message(), parsed));
  }
  backing->document.emplace(
      parser.release());  // assigning to an existing value would copy it out of `memory`
  try {
    ChatRequest request = decode(*backing);
    request.backing = std::move(backing);
    return request;
  } catch (Refusal& refusal) {
    return makeError(FailureKind::BadRequest, std::move(refusal.message), std::move(refusal.field));
  }
}

}  // namespace omni::openai
