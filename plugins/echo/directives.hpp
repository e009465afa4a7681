#pragma once
// What the text of a chat message asks echo to do. A text that starts with "/" and a known word is
// a directive, everything else is echoed. The list is in README.md.
//
// Thread-safety: free functions without state. Ownership: views point into the text given.

#include <cstdint>
#include <optional>
#include <string_view>

namespace omni::echo {

struct Directive {
  std::string_view name;  // without the slash; empty: plain text
  std::string_view rest;  // all after the name and one space; the whole text when it is plain
};

Directive parseDirective(std::string_view text);

// Cuts the first word off `rest` (words are separated by one or more spaces); empty when none is
// left.
std::string_view takeWord(std::string_view& rest);

// A non-negative number of at most `max`; nullopt for anything else.
std::optional<int64_t> parseNumber(std::string_view text, int64_t max);

// "rate_limited" -> OMNI_FAILURE_RATE_LIMITED, and so on for every OMNI_FAILURE_*.
std::optional<uint32_t> failureKindByName(std::string_view name);

// "stop", "length", "tool_calls", "content_filter", "context_length", "pause" -> OMNI_FINISH_*.
std::optional<uint32_t> finishByName(std::string_view name);

}  // namespace omni::echo
