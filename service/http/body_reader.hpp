#pragma once
// Reads a request body from a Poco session. Internal to service/http.
//
// Poco 1.11's own chunked stream cannot be used: it takes a malformed chunk header for the end of
// the body, so that what follows would be parsed as the next request, and reading once more after
// the end blocks (Poco GH #3147).

#include <Poco/Net/HTTPServerSession.h>

#include <cstdint>
#include <string>

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

enum class BodyStatus { Ok, TooLarge, Malformed, Truncated, TimedOut };

// Both never throw. After anything but Ok the connection cannot be used for another request.
BodyStatus readFixedBody(Session& session, uint64_t length, std::string& out);
BodyStatus readChunkedBody(Session& session, size_t max_body, std::string& out);

}  // namespace omni::http
