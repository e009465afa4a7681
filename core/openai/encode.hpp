#pragma once
// ChatEvents -> OpenAI chat completions: SSE frames, or one JSON body. Source of the wire: OpenAI
// API reference, "Chat completion object" and "chunk object"; reasoning_content as DeepSeek and
// most clients know it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/chat/codec.hpp"
#include "core/chat/model.hpp"

namespace omni::openai {

// Appends frames to a buffer that the caller reuses. Not thread-safe. One per answer.
class StreamEncoder final : public chat::StreamEncoder {
 public:
  StreamEncoder(std::string_view id, int64_t created_s, std::string_view model, bool include_usage);
  void onEvent(const chat::ChatEvent& event, std::string& out) override;
  // The in-band error; nothing may follow it, [DONE] least of all.
  void fail(const Error& error, std::string& out) override;
  // The finish chunk when none was sent, usage chunk when asked for, then [DONE].
  void done(std::string& out) override;

 private:
  void open(std::string& out);  // up to the delta's opening brace
  void close(std::string& out, std::string_view finish_reason);
  void role(std::string& out);
  size_t indexOf(std::string_view tool_id) const;

  std::string prefix_;  // {"id":…,"choices":[{"index":0,"delta":
  std::string usage_prefix_;
  std::vector<std::string> tool_ids_;
  chat::Usage usage_;
  bool include_usage_;
  bool started_ = false;
  bool has_usage_ = false;
  bool tool_ended_ = false;
  bool finished_ = false;
  bool failed_ = false;
};

// Collects a whole answer. Not thread-safe.
class Collector final : public chat::AnswerCollector {
 public:
  Collector(std::string id, int64_t created_s, std::string model);
  bool onEvent(const chat::ChatEvent& event) override;
  std::string json() const override;

 private:
  struct ToolCall {
    std::string id;
    std::string name;
    std::string arguments;
  };
  std::string id_;
  int64_t created_s_;
  std::string model_;
  std::string text_;
  std::string reasoning_;
  std::vector<ToolCall> tools_;
  chat::Usage usage_;
  chat::Finish finish_ = chat::Finish::Stop;
  bool tool_ended_ = false;
  bool finished_ = false;
};

std::string_view finishReason(chat::Finish finish);

}  // namespace omni::openai
