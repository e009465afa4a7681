#include "plugins/kiro/base64url.hpp"

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/sha256.hpp"

namespace omni::kiro {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string base64Url(std::string_view bytes) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += kAlphabet[(bits >> (count - 6)) & 63];
  }
  if (count > 0) out += kAlphabet[(bits << (6 - count)) & 63];
  return out;
}

std::optional<std::string> fromBase64Url(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count);
  }
  return out;
}

std::string randomText(const sdk::Host& host, size_t bytes) {
  std::string raw(bytes, '\0');
  host.randomBytes(raw.data(), raw.size());
  return base64Url(raw);
}

std::string pkceChallenge(std::string_view verifier) {
  const std::string hex = sha256Hex(verifier);
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string raw;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    raw += static_cast<char>(nibble(hex[i]) << 4 | nibble(hex[i + 1]));
  return base64Url(raw);
}

std::string jwtClaim(std::string_view token, std::initializer_list<std::string_view> names) {
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return {};
  const auto decoded = fromBase64Url(token.substr(first + 1, second - first - 1));
  const auto claims = decoded ? parseObject(*decoded) : std::nullopt;
  if (!claims) return {};
  for (const auto name : names)
    if (const auto value = text(*claims, name); !value.empty()) return std::string(value);
  return {};
}

}  // namespace omni::kiro
