#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// The binary frames of a streamed answer: a checked prelude, typed headers, a payload, a checksum
// over everything.
namespace omni::sim {

struct Timestamp {
  std::int64_t milliseconds;
  bool operator==(const Timestamp&) const = default;
};

struct Bytes {
  std::string value;
  bool operator==(const Bytes&) const = default;
};

struct UuidBytes {
  std::string value;  // 16 bytes
  bool operator==(const UuidBytes&) const = default;
};

using HeaderValue = std::variant<bool, std::int8_t, std::int16_t, std::int32_t, std::int64_t, Bytes,
                                 std::string, Timestamp, UuidBytes>;
using FrameHeaders = std::vector<std::pair<std::string, HeaderValue>>;

struct Frame {
  FrameHeaders headers;
  std::string payload;
};

std::uint32_t crc32(std::string_view data);

std::string encodeFrame(const FrameHeaders& headers, std::string_view payload);
std::string encodeEvent(std::string_view type, std::string_view payload,
                        std::string_view content_type = "application/json");
std::string encodeException(std::string_view member, std::string_view payload);
std::string encodeError(std::string_view code, std::string_view message);

// Reads one whole frame; nothing if a length or a checksum is wrong.
std::optional<Frame> decodeFrame(std::string_view bytes);

}  // namespace omni::sim
