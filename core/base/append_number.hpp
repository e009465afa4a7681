#pragma once
// A number at the end of a text, in the shortest form that reads back as the same number. A format
// string would be parsed anew for each. Pure, so thread-safe.

#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <type_traits>

namespace omni {

template <typename Number>
void appendNumber(std::string& out, Number value) {
  static_assert(std::is_arithmetic_v<Number>);
  std::array<char, 32> digits;
  char* end = digits.data() + digits.size();
  if constexpr (std::is_floating_point_v<Number>) {
    // 0.0001 and 100000, which are as short with an exponent, are not how people write an exponent.
    const Number size = std::abs(value);
    const bool usual = value == 0 || (size >= 1e-4 && size < 1e16);
    end = std::to_chars(digits.data(), end, value,
                        usual ? std::chars_format::fixed : std::chars_format::scientific)
              .ptr;
  } else {
    end = std::to_chars(digits.data(), end, value).ptr;
  }
  out.append(digits.data(), static_cast<size_t>(end - digits.data()));
}

}  // namespace omni
