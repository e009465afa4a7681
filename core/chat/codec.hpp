#pragma once
// What the doors need of an API's wire form. One codec per API (core/openai, core/anthropic,
// core/responses); the pipeline of service/http runs all of them the same way.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/chat/model.hpp"

namespace omni::chat {

// What an answer is named by. The views outlive the encoder or collector that is made from it; the
// request need not.
struct AnswerHead {
  std::string_view id;          // lower-case hex, at least 24 digits; the codec adds its prefix
  int64_t created_s = 0;        // Unix time
  std::string_view request_id;  // for error bodies
};

// Events in, frames out, appended to a buffer that the caller reuses. One per answer, not
// thread-safe. Whatever comes in, in whatever order, what goes out is well-formed.
class StreamEncoder {
 public:
  virtual ~StreamEncoder() = default;
  virtual void onEvent(const ChatEvent& event, std::string& out) = 0;
  // The in-band error. Nothing follows it: later calls append nothing.
  virtual void fail(const Error& error, std::string& out) = 0;
  // Everything that a complete answer still lacks.
  virtual void done(std::string& out) = 0;
};

// Collects a whole answer. Not thread-safe.
class AnswerCollector : public EventSink {
 public:
  virtual std::string json() const = 0;
};

// One decoded request together with what only its own API knows of it.
class ApiCall {
 public:
  virtual ~ApiCall() = default;
  virtual std::unique_ptr<StreamEncoder> stream(const AnswerHead& head) const = 0;
  virtual std::unique_ptr<AnswerCollector> whole(const AnswerHead& head) const = 0;

  // Frees what the request holds; answers that were begun go on. For when nobody reads it any more.
  void release() { request = {}; }

  ChatRequest request;
};

// Stateless and thread-safe.
class ApiCodec {
 public:
  virtual ~ApiCodec() = default;
  virtual std::string_view api() const = 0;  // "chat", "messages", "responses"
  // Pure function of the bytes. Errors: BadRequest or Unsupported with the member's path in `field`
  // or the byte offset in the message.
  virtual Result<std::unique_ptr<ApiCall>> decode(std::string body) const = 0;
  virtual int errorStatus(const Error& error) const = 0;
  virtual std::string errorBody(const Error& error, std::string_view request_id) const = 0;
  // What is sent on a stream while upstream is silent; a whole frame.
  virtual std::string_view keepAlive() const = 0;
  // A second name under which this API's clients read the request's id; empty: none.
  virtual std::string_view requestIdHeader() const { return {}; }
};

}  // namespace omni::chat
