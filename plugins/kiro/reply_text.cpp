#include "plugins/kiro/reply_text.hpp"

#include <algorithm>

#include "plugins/kiro/json_text.hpp"

namespace omni::kiro {
namespace {

constexpr std::string_view kOpen = "<thinking>";
constexpr std::string_view kClose = "</thinking>";
constexpr int kMostTries = 32;

// How much of the end of `text` may be the beginning of `word`.
size_t partialEnd(std::string_view text, std::string_view word) {
  for (size_t size = std::min(text.size(), word.size() - 1); size > 0; --size)
    if (text.ends_with(word.substr(0, size))) return size;
  return 0;
}

}  // namespace

void ThinkingTags::feed(std::string_view delta, std::string& reasoning, std::string& text) {
  if (state_ == State::Text) {
    text += delta;
    return;
  }
  held_ += delta;
  if (state_ == State::Start) {
    const size_t begin = skipSpace(held_, 0);
    const std::string_view rest = std::string_view(held_).substr(begin);
    if (rest.size() < kOpen.size() && kOpen.starts_with(rest)) return;
    if (!rest.starts_with(kOpen)) {
      text += held_;
      held_.clear();
      state_ = State::Text;
      return;
    }
    held_.erase(0, begin + kOpen.size());
    state_ = State::Inside;
  }
  if (state_ == State::Inside) {
    const size_t close = held_.find(kClose);
    if (close == std::string::npos) {
      const size_t safe = held_.size() - partialEnd(held_, kClose);
      reasoning.append(held_, 0, safe);
      held_.erase(0, safe);
      return;
    }
    reasoning.append(held_, 0, close);
    held_.erase(0, close + kClose.size());
    state_ = State::After;
  }
  // The empty line after the tag belongs to the tag.
  const size_t begin = held_.find_first_not_of("\r\n");
  if (begin == std::string::npos) {
    held_.clear();
    return;
  }
  text.append(held_, begin);
  held_.clear();
  state_ = State::Text;
}

void ThinkingTags::flush(std::string& reasoning, std::string& text) {
  (state_ == State::Inside ? reasoning : text) += held_;
  held_.clear();
  state_ = State::Text;
}

void ThinkingTags::turnOff(std::string& text) {
  if (state_ == State::Start) {
    text += held_;
    held_.clear();
    state_ = State::Text;
  }
}

StopSequences::StopSequences(std::vector<std::string> words) : words_(std::move(words)) {
  std::erase_if(words_, [](const std::string& word) { return word.empty(); });
  for (const std::string& word : words_) longest_ = std::max(longest_, word.size());
}

bool StopSequences::feed(std::string_view delta, std::string& out) {
  if (!matched_.empty()) return true;
  held_ += delta;
  size_t first = std::string::npos;
  const std::string* which = nullptr;
  for (const std::string& word : words_)
    if (const size_t at = held_.find(word); at < first) first = at, which = &word;
  size_t keep = 0;
  for (const std::string& word : words_) keep = std::max(keep, partialEnd(held_, word));
  if (which) {
    // A longer one may have begun before it, but only what is whole counts.
    out.append(held_, 0, first);
    held_.clear();
    matched_ = *which;
    return true;
  }
  out.append(held_, 0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return false;
}

void StopSequences::flush(std::string& out) {
  out += held_;
  held_.clear();
}

void JsonObjectOnly::feed(std::string_view delta, std::string& out) {
  switch (state_) {
    case State::Done:
      return;
    case State::Inside:
      inside(delta, out);
      return;
    case State::Search:
      held_ += delta;
      return;
    case State::Start:
      break;
  }
  held_ += delta;
  std::string_view rest = std::string_view(held_).substr(skipSpace(held_, 0));
  if (rest.starts_with("```")) {
    const size_t line = rest.find('\n');
    if (line == std::string_view::npos) return;
    rest = rest.substr(skipSpace(rest, line));
  } else if (rest.size() < 3 && std::string_view("```").starts_with(rest)) {
    return;
  }
  if (rest.empty()) return;
  if (rest.front() != '{') {
    state_ = State::Search;
    return;
  }
  state_ = State::Inside;
  const std::string begun(rest);
  held_.clear();
  inside(begun, out);
}

void JsonObjectOnly::inside(std::string_view delta, std::string& out) {
  for (size_t i = 0; i < delta.size(); ++i) {
    const char c = delta[i];
    if (in_string_) {
      if (escaped_)
        escaped_ = false;
      else if (c == '\\')
        escaped_ = true;
      else if (c == '"')
        in_string_ = false;
      continue;
    }
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && --depth_ == 0) {
      out += delta.substr(0, i + 1);
      state_ = State::Done;
      return;
    }
  }
  out += delta;
}

bool JsonObjectOnly::search(std::string& out) {
  if (state_ == State::Done || state_ == State::Inside) return false;
  int tries = 0;  // prose has few braces; text that is all braces is not what is looked for
  for (size_t at = held_.find('{'); at != std::string::npos && ++tries <= kMostTries;
       at = held_.find('{', at + 1)) {
    const size_t end = skipValue(held_, at);
    if (end == kNoValue) continue;
    out.append(held_, at, end - at);
    held_.clear();
    state_ = State::Done;
    return true;
  }
  return false;
}

}  // namespace omni::kiro
