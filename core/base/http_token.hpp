#pragma once
// A token of HTTP (RFC 9110, section 5.6.2): what a method and a header's name consist of. Pure, so
// thread-safe.

#include <array>
#include <string_view>

namespace omni {

inline constexpr std::array<bool, 256> kHttpTokenBytes = [] {
  std::array<bool, 256> out{};
  for (int c = '0'; c <= '9'; ++c) out[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) out[c] = out[c | 0x20] = true;
  for (const unsigned char c : std::string_view("!#$%&'*+-.^_`|~")) out[c] = true;
  return out;
}();

constexpr bool isHttpToken(std::string_view text) {
  for (const unsigned char c : text)
    if (!kHttpTokenBytes[c]) return false;
  return !text.empty();
}

}  // namespace omni
