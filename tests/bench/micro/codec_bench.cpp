// CPU of the three APIs' codecs: reading a coding agent's request of some 200 KB, and writing one
// streamed event. Build it optimised.
//
//   codec_bench [seconds per stage]

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/anthropic/codec.hpp"
#include "core/openai/codec.hpp"
#include "core/responses/codec.hpp"
#include "tests/bench/micro/stage.hpp"

namespace {

using namespace omni;

// How one API writes a conversation of user, call, result and answer, 50 times, with 40 tools.
struct Form {
  const chat::ApiCodec& codec;
  std::string head, tool_before, tool_between, tool_after, turns, user, call, result, answer;
};

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string filled(std::string text, int turn) {
  const auto put = [&](std::string_view mark, const std::string& value) {
    for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size())
      text.replace(at, mark.size(), value);
  };
  put("@ID", "call_" + std::to_string(turn));
  put("@TOOL", "tool_" + std::to_string(turn % 40));
  put("@TEXT", repeated("look at the file and go on. ", 12));
  put("@RESULT", repeated(R"(line of \"code\" with\ttabs\n)", 60));
  return text;
}

std::string request(const Form& form) {
  std::string properties;
  for (int i = 0; i < 8; ++i)
    properties += (i ? ",\"a" : "\"a") + std::to_string(i) +
                  R"(":{"type":"string","description":")" + repeated("what it is for ", 5) + "\"}";
  const std::string schema = R"({"type":"object","properties":{)" + properties + "}}";
  std::string out = form.head + R"("tools":[)";
  for (int i = 0; i < 40; ++i)
    out += (i ? "," : "") + form.tool_before + std::to_string(i) + R"(","description":")" +
           repeated("Does a thing for the agent. ", 15) + form.tool_between + schema +
           form.tool_after;
  out += "],\"" + form.turns + "\":[";
  for (int turn = 0; turn < 50; ++turn)
    out += (turn ? "," : "") + filled(form.user, turn) + "," + filled(form.call, turn) + "," +
           filled(form.result, turn) + "," + filled(form.answer, turn);
  return out + "]}";
}

constexpr int kEvents = 1000;

void run(const Form& form, double seconds) {
  const std::string body = request(form);
  const std::string api(form.codec.api());
  const std::string kilobytes = std::to_string(body.size() / 1000);
  bench::stage((api + ": read a request of " + kilobytes + " KB").c_str(), 1, seconds, [&] {
    if (!form.codec.decode(body)) std::abort();
  });
  const auto call = form.codec.decode(body);
  const chat::AnswerHead head{"0123456789abcdef01234567", 1'700'000'000, "r"};
  std::string out;
  bench::stage((api + ": write one text event").c_str(), kEvents, seconds, [&] {
    const auto encoder = (*call)->stream(head);
    chat::ChatEvent event;
    event.kind = chat::EventKind::Text;
    event.text = " some words\n";
    for (int i = 0; i < kEvents; ++i) {
      out.clear();
      encoder->onEvent(event, out);
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  const openai::ChatCodec chat_codec;
  const anthropic::MessagesCodec messages_codec;
  const responses::ResponsesCodec responses_codec;
  run({chat_codec, R"({"model":"m","stream":true,)",
       R"({"type":"function","function":{"name":"tool_)", R"(","parameters":)", "}}", "messages",
       R"({"role":"user","content":"@TEXT"})",
       R"({"role":"assistant","content":"x","tool_calls":[{"id":"@ID","type":"function","function":{"name":"@TOOL","arguments":"{\"a0\":\"x\"}"}}]})",
       R"({"role":"tool","tool_call_id":"@ID","content":"@RESULT"})",
       R"({"role":"assistant","content":"@TEXT"})"},
      seconds);
  run({messages_codec, R"({"model":"m","max_tokens":9000,"stream":true,)", R"({"name":"tool_)",
       R"(","input_schema":)", "}", "messages", R"({"role":"user","content":"@TEXT"})",
       R"({"role":"assistant","content":[{"type":"text","text":"x"},{"type":"tool_use","id":"@ID","name":"@TOOL","input":{"a0":"x"}}]})",
       R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"@ID","content":"@RESULT"}]})",
       R"({"role":"assistant","content":"@TEXT"})"},
      seconds);
  run({responses_codec, R"({"model":"m","stream":true,)", R"({"type":"function","name":"tool_)",
       R"(","parameters":)", "}", "input", R"({"role":"user","content":"@TEXT"})",
       R"({"type":"function_call","call_id":"@ID","name":"@TOOL","arguments":"{\"a0\":\"x\"}"})",
       R"({"type":"function_call_output","call_id":"@ID","output":"@RESULT"})",
       R"({"role":"assistant","content":"@TEXT"})"},
      seconds);
  return 0;
}
