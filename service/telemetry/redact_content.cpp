#include "service/telemetry/redact_content.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "service/telemetry/redact.hpp"

namespace omni::telemetry {
namespace {

constexpr std::string_view kRedacted = "[redacted]";
constexpr size_t kLongestName = 32;

// Lower case, without dashes and underscores.
constexpr std::array<std::string_view, 17> kNames{
    "authorization", "authorizationtoken", "proxyauthorization", "apikey",   "xapikey",
    "xgoogapikey",   "accesstoken",        "refreshtoken",       "idtoken",  "authtoken",
    "bearertoken",   "clientsecret",       "secretkey",          "password", "passphrase",
    "cookie",        "setcookie"};

bool isBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name)
    if (c != '-' && c != '_') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// A quote, in a JSON that may stand inside other texts: so many backslashes before it.
struct Quote {
  size_t at = 0;  // of its first backslash, or of itself
  size_t depth = 0;
  size_t end() const { return at + depth + 1; }
};

class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  std::string run() {
    Quote open;
    for (size_t at = 0; findQuote(at, open);) {
      at = open.end();
      size_t value = 0;
      const auto name = memberName(open, value);
      if (name.empty()) continue;
      Quote text;
      if (name == "headers" && value < text_.size() && text_[value] == '{')
        at = hideObject(value + 1, open.depth);
      else if (std::ranges::find(kNames, name) != kNames.end() && findQuote(value, text) &&
               text.at == value && text.depth == open.depth)
        at = hideText(text);
    }
    copyTo(text_.size());
    return std::move(out_);
  }

 private:
  bool findQuote(size_t from, Quote& found) const {
    const size_t at = text_.find('"', from);
    if (at == std::string_view::npos) return false;
    size_t first = at;
    while (first > from && text_[first - 1] == '\\') --first;
    found = {first, at - first};
    return true;
  }

  struct End {
    size_t at;    // of the text
    size_t next;  // what follows its closing quote
  };

  // Of the text that begins after `open`. A quote of what is around it ends it as well: then the
  // text was no good JSON, and what follows is not its business.
  End endOf(const Quote& open) const {
    Quote quote;
    for (size_t from = open.end(); findQuote(from, quote); from = quote.end()) {
      if (quote.depth < open.depth) return {quote.at, quote.at};
      // Further backslashes: those of an escaped quote, or of backslashes at the text's end.
      const size_t more = quote.depth - open.depth;
      if (more % (2 * (open.depth + 1)) == 0) return {quote.at + more, quote.end()};
    }
    return {text_.size(), text_.size()};
  }

  // The plain name of the member whose quoted name begins at `open`, and where its value is; empty:
  // it is no member, or one whose name is too long to matter.
  std::string memberName(const Quote& open, size_t& value) const {
    const size_t end = text_.substr(open.end(), kLongestName + 1).find_first_of("\"\\");
    if (end == std::string_view::npos) return {};
    Quote close;
    if (!findQuote(open.end() + end, close) || close.at != open.end() + end ||
        close.depth != open.depth)
      return {};
    size_t at = skipBlank(close.end());
    if (at >= text_.size() || text_[at] != ':') return {};
    value = skipBlank(at + 1);
    return plain(text_.substr(open.end(), end));
  }

  size_t skipBlank(size_t at) const {
    while (at < text_.size() && isBlank(text_[at])) ++at;
    return at;
  }

  // Returns where to go on.
  size_t hideText(const Quote& open) {
    const End end = endOf(open);
    copyTo(open.end());
    out_ += kRedacted;
    copied_ = end.at;
    return end.next;
  }

  // From within an object to its end: every text but the members' names.
  size_t hideObject(size_t at, size_t depth) {
    size_t objects = 1;
    while (at < text_.size() && objects > 0) {
      const char c = text_[at];
      if (c != '"' && c != '\\') {
        objects += c == '{' ? 1 : c == '}' ? -1 : 0;
        ++at;
        continue;
      }
      const size_t end = std::min(text_.find_first_not_of('\\', at), text_.size());
      const Quote quote{at, end - at};
      if (end == text_.size() || text_[end] != '"') {
        at = end;  // a line's end, say
      } else if (quote.depth != depth) {
        return at;  // the object was cut
      } else if (const size_t next = skipBlank(endOf(quote).next);
                 next < text_.size() && text_[next] == ':') {
        at = next;
      } else {
        at = hideText(quote);
      }
    }
    return at;
  }

  void copyTo(size_t end) {
    out_ += text_.substr(copied_, end - copied_);
    copied_ = end;
  }

  const std::string_view text_;
  std::string out_;
  size_t copied_ = 0;  // what is before is in out_, or hidden
};

}  // namespace

std::string redactContent(std::string_view text) {
  return redact(Scan(text).run());
}

}  // namespace omni::telemetry
