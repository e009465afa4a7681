#pragma once
// The chat request -> Kiro's GenerateAssistantResponse document. Wire source: kiro-protocol E.5 to
// E.8 and H.1 to H.6. Pure and thread-safe.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/models.hpp"
#include "plugins/kiro/tool_names.hpp"

namespace omni::kiro {

inline constexpr size_t kLargestLegacyBody =
    629'504;  // the largest seen to be taken; 629,760 was not
inline constexpr size_t kLargestBody = 4u << 20;

struct TranslateOptions {
  std::string_view profile_arn;  // empty: left out
  std::string_view origin = "AI_EDITOR";
  bool agent_mode_in_body = true;  // JSON-RPC generations
  size_t largest_body = kLargestBody;
  const Catalogue* catalogue = nullptr;  // nullptr: the built-in table
  bool replay_reasoning = true;          // false: upstream has refused a signature
  bool additional_fields = true;         // false: upstream has refused them
  bool insist = false;  // the model has not done what tool_choice or response_format ask for
};

// What the client asked for that Kiro has no member for; the reply does it instead.
struct Emulation {
  bool json = false;       // the text is one JSON object
  bool must_call = false;  // at least one tool call
  std::string must_name;   // of this tool, as it is sent
  bool has_tools = false;  // tools are in the body
  bool no_calls = false;
  bool one_call = false;
};

struct Translated {
  std::string body;
  ToolNames tool_names;
  std::string model;           // as it is sent
  int64_t context_window = 0;  // tokens; 0: unknown
  Emulation emulation;
  bool has_reasoning = false;          // signed thinking is in the body
  bool has_additional_fields = false;  // additionalModelRequestFields is
};

// BAD_REQUEST for what cannot be expressed; CONTEXT_LENGTH when the document is larger than
// upstream takes.
sdk::Result<Translated> translate(const omni_request_t& request, const TranslateOptions& options);

}  // namespace omni::kiro
