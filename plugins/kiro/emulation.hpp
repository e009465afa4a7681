#pragma once
// What Kiro has no member for and this side does instead: tool_choice, one call a turn, JSON mode,
// stop sequences. Here: what to ask the model for. reply_text.hpp has the other half. Wire source:
// kiro-protocol H.2. Pure and thread-safe.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/translate.hpp"

namespace omni::kiro {

Emulation emulationOf(const omni_request_t& request, bool has_tools);

// What is added to the newest user turn; empty when the client asked for nothing of this kind. It
// stands there and not in the system text, because the beginning of a conversation must stay as
// prompt caches know it. `insist`: the model has not done it when it was first asked.
std::string instructions(const omni_request_t& request, const Emulation& emulation, bool insist);

}  // namespace omni::kiro
