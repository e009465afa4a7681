#include "sdk/check/json.hpp"

#include <omniroute/json_text.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace omni::check {
namespace {

constexpr int kMaxDepth = 64;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool document(Json& out) {
    if (!value(out, 0)) return false;
    space();
    return at_ == text_.size();
  }

 private:
  void space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool take(char wanted) {
    space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }

  bool value(Json& out, int depth) {
    if (depth > kMaxDepth) return false;
    space();
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return object(out, depth);
      case '[':
        return array(out, depth);
      case '"':
        out.kind = Json::Kind::String;
        return string(out.string);
      case 't':
        out.kind = Json::Kind::Bool;
        out.boolean = true;
        return word("true");
      case 'f':
        out.kind = Json::Kind::Bool;
        return word("false");
      case 'n':
        return word("null");
      default:
        return number(out);
    }
  }

  bool object(Json& out, int depth) {
    out.kind = Json::Kind::Object;
    take('{');
    if (take('}')) return true;
    do {
      space();
      std::string name;
      Json member;
      if (!string(name) || !take(':') || !value(member, depth + 1)) return false;
      if (!out.object.emplace(std::move(name), std::move(member)).second) return false;
    } while (take(','));
    return take('}');
  }

  bool array(Json& out, int depth) {
    out.kind = Json::Kind::Array;
    take('[');
    if (take(']')) return true;
    do {
      Json item;
      if (!value(item, depth + 1)) return false;
      out.array.push_back(std::move(item));
    } while (take(','));
    return take(']');
  }

  bool number(Json& out) {
    const size_t end = std::min(text_.find_first_not_of("+-.0123456789eE", at_), text_.size());
    const std::string digits(text_.substr(at_, end - at_));
    if (digits.empty() || digits[0] == '+' || digits[0] == '.') return false;
    char* stop = nullptr;
    out.kind = Json::Kind::Number;
    out.number = std::strtod(digits.c_str(), &stop);
    at_ = end;
    return *stop == '\0' && std::isfinite(out.number);
  }

  bool hex4(uint32_t& out) {
    if (at_ + 4 > text_.size()) return false;
    out = 0;
    for (int i = 0; i < 4; ++i) {
      const size_t digit =
          std::string_view("0123456789abcdef").find(static_cast<char>(text_[at_++] | 0x20));
      if (digit == std::string_view::npos) return false;
      out = out * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  bool escape(std::string& out) {
    if (at_ >= text_.size()) return false;
    const char c = text_[at_++];
    const size_t simple = std::string_view("\"\\/bfnrt").find(c);
    if (simple != std::string_view::npos) {
      out += "\"\\/\b\f\n\r\t"[simple];
      return true;
    }
    uint32_t code = 0;
    if (c != 'u' || !hex4(code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      uint32_t low = 0;
      if (!word("\\u") || !hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
      return false;
    }
    sdk::detail::appendUtf8(out, code);
    return true;
  }

  bool string(std::string& out) {
    if (at_ >= text_.size() || text_[at_] != '"') return false;
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

const Json* Json::member(std::string_view name) const {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &found->second;
}

std::optional<uint32_t> Json::asUint() const {
  if (kind != Kind::Number || number < 0 || number > 4294967295.0 || number != std::floor(number))
    return std::nullopt;
  return static_cast<uint32_t>(number);
}

std::optional<Json> parseJson(std::string_view text) {
  Json out;
  if (!Reader(text).document(out)) return std::nullopt;
  return out;
}

std::string quote(std::string_view text) {
  return sdk::jsonQuote(text);
}

}  // namespace omni::check
