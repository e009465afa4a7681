#pragma once
// Just enough JSON for a plugin with flat inputs: read one member of an object, quote a string. A
// plugin with richer documents brings a JSON library of its own; the SDK has none on purpose.
//
// Thread-safety: free functions without state.

#include <optional>
#include <string>
#include <string_view>

namespace omni::echo {

// The raw text of member `name` of the outermost object ("\"abc\"", "12", "{…}"); nullopt when it
// is absent or `json` is not an object. Nested objects are stepped over, not searched.
std::optional<std::string_view> jsonMember(std::string_view json, std::string_view name);

// The decoded value of a JSON string literal; nullopt when `raw` is not a well-formed one.
std::optional<std::string> jsonString(std::string_view raw);

// `text` as a JSON string literal with its quotes. The text must be UTF-8.
std::string jsonQuote(std::string_view text);

}  // namespace omni::echo
