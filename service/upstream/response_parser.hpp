#pragma once
// Reads one HTTP/1.x answer (RFC 9112) from bytes as they arrive. It knows the end of the body from
// the framing alone, so a body that was cut short is never taken for a whole one. No I/O, no clock.
// One thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/upstream.hpp"

namespace omni::upstream {

class ResponseParser {
 public:
  // Both callbacks must outlive the parser. `head_request`: the answer has no body whatever its
  // headers say.
  ResponseParser(bool head_request, const UpstreamClient::OnResponse& on_response,
                 const UpstreamClient::OnBody& on_body)
      : head_request_(head_request), on_response_(on_response), on_body_(on_body) {}

  // Protocol for a malformed answer, otherwise what a callback returned. Body bytes are passed on
  // before it returns.
  Result<> feed(std::string_view bytes);
  // The peer closed: success when that is how this body ends, otherwise Network ("cut short").
  Result<> end();

  bool done() const { return state_ == State::Done; }
  bool anyBytes() const { return any_bytes_; }
  bool headDone() const { return head_done_; }  // the final (not 1xx) head has been read
  // After done(): the connection may carry another request (keep-alive, and nothing came after the
  // body).
  bool reusable() const { return done() && keep_alive_ && !surplus_; }

 private:
  enum class State { Head, Length, UntilClose, ChunkSize, ChunkData, ChunkEnd, Trailer, Done };

  Result<> takeHead();
  Result<> chooseBody(int status, int minor, const std::vector<HttpHeader>& headers);
  Result<> takeChunkSize(std::string_view line);
  // The next line without its CRLF, from `bytes` or, begun earlier, from line_; nullopt: its end
  // has not come yet. Valid until the next call.
  Result<std::optional<std::string_view>> takeLine(std::string_view& bytes, size_t limit);

  bool head_request_;
  const UpstreamClient::OnResponse& on_response_;
  const UpstreamClient::OnBody& on_body_;
  State state_ = State::Head;
  std::string head_;
  std::string line_;  // what of it came in earlier pieces
  bool line_whole_ = false;
  uint64_t left_ = 0;
  size_t trailer_bytes_ = 0;
  bool any_bytes_ = false;
  bool head_done_ = false;
  bool keep_alive_ = false;
  bool surplus_ = false;
};

}  // namespace omni::upstream
