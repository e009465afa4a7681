#include "service/telemetry/redact.hpp"

#include <algorithm>
#include <array>

namespace omni::telemetry {
namespace {

constexpr std::string_view kRedacted = "[redacted]";

// ASCII only, whatever the locale.
bool isAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool isTokenChar(char c) {
  return isAlnum(c) || std::string_view("-._~+/=:%").contains(c);
}

size_t tokenLength(std::string_view text) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), isTokenChar) -
                             text.begin());
}

struct Shape {
  std::string_view prefix;
  size_t least;     // characters that must follow, so that ordinary words stay readable
  bool word_start;  // the prefix also occurs inside ordinary words ("task-…")
};

constexpr std::array kShapes{
    Shape{"aor", 16, false}, Shape{"aoa", 16, false}, Shape{"ksk_", 1, false},
    Shape{"eyJ", 16, false}, Shape{"sk-", 16, true},
};

// Length of the token that starts here; 0: none.
size_t secretLength(std::string_view rest, bool at_word_start) {
  for (const auto& shape : kShapes) {
    if (!rest.starts_with(shape.prefix) || (shape.word_start && !at_word_start)) continue;
    const size_t length = tokenLength(rest);
    if (length >= shape.prefix.size() + shape.least) return length;
  }
  return 0;
}

// Length of "Bearer" and what parts it from the token (blanks, or the %20 and + of a URL); 0: no
// such word here.
size_t bearerLength(std::string_view rest) {
  constexpr std::string_view kWord = "bearer";
  if (rest.size() <= kWord.size()) return 0;
  if (!std::ranges::equal(rest.substr(0, kWord.size()), kWord, {}, lower)) return 0;
  size_t length = kWord.size();
  if (rest.substr(length).starts_with("%20")) return length + 3;
  while (length < rest.size() &&
         (rest[length] == ' ' || rest[length] == '\t' || rest[length] == '+'))
    ++length;
  return length == kWord.size() ? 0 : length;
}

// Length of "user:password" after "://"; 0: the URL has no user part.
size_t userLength(std::string_view rest) {
  const size_t end = rest.find_first_of("/?# \t\r\n\"'<>");
  const size_t at = rest.substr(0, end).rfind('@');
  return at == std::string_view::npos ? 0 : at;
}

}  // namespace

std::string redact(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t i = 0;
  while (i < text.size()) {
    const auto rest = text.substr(i);
    const bool word_start = i == 0 || !isAlnum(text[i - 1]);
    if (const size_t length = secretLength(rest, word_start); length > 0) {
      out += kRedacted;
      i += length;
    } else if (const size_t word = bearerLength(rest); word > 0) {
      out += rest.substr(0, word);
      i += word;
      if (const size_t token = tokenLength(text.substr(i)); token > 0) {
        out += kRedacted;
        i += token;
      }
    } else if (rest.starts_with("://")) {
      out += "://";
      i += 3;
      if (const size_t user = userLength(text.substr(i)); user > 0) {
        out += kRedacted;
        i += user;
      }
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace omni::telemetry
