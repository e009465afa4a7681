#pragma once
// Anthropic messages request -> ChatRequest. Source of the wire: Anthropic API reference,
// "Messages" and "Count message tokens". What is accepted without effect and what is refused:
// docs/guides/clients.md.

#include <string>

#include "core/base/error.hpp"
#include "core/chat/model.hpp"

namespace omni::anthropic {

// Pure and thread-safe. Errors as in core/openai/decode.hpp.
Result<chat::ChatRequest> decodeMessages(std::string body);

}  // namespace omni::anthropic
