#include "plugins/openai/request_body.hpp"

#include <fmt/format.h>
#include <omniroute/json_text.hpp>

#include <cmath>
#include <iterator>
#include <vector>

namespace omni::openai_upstream {
namespace {

using sdk::jsonQuote;
using sdk::toView;

class Writer {
 public:
  explicit Writer(const omni_request_t& request) : request_(request) {}

  std::string messages() {
    out_ = "[";
    for (size_t i = 0; i < request_.message_count; ++i)
      add(sdk::at(request_.messages, i, request_.message_size));
    // A conversation of system text alone is refused by many servers.
    if (out_ == "[") open("user") += ",\"content\":\"\"}";
    out_ += ']';
    return std::move(out_);
  }

 private:
  const omni_part_t& at(const omni_part_t* parts, size_t i) const {
    return sdk::at(parts, i, request_.part_size);
  }
  std::string& open(std::string_view role) {
    if (out_.size() > 1) out_ += ',';
    return out_ += fmt::format("{{\"role\":\"{}\"", role);
  }

  static std::string imagePart(const omni_part_t& p) {
    std::string url(toView(p.text));
    if (!toView(p.data).empty())
      url = fmt::format("data:{};base64,{}",
                        toView(p.media_type).empty() ? "image/png" : toView(p.media_type),
                        toView(p.data));
    return "{\"type\":\"image_url\",\"image_url\":{\"url\":" + jsonQuote(url) + "}}";
  }

  void add(const omni_message_t& message) {
    if (message.role == OMNI_ROLE_SYSTEM) return addText("system", message);
    if (message.role == OMNI_ROLE_ASSISTANT) return addAssistant(message);
    addUser(message);
  }

  std::string joined(const omni_message_t& message) const {
    std::string text;
    for (size_t i = 0; i < message.part_count; ++i) {
      const auto& p = at(message.parts, i);
      if (p.kind != OMNI_PART_TEXT || toView(p.text).empty()) continue;
      if (!text.empty()) text += '\n';
      text += toView(p.text);
    }
    return text;
  }

  void addText(std::string_view role, const omni_message_t& message) {
    const std::string text = joined(message);
    if (!text.empty()) open(role) += ",\"content\":" + jsonQuote(text) + "}";
  }

  void addAssistant(const omni_message_t& message) {
    const std::string text = joined(message);
    std::string calls;
    for (size_t i = 0; i < message.part_count; ++i) {
      const auto& p = at(message.parts, i);
      if (p.kind != OMNI_PART_TOOL_CALL) continue;
      const auto arguments = toView(p.text);
      fmt::format_to(std::back_inserter(calls),
                     R"({}{{"id":{},"type":"function","function":{{"name":{},"arguments":{}}}}})",
                     calls.empty() ? "" : ",", jsonQuote(toView(p.id)), jsonQuote(toView(p.name)),
                     jsonQuote(arguments.empty() ? "{}" : arguments));
    }
    if (text.empty() && calls.empty()) return;
    open("assistant") += ",\"content\":" + (text.empty() ? "null" : jsonQuote(text));
    if (!calls.empty()) out_ += ",\"tool_calls\":[" + calls + "]";
    out_ += '}';
  }

  void addUser(const omni_message_t& message) {
    std::vector<std::string> parts;
    bool only_text = true;
    // Results first: they must stand right behind the calls they answer.
    for (size_t i = 0; i < message.part_count; ++i)
      if (const auto& p = at(message.parts, i); p.kind == OMNI_PART_TOOL_RESULT)
        addResult(p, parts, only_text);
    for (size_t i = 0; i < message.part_count; ++i) {
      const auto& p = at(message.parts, i);
      if (p.kind == OMNI_PART_TEXT && !toView(p.text).empty()) {
        parts.push_back("{\"type\":\"text\",\"text\":" + jsonQuote(toView(p.text)) + "}");
      } else if (p.kind == OMNI_PART_IMAGE) {
        parts.push_back(imagePart(p));
        only_text = false;
      }
    }
    if (parts.empty()) return;
    // One plain text is what every server takes; lists are for pictures.
    if (only_text) return addText("user", message);
    open("user") += ",\"content\":[";
    for (size_t i = 0; i < parts.size(); ++i) out_ += (i ? "," : "") + parts[i];
    out_ += "]}";
  }

  void addResult(const omni_part_t& result, std::vector<std::string>& later, bool& only_text) {
    std::string text;
    for (size_t i = 0; i < result.child_count; ++i) {
      const auto& child = at(result.children, i);
      if (child.kind == OMNI_PART_IMAGE) {
        later.push_back(imagePart(child));
        only_text = false;
        text += text.empty() ? "[image follows]" : "\n[image follows]";
      } else if (!toView(child.text).empty()) {
        if (!text.empty()) text += '\n';
        text += toView(child.text);
      }
    }
    if ((result.flags & OMNI_PART_IS_ERROR) && !text.starts_with("Error"))
      text.insert(0, "Error: ");
    open("tool") += ",\"tool_call_id\":" + jsonQuote(toView(result.id)) +
                    ",\"content\":" + jsonQuote(text) + "}";
  }

  const omni_request_t& request_;
  std::string out_;
};

void addTools(const omni_request_t& request, std::string& out) {
  if (request.tool_count == 0) return;
  out += ",\"tools\":[";
  for (size_t i = 0; i < request.tool_count; ++i) {
    const auto& tool = sdk::at(request.tools, i, request.tool_size);
    const auto schema = toView(tool.schema);
    out += fmt::format(R"({}{{"type":"function","function":{{"name":{})", i ? "," : "",
                       jsonQuote(toView(tool.name)));
    if (!toView(tool.description).empty())
      out += ",\"description\":" + jsonQuote(toView(tool.description));
    out += ",\"parameters\":";
    out += schema.empty() ? R"({"type":"object","properties":{}})" : schema;
    out += "}}";
  }
  out += ']';
  switch (request.tool_choice) {
    case OMNI_TOOL_CHOICE_NONE:
      out += ",\"tool_choice\":\"none\"";
      break;
    case OMNI_TOOL_CHOICE_REQUIRED:
      out += ",\"tool_choice\":\"required\"";
      break;
    case OMNI_TOOL_CHOICE_NAMED:
      out += ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":" +
             jsonQuote(toView(request.tool_choice_name)) + "}}";
      break;
    default:
      break;
  }
  if (request.parallel_tool_calls == 0) out += ",\"parallel_tool_calls\":false";
}

}  // namespace

std::string requestBody(const omni_request_t& request, std::string_view model,
                        const Dialect& dialect) {
  std::string out = "{\"model\":" + jsonQuote(model);
  out += ",\"messages\":" + Writer(request).messages();
  out += ",\"stream\":true";
  if (dialect.stream_options) out += ",\"stream_options\":{\"include_usage\":true}";
  addTools(request, out);
  if (request.max_tokens >= 0)
    out += fmt::format(",\"{}\":{}",
                       dialect.max_completion_tokens ? "max_completion_tokens" : "max_tokens",
                       request.max_tokens);
  if (!std::isnan(request.temperature))
    out += fmt::format(",\"temperature\":{}", request.temperature);
  if (!std::isnan(request.top_p)) out += fmt::format(",\"top_p\":{}", request.top_p);
  if (request.stop_count > 0) {
    out += ",\"stop\":[";
    for (size_t i = 0; i < request.stop_count; ++i)
      out += (i ? "," : "") + jsonQuote(toView(request.stop[i]));
    out += ']';
  }
  // "adaptive" is what these servers do when nothing is said.
  if (const auto effort = toView(request.reasoning_effort); !effort.empty() && effort != "adaptive")
    out += ",\"reasoning_effort\":" + jsonQuote(effort);
  if (const auto format = toView(request.response_format); !format.empty())
    out += fmt::format(",\"response_format\":{}", format);
  return out + '}';
}

}  // namespace omni::openai_upstream
