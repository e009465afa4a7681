#pragma once
// Reads a request body from a Poco session. Internal to service/http.
//
// Poco 1.11's own chunked stream cannot be used: it takes a malformed chunk header for the end of
// the body, so that what follows would be parsed as the next request, and reading once more after
// the end blocks (Poco GH #3147).

#include <Poco/Net/HTTPServerSession.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace omni::http {

// Makes the buffered reads of the session accessible.
class Session : public Poco::Net::HTTPServerSession {
 public:
  using HTTPServerSession::HTTPServerSession;
  using HTTPSession::buffered;
  using HTTPSession::get;
  using HTTPSession::peek;
  using HTTPSession::read;
};

// How fast a body has to come: one that drips in byte by byte would hold a thread for as long as
// its sender likes, since every read succeeds. Not thread-safe.
class BodyPace {
 public:
  // `now_ms`: a steady clock. Above `grace_ms`, and a second more for each 4 KiB that has come, the
  // body is late.
  BodyPace(std::function<int64_t()> now_ms, int64_t grace_ms)
      : now_ms_(std::move(now_ms)), grace_ms_(grace_ms), start_ms_(now_ms_()) {}
  bool late(uint64_t bytes) const;

 private:
  const std::function<int64_t()> now_ms_;
  const int64_t grace_ms_;
  const int64_t start_ms_;
};

enum class BodyStatus { Ok, TooLarge, Malformed, Truncated, TimedOut };

// Both never throw. After anything but Ok the connection cannot be used for another request.
BodyStatus readFixedBody(Session& session, uint64_t length, const BodyPace& pace, std::string& out);
BodyStatus readChunkedBody(Session& session, size_t max_body, const BodyPace& pace,
                           std::string& out);

}  // namespace omni::http
