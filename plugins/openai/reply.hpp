#pragma once
// The upstream's answer -> events: a stream of chunks, or one whole completion from a server that
// does not stream.
//
// Wire source: OpenAI API reference, "The chat completion chunk object". Also understood, because
// servers send them: reasoning_content and reasoning; content as a list of parts; tool calls
// without index or id, or with arguments as an object; errors inside the stream; a last event
// without its empty line; a stream that ends after finish_reason without [DONE].
//
// Not thread-safe. One per attempt.

#include <omniroute/sdk.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/openai/json.hpp"
#include "plugins/openai/sse.hpp"

namespace omni::openai_upstream {

class Reply {
 public:
  Reply(sdk::Call& call, sdk::EventSink& sink) : call_(call), sink_(sink) {}

  // The body of a streamed answer, in any pieces.
  sdk::Result<> feed(std::string_view bytes);
  // The body of an answer that is one JSON document.
  sdk::Result<> whole(std::string_view body);
  // After the last byte: the remaining tool calls, usage and FINISH. PROTOCOL when the answer was
  // cut off, EMPTY_RESPONSE when nothing was said.
  sdk::Result<> finish();

 private:
  struct Tool {
    int64_t index;
    std::string upstream_id;
    std::string id;  // unique within the answer
    std::string name;
    std::string pending;  // not yet passed on
    bool started = false;
  };

  sdk::Result<> onData(std::string_view data);
  sdk::Result<> onChunk(const json::object& chunk, const char* member);
  sdk::Result<> onContent(const json::value& content);
  sdk::Result<> onTool(const json::object& call);
  sdk::Result<> advance(Tool& tool);
  sdk::Result<> text(std::string_view delta);
  sdk::Result<> reasoning(std::string_view delta);
  Tool& toolFor(const json::object& call);
  std::string newId(std::string_view wanted);
  void onUsage(const json::object& usage);
  uint32_t finishReason() const;

  sdk::Call& call_;
  sdk::EventSink& sink_;
  SseReader reader_;
  std::vector<Tool> tools_;
  std::string finish_reason_;
  omni_usage_t usage_{-1, -1, -1, -1, -1, 0, 0};
  size_t characters_ = 0;
  bool started_ = false;
  bool content_ = false;
  bool done_ = false;
};

}  // namespace omni::openai_upstream
