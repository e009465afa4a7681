#pragma once
// Decoder of application/vnd.amazon.eventstream. Wire source: kiro-protocol F.1.
//   total u32 | headers length u32 | CRC-32 of these 8 | headers | payload | CRC-32 of all before;
//   big-endian
//
// Not thread-safe. Views in a frame are valid until the next call. After an error the decoder stays
// failed: a broken frame means that the position in the stream is lost.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace omni::kiro {

uint32_t crc32(std::string_view data);  // CRC-32/ISO-HDLC, as zlib

struct Frame {
  std::string_view message_type;    // event, exception, error
  std::string_view event_type;      // of an event
  std::string_view exception_type;  // of an exception
  std::string_view error_code;      // of an error
  std::string_view error_message;
  std::string_view payload;
};

class EventStreamDecoder {
 public:
  static constexpr size_t kLargestFrame = 16u << 20;
  static constexpr size_t kLargestHeaders = 128u << 10;

  void feed(std::string_view bytes);
  // True and fills the frame; false when more bytes are needed; an error text when the stream is
  // broken.
  std::expected<bool, std::string> next(Frame& frame);
  // Bytes of an unfinished frame at the end of the stream: it was cut short.
  bool hasPartialFrame() const { return position_ < buffer_.size(); }

 private:
  std::string buffer_;
  size_t position_ = 0;
  std::string failure_;
};

}  // namespace omni::kiro
