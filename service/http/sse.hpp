#pragma once
// Server-sent events over a ResponseWriter (WHATWG HTML, section 9.2). While the handler is silent,
// the server itself sends keep-alives, ": keep-alive" comments unless planSse() says otherwise
// (ServerOptions::keep_alive_comment_ms), always between two whole events.

#include <string>
#include <utility>

#include "service/http/route.hpp"

namespace omni::http {

inline constexpr const char* kEventStream = "text/event-stream; charset=utf-8";

// Starts a 200 event stream. X-Accel-Buffering keeps nginx from holding the frames back.
inline bool startSse(ResponseWriter& writer) {
  writer.setHeader("Cache-Control", "no-cache");
  writer.setHeader("X-Accel-Buffering", "no");
  return writer.startStream(200, kEventStream);
}

// The same, but only once the handler has been silent for long: see ResponseWriter::planStream().
inline void planSse(ResponseWriter& writer, std::string keep_alive) {
  writer.setHeader("Cache-Control", "no-cache");
  writer.setHeader("X-Accel-Buffering", "no");
  writer.planStream({200, kEventStream, std::move(keep_alive)});
}

}  // namespace omni::http
