#pragma once
// The chat request -> Kiro's GenerateAssistantResponse document. Wire source: kiro-protocol E.5 to
// E.8 and H.1 to H.5. Pure and thread-safe.

#include <map>
#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

namespace omni::kiro {

struct Translated {
  std::string body;
  // Name sent -> name the client gave, for names that Kiro would refuse.
  std::map<std::string, std::string, std::less<>> tool_names;
};

struct TranslateOptions {
  std::string profile_arn;  // empty: left out
  std::string_view origin = "AI_EDITOR";
  bool agent_mode_in_body = true;  // JSON-RPC generations
};

// BAD_REQUEST for what cannot be expressed; CONTEXT_LENGTH when the document is larger than
// upstream takes.
sdk::Result<Translated> translate(const omni_request_t& request, const TranslateOptions& options);

// claude-sonnet-4-5-20250929 -> claude-sonnet-4.5; other names as they are (H.5).
std::string normalizeModel(std::string_view model);
// A name that matches ^[a-zA-Z][a-zA-Z0-9_-]{0,63}$: the same when it does already, else shortened
// with a hash.
std::string safeToolName(std::string_view name);

}  // namespace omni::kiro
