#include "core/openai/encode.hpp"

#include <gtest/gtest.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <random>

namespace omni::openai {
namespace {

namespace json = boost::json;
using chat::ChatEvent;
using chat::EventKind;
using chat::Finish;

struct Step {
  EventKind kind;
  std::string text, id, name;
  Finish finish = Finish::Stop;
};

chat::Usage someUsage() {
  chat::Usage usage;
  usage.input_tokens = 10;
  usage.output_tokens = 4;
  usage.credits = 0.25;
  return usage;
}

void play(const Step& step, const std::function<void(const ChatEvent&)>& to) {
  const chat::Usage usage = someUsage();
  ChatEvent event;
  event.kind = step.kind;
  event.text = step.text;
  event.id = step.id;
  event.name = step.name;
  event.finish = step.finish;
  if (step.kind == EventKind::Usage) event.usage = &usage;
  to(event);
}

// The payloads of the frames; checks their form.
std::vector<std::string> frames(std::string_view out) {
  std::vector<std::string> list;
  while (!out.empty()) {
    EXPECT_TRUE(out.starts_with("data: "));
    const size_t end = out.find("\n\n");
    if (end == std::string_view::npos) {
      ADD_FAILURE() << "a frame is not closed";
      break;
    }
    list.emplace_back(out.substr(6, end - 6));
    EXPECT_EQ(list.back().find('\n'), std::string::npos);
    out.remove_prefix(end + 2);
  }
  return list;
}

std::string stream(const std::vector<Step>& steps, bool usage) {
  StreamEncoder encoder("id", 7, "m\"odel", usage);
  std::string out;
  for (const Step& step : steps)
    play(step, [&](const ChatEvent& event) { encoder.onEvent(event, out); });
  encoder.done(out);
  return out;
}

json::value whole(const std::vector<Step>& steps) {
  Collector collector("id", 7, "m\"odel");
  for (const Step& step : steps)
    play(step, [&](const ChatEvent& event) { EXPECT_TRUE(collector.onEvent(event)); });
  return json::parse(collector.json());
}

TEST(StreamEncoder, OrderOfTheFrames) {
  const auto list = frames(stream({{EventKind::Started, {}, {}, {}},
                                   {EventKind::Text, "a\"\n", {}, {}},
                                   {EventKind::Usage, {}, {}, {}},
                                   {EventKind::Finish, {}, {}, {}}},
                                  true));
  ASSERT_EQ(list.size(), 5u);
  EXPECT_EQ(json::parse(list[0]).at("choices").at(0).at("delta").at("role").as_string(),
            "assistant");
  EXPECT_EQ(json::parse(list[0]).at("model").as_string(), "m\"odel");
  EXPECT_EQ(json::parse(list[1]).at("choices").at(0).at("delta").at("content").as_string(),
            "a\"\n");
  EXPECT_EQ(json::parse(list[2]).at("choices").at(0).at("finish_reason").as_string(), "stop");
  const json::value usage = json::parse(list[3]);
  EXPECT_TRUE(usage.at("choices").as_array().empty());
  EXPECT_EQ(usage.at("usage").at("total_tokens").as_int64(), 14);
  EXPECT_EQ(usage.at("usage").at("credits").as_double(), 0.25);
  EXPECT_EQ(list[4], "[DONE]");
}

TEST(StreamEncoder, NoUsageUnlessAsked) {
  EXPECT_EQ(stream({{EventKind::Text, "a", {}, {}},
                    {EventKind::Usage, {}, {}, {}},
                    {EventKind::Finish, {}, {}, {}}},
                   false)
                .find("total_tokens"),
            std::string::npos);
}

TEST(StreamEncoder, FailureIsInBandWithoutDone) {
  StreamEncoder encoder("id", 7, "m", true);
  std::string out;
  play({EventKind::Text, "half", {}, {}},
       [&](const ChatEvent& event) { encoder.onEvent(event, out); });
  encoder.fail(makeError(FailureKind::Upstream, "broke off").error(), out);
  const auto list = frames(out);
  EXPECT_EQ(json::parse(list.back()).at("error").at("message").as_string(), "broke off");
  EXPECT_EQ(out.find("[DONE]"), std::string::npos);
}

TEST(Collector, OnlyToolCallsMeansNullContent) {
  const auto body = whole({{EventKind::ToolStart, {}, "t", "f"},
                           {EventKind::ToolArguments, "{}", "t", {}},
                           {EventKind::Finish, {}, {}, {}, Finish::ToolCalls}});
  const auto& choice = body.at("choices").at(0);
  EXPECT_TRUE(choice.at("message").at("content").is_null());
  EXPECT_EQ(choice.at("finish_reason").as_string(), "tool_calls");
  EXPECT_EQ(choice.at("message").at("tool_calls").at(0).at("id").as_string(), "t");
}

// Whatever the order of events, a client that adds up the stream holds what the other client gets
// in one body.
TEST(EncoderAndCollector, SayTheSame) {
  std::mt19937 random(42);
  const std::vector<std::string> kTexts{
      "a", "\"", "\\", "\n\t\x01", "\xc3\xa9", "\xf0\x9f\x98\x80", "</script>", "data: x\r\n"};
  for (int round = 0; round < 300; ++round) {
    std::vector<Step> steps{{EventKind::Started, {}, {}, {}}};
    size_t tools = 0;
    for (size_t i = random() % 20; i > 0; --i) {
      const std::string& text = kTexts[random() % kTexts.size()];
      switch (random() % 5) {
        case 0:
        case 1:
          steps.push_back({EventKind::Text, text, {}, {}});
          break;
        case 2:
          steps.push_back({EventKind::Reasoning, text, {}, {}});
          break;
        case 3: {
          const std::string id = "t" + std::to_string(tools++);
          steps.push_back({EventKind::ToolStart, {}, id, "f" + text});
          steps.push_back({EventKind::ToolArguments, "{", id, {}});
          break;
        }
        default:
          if (tools)
            steps.push_back(
                {EventKind::ToolArguments, text, "t" + std::to_string(random() % tools), {}});
      }
    }
    steps.push_back({EventKind::Usage, {}, {}, {}});
    steps.push_back({EventKind::Finish, {}, {}, {}, static_cast<Finish>(random() % 6)});

    std::string text, reasoning, finish;
    std::vector<std::array<std::string, 3>> calls;
    int finishes = 0;
    for (const std::string& frame : frames(stream(steps, true))) {
      if (frame == "[DONE]") continue;
      const json::value chunk = json::parse(frame);
      if (chunk.at("choices").as_array().empty()) continue;
      const auto& choice = chunk.at("choices").at(0);
      if (choice.at("finish_reason").is_string()) {
        ++finishes;
        finish = choice.at("finish_reason").as_string().c_str();
      }
      const auto& delta = choice.at("delta").as_object();
      if (const auto* v = delta.if_contains("content")) text += v->as_string().c_str();
      if (const auto* v = delta.if_contains("reasoning_content"))
        reasoning += v->as_string().c_str();
      if (const auto* v = delta.if_contains("tool_calls")) {
        const auto& call = v->at(0).as_object();
        const auto index = static_cast<size_t>(call.at("index").as_int64());
        if (call.if_contains("id")) {
          ASSERT_EQ(index, calls.size());
          calls.push_back({call.at("id").as_string().c_str(),
                           call.at("function").at("name").as_string().c_str(), ""});
        }
        calls.at(index)[2] += call.at("function").at("arguments").as_string().c_str();
      }
    }
    EXPECT_EQ(finishes, 1);
    const json::value body = whole(steps);
    const auto& choice = body.at("choices").at(0);
    const auto& message = choice.at("message").as_object();
    EXPECT_EQ(choice.at("finish_reason").as_string(), finish);
    EXPECT_EQ(message.at("content").is_null() ? "" : message.at("content").as_string().c_str(),
              text);
    EXPECT_EQ(message.if_contains("reasoning_content")
                  ? message.at("reasoning_content").as_string().c_str()
                  : "",
              reasoning);
    ASSERT_EQ(message.if_contains("tool_calls") ? message.at("tool_calls").as_array().size() : 0,
              calls.size());
    for (size_t i = 0; i < calls.size(); ++i) {
      const auto& call = message.at("tool_calls").at(i);
      EXPECT_EQ(call.at("id").as_string(), calls[i][0]);
      EXPECT_EQ(call.at("function").at("name").as_string(), calls[i][1]);
      EXPECT_EQ(call.at("function").at("arguments").as_string(), calls[i][2]);
    }
  }
}

TEST(StreamEncoder, ExactlyOneFinish) {
  const auto count = [](const std::string& out, std::string_view what) {
    size_t n = 0;
    for (size_t at = out.find(what); at != std::string::npos; at = out.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count(stream({{EventKind::Text, "a", {}, {}}}, false), "\"finish_reason\":\"stop\""),
            1u);
  const std::vector<Step> tool{{EventKind::ToolStart, {}, "t", "f"},
                               {EventKind::ToolEnd, {}, "t", {}}};
  EXPECT_EQ(count(stream(tool, false), "\"finish_reason\":\"tool_calls\""), 1u);
  auto twice = tool;
  twice.push_back({EventKind::Finish, {}, {}, {}});
  twice.push_back({EventKind::Finish, {}, {}, {}, Finish::Length});
  EXPECT_EQ(count(stream(twice, false), "\"finish_reason\":\"tool_calls\""), 1u);
  EXPECT_EQ(count(stream(twice, false), "\"finish_reason\":\"length\""), 0u);
  EXPECT_EQ(whole(twice).at("choices").at(0).at("finish_reason").as_string(), "tool_calls");
}

TEST(StreamEncoder, NothingFollowsAFailure) {
  StreamEncoder encoder("id", 7, "m", true);
  std::string out;
  encoder.fail(makeError(FailureKind::Upstream, "broke off").error(), out);
  const std::string before = out;
  play({EventKind::Text, "late", {}, {}}, [&](const ChatEvent& e) { encoder.onEvent(e, out); });
  encoder.done(out);
  EXPECT_EQ(out, before);
}

}  // namespace
}  // namespace omni::openai
