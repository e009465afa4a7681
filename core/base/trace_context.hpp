#pragma once
// Which request a thread works for, so that log lines and outgoing calls can name it without every
// function in between passing it on. Source: W3C Trace Context, version 00.
//
// Set by whoever runs a request on a thread; seen by that thread only.

#include <optional>
#include <string>
#include <string_view>

namespace omni {

struct TraceContext {
  std::string trace_id;   // 32 lower-case hex digits
  std::string parent_id;  // 16: the caller's span
  std::string flags;      // 2

  // nullopt for what is no traceparent.
  static std::optional<TraceContext> parse(std::string_view traceparent);
  // The header for a call made under this one.
  std::string header(std::string_view span_id) const;
};

// While it lives, the thread works for this request. Scopes nest.
class TraceScope {
 public:
  TraceScope(std::string_view request_id, const std::optional<TraceContext>& trace);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

  // Of the innermost scope of this thread; empty or nullptr outside.
  static std::string_view requestId();
  static const TraceContext* trace();

 private:
  std::string request_id_;
  std::optional<TraceContext> trace_;
  TraceScope* outer_;
};

}  // namespace omni
