#include "plugins/kiro/emulation.hpp"

#include <fmt/format.h>

#include "plugins/kiro/json_text.hpp"

namespace omni::kiro {
namespace {

using sdk::toView;

// The schema of {"type":"json_schema"}: OpenAI's chat API wraps it once more, the others do not.
std::string_view schemaIn(std::string_view format) {
  const auto inner = memberOf(format, "json_schema");
  const auto wrapped = memberOf(inner, "schema");
  return wrapped.empty() ? memberOf(format, "schema") : wrapped;
}

bool wantsJson(std::string_view format) {
  std::string scratch;
  const auto type = stringOf(memberOf(format, "type"), scratch);
  return type == "json_object" || type == "json_schema";
}

}  // namespace

Emulation emulationOf(const omni_request_t& request, bool has_tools) {
  Emulation out;
  out.json = wantsJson(toView(request.response_format));
  out.has_tools = has_tools;
  out.no_calls = request.tool_choice == OMNI_TOOL_CHOICE_NONE;
  out.one_call = request.parallel_tool_calls == 0;
  out.must_call = has_tools && (request.tool_choice == OMNI_TOOL_CHOICE_REQUIRED ||
                                request.tool_choice == OMNI_TOOL_CHOICE_NAMED);
  if (out.must_call && request.tool_choice == OMNI_TOOL_CHOICE_NAMED)
    out.must_name = safeToolName(toView(request.tool_choice_name));
  return out;
}

std::string instructions(const omni_request_t& request, const Emulation& emulation, bool insist) {
  std::string out;
  const auto add = [&](std::string_view text) {
    if (!out.empty()) out += ' ';
    out += text;
  };
  if (insist && (emulation.must_call || emulation.json))
    add("Your last answer was not of the form that is needed, so it was thrown away.");
  if (emulation.must_call && emulation.must_name.empty())
    add("Answer this turn with a call of at least one of the available tools and with no text "
        "before it.");
  if (!emulation.must_name.empty())
    add(fmt::format("Answer this turn with a call of the tool \"{}\" and with no text before it.",
                    emulation.must_name));
  if (emulation.no_calls && emulation.has_tools) add("Call no tool in this turn.");
  if (emulation.one_call && emulation.has_tools && !emulation.no_calls)
    add("Call at most one tool in this turn.");
  if (emulation.json) {
    add("Answer with one JSON object only: no other text, no code fence.");
    if (const auto schema = schemaIn(toView(request.response_format)); !schema.empty())
      add(fmt::format("It must be valid against this JSON Schema: {}", schema));
  }
  return out.empty() ? out : "[" + out + "]";
}

}  // namespace omni::kiro
