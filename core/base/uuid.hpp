#pragma once
// Random ids, version 4 of RFC 9562.

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>

#include "core/ports/clock.hpp"

namespace omni {

inline std::string newUuid(Random& random) {
  std::array<uint8_t, 16> bytes{};
  random.fill(bytes.data(), bytes.size());
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  text.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    fmt::format_to(std::back_inserter(text), "{:02x}", bytes[i]);
  }
  return text;
}

}  // namespace omni
