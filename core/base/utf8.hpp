#pragma once
// Text of unknown origin as UTF-8. Pure functions.

#include <cstddef>
#include <string>
#include <string_view>

namespace omni {

// Length of the well-formed UTF-8 sequence at the start of a text that is not empty (1 to 4), or 0.
size_t utf8Length(std::string_view text);
// The same text with U+FFFD for each byte that belongs to no character.
std::string validUtf8(std::string_view text);

}  // namespace omni
