#pragma once
// ChatEvents -> Anthropic messages: the event stream, or one message. Source of the wire: Anthropic
// API reference, "Streaming messages".

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/chat/codec.hpp"

namespace omni::anthropic {

struct MessageHead {
  std::string id;  // "msg_..."
  std::string model;
  int64_t input_tokens = 0;  // the estimate that stands until the provider has said more
  std::string request_id;
};

// Blocks come one after the other here, while a provider may mix its tool calls: what belongs to
// another block than the open one waits until that is closed. Not thread-safe.
class StreamEncoder final : public chat::StreamEncoder {
 public:
  explicit StreamEncoder(MessageHead head) : head_(std::move(head)) {}
  void onEvent(const chat::ChatEvent& event, std::string& out) override;
  void fail(const Error& error, std::string& out) override;
  void done(std::string& out) override;

 private:
  enum class Block { None, Text, Thinking, Tool };
  struct Waiting {
    chat::EventKind kind;
    std::string text;
    std::string id;
    std::string name;
  };

  void handle(const chat::ChatEvent& event, std::string& out);
  bool mustWait(const chat::ChatEvent& event) const;
  void start(std::string& out);
  void openBlock(Block block, std::string_view content_block, std::string& out);
  void delta(std::string_view type, std::string_view member, std::string_view text,
             std::string& out);
  void closeBlock(std::string& out);
  void releaseWaiting(std::string& out);

  MessageHead head_;
  chat::Usage usage_;
  Block block_ = Block::None;
  int index_ = -1;
  std::string open_tool_;
  std::vector<std::string> tools_;  // ids that have been started
  std::vector<Waiting> waiting_;
  std::string stop_sequence_;
  chat::Finish finish_ = chat::Finish::Stop;
  bool started_ = false;
  bool over_ = false;
};

// Collects a whole message. Not thread-safe.
class Collector final : public chat::AnswerCollector {
 public:
  explicit Collector(MessageHead head) : head_(std::move(head)) {}
  bool onEvent(const chat::ChatEvent& event) override;
  std::string json() const override;

 private:
  struct Block {
    chat::PartKind kind;
    std::string text;  // or arguments, or redacted data
    std::string signature;
    std::string id;
    std::string name;
    bool closed = false;
  };
  Block& last(chat::PartKind kind);

  MessageHead head_;
  std::vector<Block> blocks_;
  chat::Usage usage_;
  chat::Finish finish_ = chat::Finish::Stop;
  std::string stop_sequence_;
};

}  // namespace omni::anthropic
