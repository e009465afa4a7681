#pragma once
// The chat model that every client API is decoded into and every provider is fed from.
//
// Ownership: all string_views of a ChatRequest point into `backing` (whatever the codec put there:
// the parsed document, strings made on the way). Move it, never copy it; views stay valid as long
// as the request lives. Not thread-safe.

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace omni::chat {

enum class Role : uint32_t { System = 0, User = 1, Assistant = 2 };
// The numbers of Role, PartKind, ToolChoice, EventKind and Finish equal the plugin ABI's.
enum class PartKind : uint32_t {
  Text = 0,
  Image = 1,
  ToolCall = 2,
  ToolResult = 3,
  Reasoning = 4,
  RedactedReasoning = 5
};

struct Part {
  PartKind kind = PartKind::Text;
  bool is_error = false;     // ToolResult
  bool cache_point = false;  // prompt-cache boundary after this part
  std::string_view
      text;  // Text, Reasoning; ToolCall: arguments as raw JSON text; Image: URL when not inline
  std::string_view id;    // ToolCall, ToolResult
  std::string_view name;  // ToolCall
  std::string_view media_type;
  std::string_view data;  // Image: base64; RedactedReasoning: base64
  std::string_view signature;
  std::vector<Part> children;  // ToolResult content
};

struct Message {
  Role role = Role::User;
  std::vector<Part> parts;
};

struct Tool {
  std::string_view name;
  std::string_view description;
  std::string_view schema;  // raw JSON text; empty: no parameters
};

enum class ToolChoice : uint32_t { Auto = 0, None = 1, Required = 2, Named = 3 };

struct ChatRequest {
  std::string_view model;  // as the client wrote it
  std::string_view conversation_id;
  // What ties the requests of one conversation together for sticky routing: a session header,
  // metadata.user_id, prompt_cache_key. Empty: routing looks at the first turns instead.
  std::string_view session;
  // The account that must serve this (x-omniroute-connection of the request): its name,
  // provider/name or id. Empty: routing chooses.
  std::string_view connection;
  std::vector<Message> messages;
  std::vector<Tool> tools;
  ToolChoice tool_choice = ToolChoice::Auto;
  bool parallel_tool_calls = true;
  std::string_view tool_choice_name;
  std::vector<std::string_view> stop;
  std::string_view reasoning_effort;
  int64_t reasoning_budget = -1;
  int64_t max_tokens = -1;
  double temperature = std::numeric_limits<double>::quiet_NaN();
  double top_p = std::numeric_limits<double>::quiet_NaN();
  std::string_view response_format;  // raw JSON
  bool stream = false;
  bool include_usage = false;  // OpenAI stream_options.include_usage

  std::shared_ptr<void> backing;
};

enum class EventKind : uint32_t {
  Started = 0,
  Text = 1,
  Reasoning = 2,
  ReasoningSignature = 3,
  RedactedReasoning = 4,
  ToolStart = 5,
  ToolArguments = 6,
  ToolEnd = 7,
  Usage = 8,
  Finish = 9,
};
enum class Finish : uint32_t {
  Stop = 0,
  Length = 1,
  ToolCalls = 2,
  ContentFilter = 3,
  ContextLength = 4,
  Pause = 5
};

struct Usage {
  int64_t input_tokens = -1;
  int64_t output_tokens = -1;
  int64_t cache_read_tokens = -1;
  int64_t cache_write_tokens = -1;
  double credits = -1;
  bool estimated = false;
};

// Borrowed views, valid during the call that passes the event.
struct ChatEvent {
  EventKind kind = EventKind::Started;
  std::string_view text;
  std::string_view id;
  std::string_view name;
  const Usage* usage = nullptr;
  Finish finish = Finish::Stop;
};

// Receives a provider's events on the request's thread. May block (back-pressure).
class EventSink {
 public:
  virtual ~EventSink() = default;
  // False: the client is gone; the provider must stop.
  virtual bool onEvent(const ChatEvent& event) = 0;
  // From hold() to release() more events, or the call's end, are certain to follow without a wait,
  // so that what arrived together may leave together. Events stay events: nothing is merged or
  // delayed.
  virtual void hold() {}
  virtual void release() {}
  // The provider reads the request no more.
  virtual void requestDone() {}
};

}  // namespace omni::chat
