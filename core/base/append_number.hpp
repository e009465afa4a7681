#pragma once
// A number at the end of a text, in the shortest form that reads back as the same number. A format
// string would be parsed anew for each. Pure, so thread-safe.

#include <array>
#include <charconv>
#include <string>
#include <type_traits>

namespace omni {

template <typename Number>
void appendNumber(std::string& out, Number value) {
  static_assert(std::is_arithmetic_v<Number>);
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), static_cast<size_t>(end - digits.data()));
}

}  // namespace omni
