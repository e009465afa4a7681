#pragma once
// How long a prompt is, where no provider has said so.

#include <cstdint>

#include "core/chat/model.hpp"

namespace omni::chat {

// About how many tokens the prompt has: for count_tokens, for what is told before the provider has
// counted, and when it never does. Nobody here has the model's tokenizer: four bytes of text, names
// and schemas count as one token, a picture as 1,600 (the most that Anthropic's own rule gives),
// each message and tool 4 more. Within a fifth of the truth for English and code, low for other
// scripts. Reads sizes only.
int64_t estimateTokens(const ChatRequest& request);

}  // namespace omni::chat
