#pragma once
// Just enough JSON for a plugin with flat inputs: read one member of an object, quote a string. A
// plugin with richer documents brings a JSON library of its own; the SDK needs none.
//
// Thread-safety: free functions without state. Ownership: views point into the text given. Errors:
// broken input has no members.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace omni::sdk {
namespace detail {

// A cursor over JSON text. Every step fails softly, so that broken input ends as "member absent".
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  void skipSpace() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool take(char wanted) {
    skipSpace();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  // The literal with its quotes; empty when there is none.
  std::string_view stringLiteral() {
    skipSpace();
    const size_t start = at_;
    if (at_ >= text_.size() || text_[at_] != '"') return {};
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        return text_.substr(start, ++at_ - start);
      }
    }
    return {};
  }
  // Any value; only the balance of brackets is checked.
  std::string_view value() {
    skipSpace();
    const size_t start = at_;
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (stringLiteral().empty()) return {};
        if (depth == 0) break;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
      if (depth == 0 && (c == '}' || c == ']')) break;
    }
    if (depth != 0) return {};
    std::string_view found = text_.substr(start, at_ - start);
    while (!found.empty() && std::string_view(" \t\r\n").find(found.back()) != found.npos)
      found.remove_suffix(1);
    return found;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

inline bool readHex4(std::string_view text, size_t at, uint32_t& out) {
  if (at + 4 > text.size()) return false;
  out = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const char c = text[i];
    uint32_t digit;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A') + 10;
    } else {
      return false;
    }
    out = out * 16 + digit;
  }
  return true;
}

inline void appendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
  }
  out += static_cast<char>(0x80 | (code & 0x3F));
}

}  // namespace detail

// The decoded value of a JSON string literal; nullopt when `raw` is not a well-formed one.
inline std::optional<std::string> jsonString(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return std::nullopt;
  raw = raw.substr(1, raw.size() - 2);
  std::string out;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '"') return std::nullopt;
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    if (++i >= raw.size()) return std::nullopt;
    const size_t simple = std::string_view("\"\\/bfnrt").find(raw[i]);
    if (simple != std::string_view::npos) {
      out += "\"\\/\b\f\n\r\t"[simple];
      continue;
    }
    uint32_t code = 0;
    if (raw[i] != 'u' || !detail::readHex4(raw, i + 1, code)) return std::nullopt;
    i += 4;
    if (code >= 0xD800 && code < 0xDC00) {  // the first half of a surrogate pair
      uint32_t low = 0;
      if (raw.substr(i + 1, 2) != "\\u" || !detail::readHex4(raw, i + 3, low) || low < 0xDC00 ||
          low > 0xDFFF)
        return std::nullopt;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      i += 6;
    } else if (code >= 0xDC00 && code < 0xE000) {
      return std::nullopt;
    }
    detail::appendUtf8(out, code);
  }
  return out;
}

// The raw text of member `name` of the outermost object ("\"abc\"", "12", "{…}"); nullopt when it
// is absent or `json` is not an object. Nested objects are stepped over, not searched.
inline std::optional<std::string_view> jsonMember(std::string_view json, std::string_view name) {
  detail::JsonCursor cursor(json);
  if (!cursor.take('{')) return std::nullopt;
  while (true) {
    const std::optional<std::string> key = jsonString(cursor.stringLiteral());
    if (!key || !cursor.take(':')) return std::nullopt;
    const std::string_view value = cursor.value();
    if (value.empty()) return std::nullopt;
    if (*key == name) return value;
    if (!cursor.take(',')) return std::nullopt;
  }
}

// `text` as a JSON string literal with its quotes. The text must be UTF-8.
inline std::string jsonQuote(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

}  // namespace omni::sdk
