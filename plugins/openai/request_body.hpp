#pragma once
// The chat request as an OpenAI chat completions body (OpenAI API reference, "Create chat
// completion").
//
// Left out on purpose: reasoning of earlier turns (most servers refuse the member or count it
// twice), prompt-cache marks and reasoning budgets (there is no such member). Images inside tool
// results follow in a user message, since a tool message holds text only. Pure and thread-safe.

#include <omniroute/sdk.hpp>

#include <string>
#include <string_view>

namespace omni::openai_upstream {

// What servers disagree about.
struct Dialect {
  bool stream_options = true;          // ask for the usage chunk
  bool max_completion_tokens = false;  // OpenAI's newer name of max_tokens, which older servers
                                       // do not know
};

std::string requestBody(const omni_request_t& request, std::string_view model,
                        const Dialect& dialect);

}  // namespace omni::openai_upstream
