#include "plugins/kiro/event_stream.hpp"

#include <array>
#include <optional>

namespace omni::kiro {
namespace {

constexpr size_t kPrelude = 12;
constexpr size_t kSmallest = 16;
constexpr size_t kUsualBuffer = 1024;

constexpr auto kCrcTable = [] {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    tables[0][i] = c;
  }
  for (uint32_t i = 0; i < 256; ++i)
    for (size_t t = 1; t < 8; ++t)
      tables[t][i] = tables[0][tables[t - 1][i] & 255] ^ (tables[t - 1][i] >> 8);
  return tables;
}();

uint32_t u32(std::string_view bytes, size_t at) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data()) + at;
  return uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | p[3];
}
size_t u16(std::string_view bytes, size_t at) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data()) + at;
  return size_t(p[0]) << 8 | p[1];
}

// Size of a value by its type; nullopt for an unknown type. Strings and bytes carry their length.
std::optional<size_t> valueSize(uint8_t type, std::string_view rest) {
  switch (type) {
    case 0:
    case 1:
      return 0;
    case 2:
      return 1;
    case 3:
      return 2;
    case 4:
      return 4;
    case 5:
    case 8:
      return 8;
    case 6:
    case 7:
      return rest.size() < 2 ? std::nullopt : std::optional(2 + u16(rest, 0));
    case 9:
      return 16;
    default:
      return std::nullopt;
  }
}

bool readHeaders(std::string_view headers, Frame& frame) {
  while (!headers.empty()) {
    const auto name_size = static_cast<unsigned char>(headers[0]);
    if (name_size == 0 || headers.size() < size_t(name_size) + 2) return false;
    const auto name = headers.substr(1, name_size);
    const auto type = static_cast<uint8_t>(headers[1 + name_size]);
    headers.remove_prefix(size_t(name_size) + 2);
    const auto size = valueSize(type, headers);
    if (!size || headers.size() < *size) return false;
    if (type == 7) {
      const auto value = headers.substr(2, *size - 2);
      if (name == ":message-type")
        frame.message_type = value;
      else if (name == ":event-type")
        frame.event_type = value;
      else if (name == ":exception-type")
        frame.exception_type = value;
      else if (name == ":error-code")
        frame.error_code = value;
      else if (name == ":error-message")
        frame.error_message = value;
    }
    headers.remove_prefix(*size);
  }
  return true;
}

}  // namespace

uint32_t crc32(std::string_view data) {
  uint32_t crc = 0xFFFFFFFFu;
  const auto* p = reinterpret_cast<const unsigned char*>(data.data());
  size_t n = data.size();
  const auto& t = kCrcTable;
  for (; n >= 8; n -= 8, p += 8) {
    crc ^= uint32_t(p[0]) | uint32_t(p[1]) << 8 | uint32_t(p[2]) << 16 | uint32_t(p[3]) << 24;
    crc = t[7][crc & 255] ^ t[6][(crc >> 8) & 255] ^ t[5][(crc >> 16) & 255] ^ t[4][crc >> 24] ^
          t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];
  }
  for (; n; --n, ++p) crc = t[0][(crc ^ *p) & 255] ^ (crc >> 8);
  return ~crc;
}

void EventStreamDecoder::feed(std::string_view bytes) {
  if (position_ > 0) {
    buffer_.erase(0, position_);
    position_ = 0;
  }
  // Events are mostly short, so that a few of them do not make it grow step by step.
  if (buffer_.capacity() < kUsualBuffer) buffer_.reserve(kUsualBuffer);
  buffer_.append(bytes);
}

std::expected<bool, std::string> EventStreamDecoder::next(Frame& frame) {
  const auto broken = [&](const char* why) {
    failure_ = why;
    return std::unexpected(failure_);
  };
  if (!failure_.empty()) return std::unexpected(failure_);
  const std::string_view rest = std::string_view(buffer_).substr(position_);
  if (rest.size() < kPrelude) return false;
  const size_t total = u32(rest, 0);
  const size_t headers = u32(rest, 4);
  if (crc32(rest.substr(0, 8)) != u32(rest, 8))
    return broken("event stream: wrong checksum of a frame's prelude");
  if (total < kSmallest || total > kLargestFrame || headers > total - kSmallest ||
      headers > kLargestHeaders)
    return broken("event stream: impossible frame length");
  if (rest.size() < total) return false;
  if (crc32(rest.substr(0, total - 4)) != u32(rest, total - 4))
    return broken("event stream: wrong checksum of a frame");
  frame = {};
  if (!readHeaders(rest.substr(kPrelude, headers), frame))
    return broken("event stream: malformed frame headers");
  frame.payload = rest.substr(kPrelude + headers, total - headers - kSmallest);
  position_ += total;
  return true;
}

}  // namespace omni::kiro
