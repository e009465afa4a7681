#include "core/json/parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

namespace omni::json {
namespace {

constexpr size_t kUsualDepth = 8;
constexpr size_t kUsualKeys = 8;

bool digit(char c) {
  return c >= '0' && c <= '9';
}

// A printable name of the byte that was not expected.
std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > 0x20 && byte < 0x7f) return fmt::format("\"{}\"", c);
  return fmt::format("byte 0x{:02x}", byte);
}

// How many of eight bytes are plain before the first that ends such a run (a quote, a backslash, a
// control character, anything beyond ASCII). Bit tricks as in the classic haszero(): a borrow can
// only mark a byte behind one that is rightly marked, so the lowest mark is right.
size_t plainBytes(const char* at) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  constexpr uint64_t kOnes = 0x0101010101010101ull;
  constexpr uint64_t kHigh = 0x8080808080808080ull;
  const auto hasZero = [](uint64_t v) { return (v - kOnes) & ~v & kHigh; };
  const uint64_t control = (word - kOnes * 0x20) & ~word & kHigh;
  const uint64_t marks =
      (word & kHigh) | control | hasZero(word ^ (kOnes * '"')) | hasZero(word ^ (kOnes * '\\'));
  return static_cast<size_t>(std::countr_zero(marks)) / 8;  // 64 zeros: all eight
}

}  // namespace

int hex4(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int out = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const char c = text[i];
    const char lower = static_cast<char>(c | 0x20);
    if (digit(c))
      out = out * 16 + (c - '0');
    else if (lower >= 'a' && lower <= 'f')
      out = out * 16 + (lower - 'a' + 10);
    else
      return -1;
  }
  return out;
}

void appendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

Result<> Parser::run() {
  if (text_.size() >= std::numeric_limits<uint32_t>::max())
    return makeError(FailureKind::PayloadTooLarge, "the body is larger than can be read");
  document_.nodes_.reserve(text_.size() / 64 + 16);
  stack_.reserve(kUsualDepth);
  last_.reserve(kUsualDepth);
  keys_.reserve(kUsualKeys);
  try {
    parse();
    return {};
  } catch (const Failure& failure) {
    std::string field;
    std::string message =
        fmt::format("the body is not valid JSON: {} at byte {}", failure.what, failure.at);
    if (failure.with_path && !document_.nodes_.empty()) {
      field = Value(&document_, static_cast<uint32_t>(document_.nodes_.size() - 1)).path();
      message += fmt::format(", in {}", field);
    }
    return makeError(FailureKind::BadRequest, std::move(message), std::move(field));
  }
}

void Parser::space() {
  while (has() && (here() == ' ' || here() == '\n' || here() == '\r' || here() == '\t')) ++at_;
}

// One loop instead of recursion: a body full of brackets must not use up the stack.
void Parser::parse() {
  space();
  if (!has()) fail(at_, "it is empty");
  while (true) {
    // A value is due here.
    space();
    if (!has()) fail(at_, "the text ends where a value is due");
    const char c = here();
    bool opened = false;
    if (c == '{' || c == '[') {
      container(c == '{' ? Kind::Object : Kind::Array);
      opened = true;
    } else if (c == '"') {
      string(false);
    } else if (c == '-' || digit(c)) {
      number();
    } else if (c == 't') {
      word("true", Kind::True);
    } else if (c == 'f') {
      word("false", Kind::False);
    } else if (c == 'n') {
      word("null", Kind::Null);
    } else {
      fail(at_, fmt::format("a value is due, not {},", shown(c)));
    }
    // Then what follows it, until another value is due.
    while (true) {
      if (stack_.empty()) {
        space();
        if (has()) fail(at_, "extra text");
        return;
      }
      const bool object = document_.nodes_[stack_.back()].kind == Kind::Object;
      space();
      if (!has()) fail(at_, "the text ends inside an open object or array");
      const char close = object ? '}' : ']';
      if (here() == close) {
        ++at_;
        closeContainer();
        opened = false;
        continue;
      }
      if (!opened) {
        if (here() != ',')
          fail(at_, fmt::format("a comma or \"{}\" is due, not {},", close, shown(here())));
        ++at_;
        space();
      }
      if (!object) break;
      if (!has()) fail(at_, "the text ends inside an open object");
      if (here() != '"') fail(at_, fmt::format("a member's name is due, not {},", shown(here())));
      string(true);
      space();
      if (!has() || here() != ':') fail(at_, "a colon is due after a member's name");
      ++at_;
      break;
    }
  }
}

uint32_t Parser::open(Kind kind) {
  auto& nodes = document_.nodes_;
  const auto index = static_cast<uint32_t>(nodes.size());
  nodes.push_back({.begin = static_cast<uint32_t>(at_),
                   .end = 0,
                   .next = 0,
                   .kind = kind,
                   .escaped = false,
                   .is_key = false,
                   .last = true});
  return index;
}

void Parser::container(Kind kind) {
  if (stack_.size() >= static_cast<size_t>(kMaxDepth))
    fail(at_, fmt::format("it is nested deeper than {} levels", kMaxDepth));
  const uint32_t index = open(kind);
  if (!last_.empty()) {
    if (last_.back() != 0) document_.nodes_[last_.back()].last = false;
    last_.back() = index;
  }
  stack_.push_back(index);
  last_.push_back(0);
  ++at_;
}

// Scalars and closed containers end here.
void Parser::afterValue() {
  auto& nodes = document_.nodes_;
  const auto index = static_cast<uint32_t>(nodes.size() - 1);
  nodes[index].end = static_cast<uint32_t>(at_);
  nodes[index].next = index + 1;
  if (last_.empty()) return;
  if (last_.back() != 0) nodes[last_.back()].last = false;
  last_.back() = index;
}

void Parser::closeContainer() {
  auto& nodes = document_.nodes_;
  const uint32_t index = stack_.back();
  stack_.pop_back();
  last_.pop_back();
  nodes[index].end = static_cast<uint32_t>(at_);
  nodes[index].next = static_cast<uint32_t>(nodes.size());
  if (nodes[index].kind == Kind::Object) checkKeys(index);
}

void Parser::checkKeys(uint32_t object) {
  const auto& nodes = document_.nodes_;
  keys_.clear();
  for (uint32_t i = object + 1; i < nodes[object].next; i = nodes[i + 1].next)
    keys_.push_back(document_.decoded(nodes[i]));
  bool twice = false;
  constexpr size_t kFew = 12;
  if (keys_.size() <= kFew) {
    for (size_t i = 0; i < keys_.size() && !twice; ++i)
      for (size_t k = i + 1; k < keys_.size() && !twice; ++k) twice = keys_[i] == keys_[k];
    if (!twice) return;
  }
  auto sorted = keys_;
  std::ranges::sort(sorted);
  const auto found = std::ranges::adjacent_find(sorted);
  if (found == sorted.end()) return;
  // The second one of them is where the client should look.
  uint32_t second = 0;
  for (uint32_t i = object + 1; i < nodes[object].next; i = nodes[i + 1].next)
    if (document_.decoded(nodes[i]) == *found) second = i;
  const size_t at = nodes[second].begin;
  document_.nodes_.resize(second + 2);  // so that the path is that of this member
  document_.nodes_[object].next = 0;
  fail(at, fmt::format("the member \"{}\" is there twice", found->substr(0, 100)), true);
}

void Parser::word(std::string_view text, Kind kind) {
  if (std::string_view(text_).substr(at_, text.size()) != text)
    fail(at_, fmt::format("a value is due, not {},", shown(here())));
  open(kind);
  at_ += text.size();
  afterValue();
}

void Parser::number() {
  open(Kind::Number);
  const size_t start = at_;
  if (here() == '-') ++at_;
  if (!has() || !digit(here())) fail(at_, "a digit is due in a number");
  if (here() == '0') {
    ++at_;
    if (has() && digit(here())) fail(at_, "a number begins with a needless 0");
  } else {
    while (has() && digit(here())) ++at_;
  }
  if (has() && here() == '.') {
    ++at_;
    if (!has() || !digit(here())) fail(at_, "a digit is due after the point of a number");
    while (has() && digit(here())) ++at_;
  }
  bool exponent = false;
  if (has() && (here() == 'e' || here() == 'E')) {
    exponent = true;
    ++at_;
    if (has() && (here() == '+' || here() == '-')) ++at_;
    if (!has() || !digit(here())) fail(at_, "a digit is due in the exponent of a number");
    while (has() && digit(here())) ++at_;
  }
  constexpr size_t kSurelyFits = 300;
  if (exponent || at_ - start > kSurelyFits) {
    double ignored = 0;
    const auto [end, code] = std::from_chars(text_.data() + start, text_.data() + at_, ignored);
    (void)end;
    if (code == std::errc::result_out_of_range)
      fail(start, "a number is too large or too small for any reader", true);
  }
  afterValue();
}

void Parser::string(bool is_key) {
  const uint32_t index = open(Kind::String);
  document_.nodes_[index].is_key = is_key;
  ++at_;
  while (true) {
    while (at_ + 8 <= text_.size()) {
      const size_t plain = plainBytes(text_.data() + at_);
      at_ += plain;
      if (plain < 8) break;
    }
    if (!has()) fail(text_.size(), "the text ends inside a string");
    const auto c = static_cast<unsigned char>(here());
    if (c == '"') break;
    if (c == '\\') {
      document_.nodes_[index].escaped = true;
      escape();
    } else if (c < 0x20) {
      fail(at_, "a control character in a string is not escaped", true);
    } else if (c < 0x80) {
      ++at_;
    } else {
      utf8();
    }
  }
  ++at_;
  auto& node = document_.nodes_[index];
  node.end = static_cast<uint32_t>(at_);
  node.next = index + 1;
  if (!is_key) afterValue();
}

void Parser::escape() {
  if (at_ + 1 >= text_.size()) fail(text_.size(), "the text ends inside a string");
  const char c = text_[at_ + 1];
  if (c != 'u') {
    if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos)
      fail(at_, fmt::format("there is no escape \\{}", c >= 0x20 && c < 0x7f ? c : '?'), true);
    at_ += 2;
    return;
  }
  const int unit = hex4(text_, at_ + 2);
  if (unit < 0) fail(at_, "\\u needs four hexadecimal digits", true);
  if (unit >= 0xdc00 && unit <= 0xdfff)
    fail(at_, "the second half of a surrogate pair stands alone", true);
  if (unit >= 0xd800 && unit <= 0xdbff) {
    const bool pair = text_.compare(at_ + 6, 2, "\\u") == 0;
    const int low = pair ? hex4(text_, at_ + 8) : -1;
    if (low < 0xdc00 || low > 0xdfff)
      fail(at_, "the first half of a surrogate pair stands alone", true);
    at_ += 12;
    return;
  }
  at_ += 6;
}

void Parser::utf8() {
  const auto byte = [this](size_t i) -> unsigned {
    return at_ + i < text_.size() ? static_cast<unsigned char>(text_[at_ + i]) : 0u;
  };
  const auto tail = [&](size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned lead = byte(0);
  size_t length = 0;
  if (lead >= 0xc2 && lead <= 0xdf && tail(1)) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef && tail(1) && tail(2)) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
    if (!overlong && !surrogate) length = 3;
  } else if (lead >= 0xf0 && lead <= 0xf4 && tail(1) && tail(2) && tail(3)) {
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool beyond = lead == 0xf4 && byte(1) >= 0x90;
    if (!overlong && !beyond) length = 4;
  }
  if (length == 0) fail(at_, "a string is not valid UTF-8", true);
  at_ += length;
}

}  // namespace omni::json
