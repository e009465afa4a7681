#pragma once
// OpenAI chat completions request -> ChatRequest. Source of the wire: OpenAI API reference, "Create
// chat completion". What is accepted without effect and what is refused: docs/guides/clients.md.

#include <string>

#include "core/base/error.hpp"
#include "core/chat/model.hpp"

namespace omni::openai {

// Pure and thread-safe. Errors are BadRequest with the member's path in `field`
// (messages[2].content) or the byte offset of the syntax error. Members that would change the
// answer and cannot be honoured are refused with the reason "unsupported_parameter".
Result<chat::ChatRequest> decodeChatCompletion(std::string body);

}  // namespace omni::openai
