#include "service/upstream/response_parser.hpp"

#include <algorithm>
#include <charconv>

#include "core/base/ascii.hpp"

namespace omni::upstream {

namespace {

constexpr size_t kMaxHead = 64 * 1024;
constexpr size_t kUsualHead = 1024;
constexpr size_t kUsualHeaders = 16;
constexpr size_t kMaxChunkLine = 4096;
constexpr size_t kMaxTrailer = 16 * 1024;

std::unexpected<Error> malformed(const char* what) {
  return makeError(FailureKind::Protocol,
                   std::string("the upstream's HTTP answer is malformed: ") + what);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether a comma-separated list (Connection) holds the word.
bool listHas(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (equalsIgnoringCase(trim(list.substr(0, comma)), word)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

Result<std::optional<std::string_view>> ResponseParser::takeLine(std::string_view& bytes,
                                                                 size_t limit) {
  const size_t newline = bytes.find('\n');
  std::string_view line = bytes.substr(0, newline);
  // A line of the last call that was whole is done with.
  if (line_whole_) line_.clear();
  line_whole_ = newline != std::string_view::npos;
  if (line_.size() + line.size() > limit) return malformed("a line is too long");
  if (!line_whole_ || !line_.empty()) {
    line_ += line;
    line = line_;
  }
  if (!line_whole_) {
    bytes = {};
    return std::nullopt;
  }
  bytes.remove_prefix(newline + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Result<> ResponseParser::feed(std::string_view bytes) {
  if (!bytes.empty()) any_bytes_ = true;
  while (!bytes.empty()) {
    switch (state_) {
      case State::Head: {
        auto line = takeLine(bytes, kMaxHead);
        if (!line) return std::unexpected(std::move(line.error()));
        if (!*line) return {};
        if (head_.empty() && (*line)->empty())
          break;  // an empty line before the status line is allowed
        if (head_.size() + (*line)->size() > kMaxHead) return malformed("the headers are too long");
        if (!(*line)->empty()) {
          if (head_.empty()) head_.reserve(kUsualHead);
          head_ += **line;
          head_ += '\n';
          break;
        }
        if (auto taken = takeHead(); !taken) return taken;
        break;
      }
      case State::Length:
      case State::ChunkData: {
        const std::string_view piece =
            bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, bytes.size())));
        bytes.remove_prefix(piece.size());
        left_ -= piece.size();
        if (left_ == 0) state_ = state_ == State::Length ? State::Done : State::ChunkEnd;
        if (auto given = on_body_(piece); !given) return given;
        break;
      }
      case State::UntilClose: {
        auto given = on_body_(bytes);
        bytes = {};
        if (!given) return given;
        break;
      }
      case State::ChunkSize: {
        auto line = takeLine(bytes, kMaxChunkLine);
        if (!line) return std::unexpected(std::move(line.error()));
        if (!*line) return {};
        if (auto taken = takeChunkSize(**line); !taken) return taken;
        break;
      }
      case State::ChunkEnd: {
        auto line = takeLine(bytes, 2);
        if (!line) return std::unexpected(std::move(line.error()));
        if (!*line) return {};
        if (!(*line)->empty()) return malformed("a chunk is longer than it says");
        state_ = State::ChunkSize;
        break;
      }
      case State::Trailer: {
        auto line = takeLine(bytes, kMaxTrailer);
        if (!line) return std::unexpected(std::move(line.error()));
        if (!*line) return {};
        trailer_bytes_ += (*line)->size();
        if (trailer_bytes_ > kMaxTrailer) return malformed("the trailers are too long");
        if ((*line)->empty()) state_ = State::Done;
        break;
      }
      case State::Done:
        surplus_ = true;
        return {};
    }
  }
  return {};
}

Result<> ResponseParser::end() {
  if (state_ == State::UntilClose) {
    state_ = State::Done;
    keep_alive_ = false;
    return {};
  }
  if (state_ == State::Done) return {};
  return makeError(FailureKind::Network,
                   head_done_ ? "the upstream's answer was cut short"
                              : "the upstream closed the connection without an answer");
}

Result<> ResponseParser::takeHead() {
  std::string head;
  head.swap(head_);
  std::string_view rest = head;
  auto nextLine = [&rest] {
    const size_t newline = rest.find('\n');
    std::string_view line = rest.substr(0, newline);
    rest.remove_prefix(newline + 1);
    return line;
  };

  // HTTP/1.x SP 3DIGIT SP reason
  const std::string_view start = nextLine();
  int status = 0;
  if (start.size() < 12 || !start.starts_with("HTTP/1.") || (start[7] != '0' && start[7] != '1') ||
      start[8] != ' ' || (start.size() > 12 && start[12] != ' '))
    return malformed("no HTTP/1.x status line");
  auto [ptr, ec] = std::from_chars(start.data() + 9, start.data() + 12, status);
  if (ec != std::errc() || ptr != start.data() + 12 || status < 100)
    return malformed("no HTTP/1.x status line");

  std::vector<HttpHeader> headers;
  headers.reserve(kUsualHeaders);
  while (!rest.empty()) {
    const std::string_view line = nextLine();
    const size_t colon = line.find(':');
    // Folded lines are obsolete and a known way to hide a length from one of two readers.
    if (line.front() == ' ' || line.front() == '\t' || colon == std::string_view::npos ||
        colon == 0)
      return malformed("a header line without a name");
    headers.push_back({line.substr(0, colon), trim(line.substr(colon + 1))});
  }
  if (status < 200) {
    if (status == 101) return malformed("it switches protocols");
    return {};  // 100, 103: the real head follows
  }
  head_done_ = true;
  if (auto chosen = chooseBody(status, start[7] - '0', headers); !chosen) return chosen;
  return on_response_(status, headers);
}

Result<> ResponseParser::chooseBody(int status, int minor, const std::vector<HttpHeader>& headers) {
  keep_alive_ = minor >= 1;
  bool chunked = false;
  bool other_coding = false;
  bool has_length = false;
  uint64_t length = 0;
  for (const HttpHeader& header : headers) {
    if (equalsIgnoringCase(header.name, "connection")) {
      if (listHas(header.value, "close"))
        keep_alive_ = false;
      else if (minor == 0 && listHas(header.value, "keep-alive"))
        keep_alive_ = true;
    } else if (equalsIgnoringCase(header.name, "transfer-encoding")) {
      if (equalsIgnoringCase(header.value, "chunked"))
        chunked = true;
      else if (!equalsIgnoringCase(header.value, "identity"))
        other_coding = true;
    } else if (equalsIgnoringCase(header.name, "content-length")) {
      uint64_t value = 0;
      const std::string_view v = header.value;
      auto [ptr, ec] = std::from_chars(v.data(), v.data() + v.size(), value);
      if (v.empty() || ec != std::errc() || ptr != v.data() + v.size())
        return malformed("a bad Content-Length");
      if (has_length && value != length) return malformed("two different lengths");
      has_length = true;
      length = value;
    }
  }
  if (other_coding) return malformed("an unknown transfer coding");
  if (head_request_ || status == 204 || status == 304) {
    state_ = State::Done;
  } else if (chunked) {
    if (has_length) keep_alive_ = false;
    state_ = State::ChunkSize;
  } else if (has_length) {
    left_ = length;
    state_ = length == 0 ? State::Done : State::Length;
  } else {
    keep_alive_ = false;
    state_ = State::UntilClose;
  }
  return {};
}

Result<> ResponseParser::takeChunkSize(std::string_view line) {
  const std::string_view digits = trim(line.substr(0, line.find(';')));
  uint64_t size = 0;
  auto [ptr, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (digits.empty() || ec != std::errc() || ptr != digits.data() + digits.size())
    return malformed("a bad chunk size");
  left_ = size;
  state_ = size == 0 ? State::Trailer : State::ChunkData;
  return {};
}

}  // namespace omni::upstream
