#include "service/admin/names.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace omni::admin {
namespace {

constexpr size_t kMaxNameCharacters = 100;

}  // namespace

Result<> checkName(std::string_view name, std::string_view field) {
  const auto refuse = [&](std::string_view what) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("\"{}\" {}. A name has 1 to {} characters, no '/', no control "
                                 "characters and no space at either end.",
                                 field, what, kMaxNameCharacters),
                     std::string(field));
  };
  if (name.empty()) return refuse("is empty");
  if (name.front() == ' ' || name.back() == ' ') return refuse("begins or ends with a space");
  if (name == "." || name == "..") return refuse("cannot be part of an address");
  size_t characters = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    if (byte == '/') return refuse("contains '/'");
    // U+0080 to U+009F, the second block of control characters, are C2 80 to C2 9F.
    const bool second_block =
        byte == 0xC2 && i + 1 < name.size() && static_cast<unsigned char>(name[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F || second_block) return refuse("contains a control character");
    if ((byte & 0xC0) != 0x80) ++characters;
  }
  if (characters > kMaxNameCharacters) return refuse("is too long");
  return {};
}

std::string newUuid(Random& random) {
  std::array<uint8_t, 16> bytes{};
  random.fill(bytes.data(), bytes.size());
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3F) | 0x80);
  std::string text;
  text.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

}  // namespace omni::admin
