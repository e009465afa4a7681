#pragma once
// What requests to OpenAI's two APIs, chat completions and responses, write alike: contents, tools,
// the choice among them, and who is asking. Pure; refuses as core/json/reader.hpp does.

#include <string_view>
#include <vector>

#include "core/chat/model.hpp"
#include "core/json/document.hpp"

namespace omni::openai {

// Where one API's form differs from the other's.
struct RequestForm {
  std::string_view image_part;    // the type of a picture's part
  std::string_view known_parts;   // for the refusal of all other types
  bool empty_contents = false;    // an array without parts is a content
  bool nested_functions = false;  // a function's members stand in a member "function"
};

// A string, or an array of text, refusal and picture parts.
void appendContent(std::vector<chat::Part>& parts, const json::Value& content,
                   const RequestForm& form);

// `function`: the object that holds name, description, parameters and strict.
chat::Tool decodeTool(const json::Value& function);

// tool_choice and parallel_tool_calls; the tools of `request` must be there already.
void decodeToolChoice(const json::Value& root, const RequestForm& form, chat::ChatRequest& request);

// temperature, top_p, stream, prompt_cache_key and user.
void decodeCommonSettings(const json::Value& root, chat::ChatRequest& request);

}  // namespace omni::openai
