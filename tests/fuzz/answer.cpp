// Any order of a provider's events through every API's encoder: what comes out is lines of
// well-formed server-sent events whose data is JSON.

#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/anthropic/codec.hpp"
#include "core/openai/codec.hpp"
#include "core/responses/codec.hpp"

namespace {

using namespace omni;

void checkFrames(std::string_view out) {
  while (!out.empty()) {
    const size_t end = out.find('\n');
    if (end == std::string_view::npos) std::abort();
    const auto line = out.substr(0, end);
    out.remove_prefix(end + 1);
    if (line.empty() || line.starts_with("event: ") || line.starts_with(":")) continue;
    if (!line.starts_with("data: ")) std::abort();
    const auto payload = line.substr(6);
    if (payload == "[DONE]") continue;
    boost::system::error_code failed;
    (void)boost::json::parse(boost::json::string_view(payload.data(), payload.size()), failed);
    if (failed) std::abort();
  }
}

void run(const chat::ApiCodec& codec, std::string_view request, std::string_view script) {
  auto call = codec.decode(std::string(request));
  if (!call) std::abort();
  const chat::AnswerHead head{"0123456789abcdef01234567", 1, "request"};
  auto encoder = (*call)->stream(head);
  auto collector = (*call)->whole(head);
  std::string out;
  chat::Usage usage{3, 4, 1, 0, 0.5, false};
  while (script.size() >= 2) {
    chat::ChatEvent event;
    event.kind = static_cast<chat::EventKind>(static_cast<unsigned char>(script[0]) % 10);
    const size_t length = static_cast<unsigned char>(script[1]) % 16;
    script.remove_prefix(2);
    // Providers deliver UTF-8; the encoders may rely on it.
    std::string text(script.substr(0, length));
    for (char& c : text) c = static_cast<char>(c & 0x7f);
    script.remove_prefix(text.size());
    event.text = text;
    event.id = text.size() % 2 ? "call_a" : "call_b";
    event.name = "tool";
    if (event.kind == chat::EventKind::Usage) event.usage = &usage;
    event.finish = static_cast<chat::Finish>(length % 6);
    encoder->onEvent(event, out);
    collector->onEvent(event);
  }
  if (script.empty()) {
    encoder->done(out);
  } else {
    Error error;
    error.message = "broken";
    encoder->fail(error, out);
  }
  checkFrames(out);
  boost::system::error_code failed;
  (void)boost::json::parse(collector->json(), failed);
  if (failed) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view script(reinterpret_cast<const char*>(data), size);
  run(openai::ChatCodec{},
      R"({"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]})", script);
  run(anthropic::MessagesCodec{},
      R"({"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]})",
      script);
  run(responses::ResponsesCodec{}, R"({"model":"m","stream":true,"input":"x"})", script);
  return 0;
}
