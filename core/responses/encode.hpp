#pragma once
// ChatEvents -> OpenAI responses: the event stream, or one response. Source of the wire: OpenAI API
// reference, "The Response object" and "Streaming events".

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/chat/codec.hpp"
#include "core/responses/decode.hpp"

namespace omni::responses {

// Every event carries the next sequence_number. Several function calls may be open at once: their
// output_index tells them apart. Not thread-safe. Keeps its own copy of `echo`: the end of an
// answer repeats members of a request that may have been freed.
class StreamEncoder final : public chat::StreamEncoder {
 public:
  // `id`: hex, from which the ids of the response and its items are made.
  StreamEncoder(std::string id, int64_t created_s, std::string model, const Echo& echo);
  StreamEncoder(const StreamEncoder&) = delete;
  StreamEncoder& operator=(const StreamEncoder&) = delete;
  void onEvent(const chat::ChatEvent& event, std::string& out) override;
  void fail(const Error& error, std::string& out) override;
  void done(std::string& out) override;
  // The response object as it stands.
  void appendResponse(std::string& out) const;

 private:
  struct Item {
    chat::PartKind kind;
    std::string id;
    std::string text;  // of a message or reasoning; a call's arguments
    std::string call_id;
    std::string name;
    std::string encrypted;
    bool summary = false;  // the reasoning's summary part has been opened
    bool done = false;
  };

  void start(std::string& out);
  void begin(std::string& out, std::string_view type);
  void place(std::string& out, size_t index) const;  // item_id and output_index
  size_t openItem(chat::PartKind kind, std::string& out, std::string_view call_id = {},
                  std::string_view name = {});
  size_t current(chat::PartKind kind, std::string& out);
  void closeItem(size_t index, std::string& out);
  void closeOpenText(std::string& out);
  size_t callOf(std::string_view id) const;
  void appendItem(std::string& out, const Item& item) const;
  std::string_view status() const;

  std::string id_;
  int64_t created_s_;
  std::string model_;
  std::string echo_text_;  // what echo_ points into
  Echo echo_;
  std::vector<Item> items_;
  chat::Usage usage_;
  bool has_usage_ = false;
  chat::Finish finish_ = chat::Finish::Stop;
  Error error_;
  int64_t sequence_ = 0;
  bool started_ = false;
  bool finished_ = false;
  bool failed_ = false;
};

// Collects a whole response. Not thread-safe.
class Collector final : public chat::AnswerCollector {
 public:
  Collector(std::string id, int64_t created_s, std::string model, const Echo& echo)
      : encoder_(std::move(id), created_s, std::move(model), echo) {}
  bool onEvent(const chat::ChatEvent& event) override;
  std::string json() const override;

 private:
  mutable StreamEncoder encoder_;  // its frames are dropped, its response is the answer
  mutable std::string frames_;
};

}  // namespace omni::responses
