#pragma once
// JSON as text: checked, walked and written without a tree. Tool schemas, arguments and upstream's
// events are large or many, and nearly all of them only pass through.
//
// Thread-safe (no state). Strict: RFC 8259, valid UTF-8, no lone surrogates, at most kDeepest
// levels. Views that are handed out point into the text that was given.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace omni::kiro {

inline constexpr int kDeepest = 128;
inline constexpr size_t kNoValue = std::string_view::npos;

size_t skipSpace(std::string_view text, size_t at);
// End of the value that begins at `at` (no space before it), kNoValue when it is not valid JSON.
size_t skipValue(std::string_view text, size_t at, int depth = 0);
bool isJson(std::string_view text);
bool isJsonObject(std::string_view text);
std::string_view trimmed(std::string_view text);  // without JSON's white space at both ends

// The text of a raw JSON string (with its quotes): a view into `raw` when nothing is escaped, else
// into `scratch`. Empty when `raw` is no string.
std::string_view stringOf(std::string_view raw, std::string& scratch);
std::optional<double> numberOf(std::string_view raw);

void appendQuoted(std::string& out, std::string_view text);   // with quotes
void appendEscaped(std::string& out, std::string_view text);  // without

// Calls take(key, raw value) for each member of the object that `text` is. A key is unescaped.
// False when the text is not one valid object; what was taken until then counts for nothing.
template <typename Take>
bool eachMember(std::string_view text, Take&& take);
// Calls take(raw value) for each element of the array that `text` is.
template <typename Take>
bool eachElement(std::string_view text, Take&& take);

// The raw value of one member; empty when it is missing or the text is no object.
std::string_view memberOf(std::string_view object, std::string_view key);

template <typename Take>
bool eachMember(std::string_view text, Take&& take) {
  std::string scratch;
  size_t at = skipSpace(text, 0);
  if (at >= text.size() || text[at] != '{') return false;
  at = skipSpace(text, at + 1);
  if (at < text.size() && text[at] == '}') return skipSpace(text, at + 1) == text.size();
  for (;;) {
    if (at >= text.size() || text[at] != '"') return false;
    const size_t key_end = skipValue(text, at);
    if (key_end == kNoValue) return false;
    const std::string_view key = stringOf(text.substr(at, key_end - at), scratch);
    at = skipSpace(text, key_end);
    if (at >= text.size() || text[at] != ':') return false;
    at = skipSpace(text, at + 1);
    const size_t end = skipValue(text, at, 1);
    if (end == kNoValue) return false;
    take(key, text.substr(at, end - at));
    at = skipSpace(text, end);
    if (at >= text.size()) return false;
    if (text[at] == '}') return skipSpace(text, at + 1) == text.size();
    if (text[at] != ',') return false;
    at = skipSpace(text, at + 1);
  }
}

template <typename Take>
bool eachElement(std::string_view text, Take&& take) {
  size_t at = skipSpace(text, 0);
  if (at >= text.size() || text[at] != '[') return false;
  at = skipSpace(text, at + 1);
  if (at < text.size() && text[at] == ']') return skipSpace(text, at + 1) == text.size();
  for (;;) {
    const size_t end = skipValue(text, at, 1);
    if (end == kNoValue) return false;
    take(text.substr(at, end - at));
    at = skipSpace(text, end);
    if (at >= text.size()) return false;
    if (text[at] == ']') return skipSpace(text, at + 1) == text.size();
    if (text[at] != ',') return false;
    at = skipSpace(text, at + 1);
  }
}

}  // namespace omni::kiro
