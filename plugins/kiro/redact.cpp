#include <algorithm>

#include "plugins/kiro/upstream_error.hpp"

namespace omni::kiro {
namespace {

constexpr size_t kLongest = 400;
constexpr size_t kNumber = 8;   // digits that may be an account's
constexpr size_t kSecret = 40;  // characters in one piece that may be a token

bool wordChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '.' || c == '+' || c == '/' || c == ':' || c == '@' || c == '=';
}

bool telling(std::string_view word) {
  if (word.starts_with("arn:") || word.find('@') != std::string_view::npos) return true;
  if (word.starts_with("aoa") || word.starts_with("aor") || word.starts_with("ksk_"))
    return word.size() > 12;
  if (word.size() >= kSecret) return true;
  size_t run = 0;
  for (const char c : word) {
    run = c >= '0' && c <= '9' ? run + 1 : 0;
    if (run >= kNumber) return true;
  }
  return false;
}

}  // namespace

std::string redacted(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size() && out.size() < kLongest;) {
    size_t end = at;
    while (end < text.size() && wordChar(text[end])) ++end;
    if (end == at) {
      out += text[at++];
      continue;
    }
    const auto word = text.substr(at, end - at);
    out += telling(word) ? std::string_view("[hidden]") : word;
    at = end;
  }
  if (out.size() > kLongest) {
    out.resize(kLongest);
    // Not in the middle of a character.
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
  }
  return out;
}

}  // namespace omni::kiro
