// Whatever a provider sends, in whatever order, each API's stream stays parseable and well ordered,
// also when it is cut after any event by an end or a failure.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/anthropic/codec.hpp"
#include "core/json/document.hpp"
#include "core/openai/codec.hpp"
#include "core/responses/codec.hpp"

namespace omni::chat {
namespace {

struct Frame {
  std::string event;
  std::string data;
};

// Fails the test when the bytes are not whole server-sent events with one line of data each.
std::vector<Frame> frames(const std::string& bytes) {
  std::vector<Frame> out;
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t end = bytes.find("\n\n", at);
    if (end == std::string::npos) {
      ADD_FAILURE() << "the last frame is not whole: " << bytes.substr(at);
      return out;
    }
    std::string text = bytes.substr(at, end - at);
    at = end + 2;
    Frame frame;
    if (text.starts_with("event: ")) {
      const size_t line = text.find('\n');
      frame.event = text.substr(7, line - 7);
      text.erase(0, line + 1);
    }
    EXPECT_TRUE(text.starts_with("data: ")) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    frame.data = text.substr(6);
    out.push_back(std::move(frame));
  }
  return out;
}

std::string_view textOf(const json::Value& value, std::string_view name) {
  const auto found = value.find(name);
  return found.is(json::Kind::String) ? found.text() : std::string_view();
}

void checkChat(const std::string& bytes, bool failed) {
  const auto all = frames(bytes);
  ASSERT_FALSE(all.empty());
  std::set<std::string> tools;
  int finishes = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool last = i + 1 == all.size();
    if (all[i].data == "[DONE]") {
      EXPECT_TRUE(last && !failed);
      continue;
    }
    json::Document d;
    ASSERT_TRUE(d.parse(all[i].data)) << all[i].data;
    if (d.root().find("error")) {
      EXPECT_TRUE(last && failed);
      continue;
    }
    const auto choice = d.root().find("choices").first();
    if (!choice) continue;  // usage
    const auto delta = choice.find("delta");
    if (i == 0) {
      EXPECT_EQ(textOf(delta, "role"), "assistant");
    }
    if (choice.find("finish_reason").is(json::Kind::String)) ++finishes;
    for (auto call = delta.find("tool_calls").first(); call; call = call.next()) {
      const std::string index(call.find("index").raw());
      if (call.find("id")) {
        EXPECT_TRUE(tools.insert(index).second) << "a call is begun once";
      } else {
        EXPECT_TRUE(tools.contains(index)) << "arguments before their call";
      }
    }
  }
  EXPECT_LE(finishes, 1);
  if (!failed) {
    EXPECT_EQ(finishes, 1);
    EXPECT_EQ(all.back().data, "[DONE]");
  }
}

void checkMessages(const std::string& bytes, bool failed) {
  const auto all = frames(bytes);
  ASSERT_FALSE(all.empty());
  int open = -1;
  int next = 0;
  std::string kind;
  for (size_t i = 0; i < all.size(); ++i) {
    json::Document d;
    ASSERT_TRUE(d.parse(all[i].data)) << all[i].data;
    const std::string type(textOf(d.root(), "type"));
    EXPECT_EQ(type, all[i].event);
    const bool last = i + 1 == all.size();
    if (type == "error") {
      EXPECT_TRUE(failed && last);
      continue;
    }
    EXPECT_EQ(type == "message_start", i == 0);
    const auto index = d.root().find("index");
    if (type == "content_block_start") {
      EXPECT_EQ(open, -1) << "one block at a time";
      EXPECT_EQ(index.raw(), std::to_string(next));
      open = next++;
      kind = textOf(d.root().find("content_block"), "type");
    } else if (type == "content_block_delta") {
      EXPECT_EQ(index.raw(), std::to_string(open));
      const std::string delta(textOf(d.root().find("delta"), "type"));
      EXPECT_TRUE((kind == "text" && delta == "text_delta") ||
                  (kind == "tool_use" && delta == "input_json_delta") ||
                  (kind == "thinking" && (delta == "thinking_delta" || delta == "signature_delta")))
          << kind << " " << delta;
    } else if (type == "content_block_stop") {
      EXPECT_EQ(index.raw(), std::to_string(open));
      open = -1;
    } else if (type == "message_delta") {
      EXPECT_EQ(open, -1);
      EXPECT_EQ(i + 2, all.size());
    } else if (type == "message_stop") {
      EXPECT_TRUE(last && !failed);
    }
  }
  if (!failed) {
    EXPECT_EQ(all.back().event, "message_stop");
  }
}

void checkResponses(const std::string& bytes, bool failed) {
  const auto all = frames(bytes);
  ASSERT_GE(all.size(), 3u);
  EXPECT_EQ(all[0].event, "response.created");
  EXPECT_EQ(all[1].event, "response.in_progress");
  EXPECT_EQ(all.back().event, failed ? "response.failed" : "response.completed");
  std::map<std::string, std::string> items;  // output_index -> id while open
  std::map<std::string, std::string> texts;  // what the deltas of an item add up to
  for (size_t i = 0; i < all.size(); ++i) {
    json::Document d;
    ASSERT_TRUE(d.parse(all[i].data)) << all[i].data;
    EXPECT_EQ(textOf(d.root(), "type"), all[i].event);
    EXPECT_EQ(d.root().find("sequence_number").raw(), std::to_string(i));
    const std::string& type = all[i].event;
    const std::string index(d.root().find("output_index") ? d.root().find("output_index").raw()
                                                          : std::string_view());
    if (type == "response.output_item.added") {
      EXPECT_EQ(index, std::to_string(texts.size()));
      items[index] = textOf(d.root().find("item"), "id");
      texts[index];
    } else if (type == "response.output_item.done") {
      EXPECT_EQ(items[index], textOf(d.root().find("item"), "id"));
      items.erase(index);
    } else if (!index.empty()) {
      EXPECT_EQ(items[index], textOf(d.root(), "item_id")) << type;
      if (type.ends_with(".delta")) texts[index] += textOf(d.root(), "delta");
      if (type == "response.output_text.done") {
        EXPECT_EQ(texts[index], textOf(d.root(), "text"));
      }
      if (type == "response.function_call_arguments.done" && !texts[index].empty()) {
        EXPECT_EQ(texts[index], textOf(d.root(), "arguments"));
      }
    }
    if (type == "response.completed") {
      EXPECT_TRUE(items.empty());
      size_t outputs = 0;
      for (auto v = d.root().find("response").find("output").first(); v; v = v.next()) ++outputs;
      EXPECT_EQ(outputs, texts.size());
    }
  }
}

struct Api {
  const char* name;
  const ApiCodec* codec;
  const char* body;
  void (*check)(const std::string&, bool);
};

const openai::ChatCodec kChat;
const anthropic::MessagesCodec kMessages;
const responses::ResponsesCodec kResponses;

const Api kApis[] = {
    {"Chat", &kChat,
     R"({"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_usage":true}})",
     checkChat},
    {"Messages", &kMessages,
     R"({"model":"m","messages":[{"role":"user","content":"x"}],"stream":true})", checkMessages},
    {"Responses", &kResponses,
     R"({"model":"m","input":"x","stream":true,"include":["reasoning.encrypted_content"]})",
     checkResponses}};

class StreamProperty : public ::testing::TestWithParam<Api> {};

TEST_P(StreamProperty, AnyEventsCutAnywhere) {
  auto call = GetParam().codec->decode(GetParam().body);
  ASSERT_TRUE(call) << call.error().message;
  const AnswerHead head{"0123456789abcdef0123456789abcdef", 1'700'000'000, "req"};
  const std::vector<std::string> texts = {
      "", "a", "line\nline", "\"\\\x01", "\xf0\x9f\x98\x80", "data: x\n\n"};
  const std::vector<std::string> ids = {"t1", "t2", "t3", ""};
  Usage usage;
  usage.input_tokens = 5;
  usage.credits = 0.5;
  std::mt19937 random(20240817);  // the same events every time
  const auto pick = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (int round = 0; round < 400; ++round) {
    std::vector<ChatEvent> events(pick(30));
    for (ChatEvent& event : events) {
      event.kind = static_cast<EventKind>(pick(9));  // all but Finish
      event.text = texts[pick(texts.size())];
      event.id = ids[pick(ids.size())];
      event.name = "f";
      event.usage = pick(4) ? &usage : nullptr;
    }
    for (const bool failed : {false, true}) {
      const auto encoder = (*call)->stream(head);
      std::string bytes;
      for (const ChatEvent& event : events) encoder->onEvent(event, bytes);
      Error error;
      error.kind = FailureKind::Upstream;
      error.message = "it \"broke\"\n";
      if (failed)
        encoder->fail(error, bytes);
      else
        encoder->done(bytes);
      const size_t size = bytes.size();
      encoder->done(bytes);
      encoder->fail(error, bytes);
      if (failed) {
        EXPECT_EQ(bytes.size(), size) << "nothing follows the end";
      }
      bytes.resize(size);
      GetParam().check(bytes, failed);
      if (::testing::Test::HasFailure()) {
        FAIL() << "round " << round << ":\n" << bytes;
      }
    }
    const auto collector = (*call)->whole(head);
    for (const ChatEvent& event : events) collector->onEvent(event);
    json::Document document;
    const std::string body = collector->json();
    ASSERT_TRUE(document.parse(body)) << body;
  }
}

INSTANTIATE_TEST_SUITE_P(Apis, StreamProperty, ::testing::ValuesIn(kApis),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace omni::chat
