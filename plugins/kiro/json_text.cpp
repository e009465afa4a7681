#include "plugins/kiro/json_text.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

namespace omni::kiro {
namespace {

constexpr uint64_t kOnes = 0x0101010101010101u;
constexpr uint64_t kHighs = 0x8080808080808080u;

// How many of eight bytes come before the first that needs a closer look: a control character, a
// quote, a backslash or not ASCII. A borrow can only mark a byte behind one that is rightly marked,
// so the lowest mark is right.
size_t plainBytes(uint64_t word) {
  static_assert(std::endian::native == std::endian::little);
  const uint64_t quote = word ^ (kOnes * '"');
  const uint64_t slash = word ^ (kOnes * '\\');
  const uint64_t low = word - kOnes * 0x20;
  const uint64_t marks = (low | word | (quote - kOnes) | (slash - kOnes)) & kHighs;
  return static_cast<size_t>(std::countr_zero(marks)) / 8;  // 64 zeros: all eight
}

// From `at` to the next byte that is special.
size_t skipPlain(std::string_view text, size_t at) {
  while (at + 8 <= text.size()) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    const size_t plain = plainBytes(word);
    at += plain;
    if (plain < 8) return at;
  }
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80) break;
    ++at;
  }
  return at;
}

// Length of the UTF-8 character at `at`, 0 when it is not one (overlong and surrogates included).
size_t utf8Length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned second = byte(1);
    if (!tail(1) || !tail(2) || (first == 0xE0 && second < 0xA0) ||
        (first == 0xED && second >= 0xA0))
      return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned second = byte(1);
    if (!tail(1) || !tail(2) || !tail(3) || (first == 0xF0 && second < 0x90) ||
        (first == 0xF4 && second >= 0x90))
      return 0;
    return 4;
  }
  return 0;
}

// The four hex digits at `at`; -1 when they are not.
int hex4(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int value = 0;
  for (size_t i = 0; i < 4; ++i) {
    const char c = text[at + i];
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

size_t skipString(std::string_view text, size_t at) {
  ++at;  // the quote
  for (;;) {
    at = skipPlain(text, at);
    if (at >= text.size()) return kNoValue;
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '"') return at + 1;
    if (c >= 0x80) {
      const size_t length = utf8Length(text, at);
      if (length == 0) return kNoValue;
      at += length;
      continue;
    }
    if (c != '\\' || at + 1 >= text.size()) return kNoValue;
    const char kind = text[at + 1];
    if (kind != 'u') {
      if (std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos) return kNoValue;
      at += 2;
      continue;
    }
    const int unit = hex4(text, at + 2);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return kNoValue;
    at += 6;
    if (unit < 0xD800 || unit > 0xDBFF) continue;
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return kNoValue;
    const int second = hex4(text, at + 2);
    if (second < 0xDC00 || second > 0xDFFF) return kNoValue;
    at += 6;
  }
}

bool isDigit(std::string_view text, size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

size_t skipDigits(std::string_view text, size_t at) {
  while (isDigit(text, at)) ++at;
  return at;
}

size_t skipNumber(std::string_view text, size_t at) {
  if (text[at] == '-') ++at;
  if (!isDigit(text, at)) return kNoValue;
  at = text[at] == '0' ? at + 1 : skipDigits(text, at);
  if (at < text.size() && text[at] == '.') {
    if (!isDigit(text, at + 1)) return kNoValue;
    at = skipDigits(text, at + 1);
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!isDigit(text, at)) return kNoValue;
    at = skipDigits(text, at);
  }
  return at;
}

size_t skipContainer(std::string_view text, size_t at, int depth) {
  if (depth >= kDeepest) return kNoValue;
  const bool object = text[at] == '{';
  const char close = object ? '}' : ']';
  at = skipSpace(text, at + 1);
  if (at < text.size() && text[at] == close) return at + 1;
  for (;;) {
    if (object) {
      if (at >= text.size() || text[at] != '"') return kNoValue;
      at = skipString(text, at);
      if (at == kNoValue) return kNoValue;
      at = skipSpace(text, at);
      if (at >= text.size() || text[at] != ':') return kNoValue;
      at = skipSpace(text, at + 1);
    }
    at = skipValue(text, at, depth + 1);
    if (at == kNoValue) return kNoValue;
    at = skipSpace(text, at);
    if (at >= text.size()) return kNoValue;
    if (text[at] == close) return at + 1;
    if (text[at] != ',') return kNoValue;
    at = skipSpace(text, at + 1);
  }
}

void appendUtf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

}  // namespace

size_t skipSpace(std::string_view text, size_t at) {
  while (at < text.size() &&
         (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t'))
    ++at;
  return at;
}

size_t skipValue(std::string_view text, size_t at, int depth) {
  if (at >= text.size()) return kNoValue;
  const auto word = [&](std::string_view expected) {
    return text.substr(at).starts_with(expected) ? at + expected.size() : kNoValue;
  };
  switch (text[at]) {
    case '"':
      return skipString(text, at);
    case '{':
    case '[':
      return skipContainer(text, at, depth);
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    default:
      return text[at] == '-' || isDigit(text, at) ? skipNumber(text, at) : kNoValue;
  }
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(skipSpace(text, 0));
  while (!text.empty() && skipSpace(text, text.size() - 1) == text.size()) text.remove_suffix(1);
  return text;
}

bool isJson(std::string_view text) {
  const size_t end = skipValue(text, skipSpace(text, 0));
  return end != kNoValue && skipSpace(text, end) == text.size();
}

bool isJsonObject(std::string_view text) {
  const size_t at = skipSpace(text, 0);
  return at < text.size() && text[at] == '{' && isJson(text);
}

std::string_view stringOf(std::string_view raw, std::string& scratch) {
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return {};
  raw = raw.substr(1, raw.size() - 2);
  if (raw.find('\\') == std::string_view::npos) return raw;
  scratch.clear();
  scratch.reserve(raw.size());
  for (size_t at = 0; at < raw.size();) {
    const size_t slash = raw.find('\\', at);
    scratch.append(raw.substr(at, slash - at));
    if (slash == std::string_view::npos || slash + 1 >= raw.size()) break;
    at = slash + 2;
    switch (raw[slash + 1]) {
      case 'b':
        scratch += '\b';
        break;
      case 'f':
        scratch += '\f';
        break;
      case 'n':
        scratch += '\n';
        break;
      case 'r':
        scratch += '\r';
        break;
      case 't':
        scratch += '\t';
        break;
      case 'u': {
        int unit = hex4(raw, at);
        if (unit < 0) return {};
        at += 4;
        if (unit >= 0xD800 && unit <= 0xDBFF) {
          const int second = at + 6 <= raw.size() ? hex4(raw, at + 2) : -1;
          if (second < 0xDC00) return {};
          unit = 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
          at += 6;
        }
        appendUtf8(scratch, static_cast<uint32_t>(unit));
        break;
      }
      default:
        scratch += raw[slash + 1];
    }
  }
  return scratch;
}

std::optional<double> numberOf(std::string_view raw) {
  double value = 0;
  const auto [end, code] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (code != std::errc() || end != raw.data() + raw.size()) return std::nullopt;
  return value;
}

void appendEscaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    // Bytes of other alphabets pass as they are; only these three kinds are escaped.
    for (;;) {
      at = skipPlain(text, at);
      if (at >= text.size() || static_cast<unsigned char>(text[at]) < 0x80) break;
      while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80) ++at;
    }
    out.append(text, start, at - start);
    if (at >= text.size()) break;
    const char c = text[at++];
    out += '\\';
    switch (c) {
      case '"':
      case '\\':
        out += c;
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      default:
        out += "u00";
        out += kHex[static_cast<unsigned char>(c) >> 4];
        out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
}

void appendQuoted(std::string& out, std::string_view text) {
  out += '"';
  appendEscaped(out, text);
  out += '"';
}

std::string_view memberOf(std::string_view object, std::string_view key) {
  std::string_view found;
  if (!eachMember(object, [&](std::string_view name, std::string_view value) {
        if (name == key) found = value;
      }))
    return {};
  return found;
}

}  // namespace omni::kiro
