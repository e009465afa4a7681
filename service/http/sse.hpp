#pragma once
// Server-sent events over a ResponseWriter (WHATWG HTML, section 9.2). While the handler is silent,
// the server itself sends
// ": keep-alive" comments (ServerOptions::keep_alive_comment_ms), always between two whole events.

#include "service/http/route.hpp"

namespace omni::http {

// Starts a 200 event stream. X-Accel-Buffering keeps nginx from holding the frames back.
inline bool startSse(ResponseWriter& writer) {
  writer.setHeader("Cache-Control", "no-cache");
  writer.setHeader("X-Accel-Buffering", "no");
  return writer.startStream(200, "text/event-stream; charset=utf-8");
}

}  // namespace omni::http
