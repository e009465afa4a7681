#pragma once
// Cuts a text/event-stream into the data of its events (WHATWG HTML, "Server-sent events": lines
// end with LF, CRLF or CR; several data lines of one event are joined with LF).
//
// Not thread-safe. Views are valid until the next feed().

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace omni::openai_upstream {

class SseReader {
 public:
  static constexpr size_t kMaxEvent = 16u << 20;

  void feed(std::string_view bytes);
  // The next whole event that has data; nullopt: more bytes are needed.
  std::optional<std::string> next();
  // Bytes of an event that was not ended by an empty line. Some servers leave the last one out.
  std::optional<std::string> rest();
  bool tooLong() const { return buffer_.size() - at_ + data_.size() > kMaxEvent; }

 private:
  bool takeLine(std::string_view& line);
  std::optional<std::string> flush();

  std::string buffer_;
  size_t at_ = 0;       // start of what is not consumed
  size_t scanned_ = 0;  // up to here no line end was found
  bool skip_lf_ = false;
  std::string data_;
  bool has_data_ = false;
};

}  // namespace omni::openai_upstream
