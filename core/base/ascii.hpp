#pragma once
// Letters as protocols and names take them: the case of ASCII letters does not matter, and no
// locale is asked. Pure, so thread-safe.

#include <algorithm>
#include <string>
#include <string_view>

namespace omni {

constexpr char asciiLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

inline std::string asciiLowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), asciiLower);
  return out;
}

constexpr bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, asciiLower, asciiLower);
}

}  // namespace omni
