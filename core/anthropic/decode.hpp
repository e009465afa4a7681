#pragma once
// Anthropic messages request -> ChatRequest. Source of the wire: Anthropic API reference,
// "Messages" and "Count message tokens". What is accepted without effect and what is refused:
// docs/guides/clients.md.

#include <cstdint>
#include <string>

#include "core/base/error.hpp"
#include "core/chat/model.hpp"

namespace omni::anthropic {

// Pure and thread-safe. Errors as in core/openai/decode.hpp.
Result<chat::ChatRequest> decodeMessages(std::string body);

// About how many tokens the prompt has, for /v1/messages/count_tokens and message_start. Nobody
// here has the model's tokenizer: four bytes of text, names and schemas count as one token, a
// picture as 1,600 (the most that Anthropic's own rule gives), each message and tool 4 more. Within
// a fifth of the truth for English and code, low for other scripts.
int64_t estimateTokens(const chat::ChatRequest& request);

}  // namespace omni::anthropic
