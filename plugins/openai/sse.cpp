#include "plugins/openai/sse.hpp"

#include <utility>

namespace omni::openai_upstream {

void SseReader::feed(std::string_view bytes) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    scanned_ -= at_;
    at_ = 0;
  }
  buffer_.append(bytes);
}

bool SseReader::takeLine(std::string_view& line) {
  if (skip_lf_ && at_ < buffer_.size()) {
    if (buffer_[at_] == '\n') ++at_;
    skip_lf_ = false;
    if (scanned_ < at_) scanned_ = at_;
  }
  const size_t end = buffer_.find_first_of("\r\n", scanned_);
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    return false;
  }
  line = std::string_view(buffer_).substr(at_, end - at_);
  skip_lf_ = buffer_[end] == '\r';
  at_ = scanned_ = end + 1;
  return true;
}

std::optional<std::string> SseReader::flush() {
  if (!std::exchange(has_data_, false)) return std::nullopt;
  return std::exchange(data_, {});
}

std::optional<std::string> SseReader::next() {
  std::string_view line;
  while (takeLine(line)) {
    if (line.empty()) {
      if (auto event = flush()) return event;
      continue;
    }
    if (!line.starts_with("data:")) continue;  // comments, event names, ids
    line.remove_prefix(5);
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (std::exchange(has_data_, true)) data_ += '\n';
    data_ += line;
  }
  return std::nullopt;
}

std::optional<std::string> SseReader::rest() {
  if (at_ < buffer_.size()) {
    buffer_ += '\n';
    if (auto event = next()) return event;
  }
  return flush();
}

}  // namespace omni::openai_upstream
