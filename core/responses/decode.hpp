#pragma once
// OpenAI responses request -> ChatRequest. Source of the wire: OpenAI API reference, "Create a
// model response". What is accepted without effect and what is refused: docs/guides/clients.md.

#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/chat/model.hpp"

namespace omni::responses {

// What the answer repeats of the request, as raw JSON (views like those of the request); empty:
// absent.
struct Echo {
  std::string_view instructions, max_output_tokens, metadata, parallel_tool_calls, reasoning,
      temperature, text, tool_choice, tools, top_p, user;
  bool encrypted_reasoning = false;  // include has reasoning.encrypted_content
};

struct Decoded {
  chat::ChatRequest request;
  Echo echo;
};

// Pure and thread-safe. Errors as in core/openai/decode.hpp.
Result<Decoded> decodeResponse(std::string body);

// Signed and redacted thinking travel in a reasoning item's encrypted_content: the signature as it
// is, redacted data behind this mark, which no base64 begins with.
constexpr std::string_view kRedactedMark = "redacted:";

}  // namespace omni::responses
