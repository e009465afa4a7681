// CPU of the Kiro plugin's stages, in a plain loop: no unit test, no pass or fail. Build it
// optimised; the numbers are the user and system time of this process.
//
//   kiro_bench [seconds per stage]

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <omniroute/testing/request_builder.hpp>
#include <string>
#include <vector>

#include "plugins/kiro/event_stream.hpp"
#include "plugins/kiro/models.hpp"
#include "plugins/kiro/reply.hpp"
#include "plugins/kiro/schema.hpp"
#include "plugins/kiro/translate.hpp"
#include "plugins/kiro/upstream_error.hpp"
#include "tests/bench/micro/stage.hpp"

namespace {

using namespace omni::kiro;
using omni::sdk::testing::RequestBuilder;

double per_stage_seconds = 1;

void stage(const char* name, double units, const std::function<void()>& body) {
  omni::bench::stage(name, units, per_stage_seconds, body);
}

std::string schemaOf(int tool) {
  std::string out =
      R"({"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{)";
  for (int i = 0; i < 6; ++i)
    out +=
        (i ? ",\"p" : "\"p") + std::to_string(tool) + "_" + std::to_string(i) +
        R"(":{"type":"object","description":"One of the arguments of this tool, with words","properties":{"list":{"type":"array","items":{"type":"string","enum":["one","two","three"]}},"count":{"type":"integer","minimum":0}},"required":["list"],"additionalProperties":false})";
  return out + R"(},"required":["p)" + std::to_string(tool) +
         R"(_0"],"additionalProperties":false})";
}

// 200 turns with tool calls and results, 40 tools; about 200 KB.
void agentRequest(RequestBuilder& r) {
  r.model("claude-sonnet-4.5").system(std::string(12'000, 's'));
  const std::string code = "  if (value == \"x\") {\n    return call(value);\n  }\n";
  for (int i = 0; i < 40; ++i)
    r.tool("tool_" + std::to_string(i), std::string(400, 'd'), schemaOf(i));
  r.user("Please do the work.");
  for (int i = 0; i < 100; ++i) {
    const std::string id = "toolu_" + std::to_string(i);
    r.message(OMNI_ROLE_ASSISTANT).text("I look at the next file.");
    r.toolCall(id, "tool_" + std::to_string(i % 40),
               R"({"path":"src/main.cpp","line":)" + std::to_string(i) + "}");
    std::string result;
    while (result.size() < 1'100) result += code;
    r.message(OMNI_ROLE_USER).toolResult(id, result);
  }
}

void put32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}
std::string frame(std::string_view type, std::string_view payload) {
  std::string headers;
  const auto header = [&](std::string_view name, std::string_view value) {
    headers += static_cast<char>(name.size());
    headers += name;
    headers += '\7';
    headers += '\0';
    headers += static_cast<char>(value.size());
    headers += value;
  };
  header(":event-type", type);
  header(":content-type", "application/json");
  header(":message-type", "event");
  std::string out;
  put32(out, static_cast<uint32_t>(headers.size() + payload.size() + 16));
  put32(out, static_cast<uint32_t>(headers.size()));
  put32(out, crc32(out));
  out += headers;
  out += payload;
  put32(out, crc32(out));
  return out;
}

constexpr int kEvents = 1000;

std::vector<std::string> events(std::string_view type, std::string_view payload) {
  return std::vector<std::string>(kEvents, frame(type, payload));
}

void replay(const std::vector<std::string>& frames, const ReplyOptions& options) {
  omni_sink_t raw{};
  raw.struct_size = sizeof(raw);
  raw.on_event = [](void*, const omni_event_t*) { return omni_status_t{OMNI_OK}; };
  omni::sdk::EventSink sink(&raw);
  Reply reply(sink, options);
  for (const auto& one : frames)
    if (!reply.feed(one)) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) per_stage_seconds = std::atof(argv[1]);
  RequestBuilder builder;
  agentRequest(builder);
  const omni_request_t& request = builder.build();
  TranslateOptions options;
  const auto once = translate(request, options);
  if (!once) return 1;
  std::printf("request: %zu messages, %zu tools, %zu bytes for upstream\n\n", request.message_count,
              request.tool_count, once->body.size());
  stage("translate the whole request", 1, [&] {
    if (!translate(request, options)) std::abort();
  });
  const std::string schema = schemaOf(0);
  stage("clean one tool schema", 1, [&] {
    std::string out;
    appendSchema(out, schema);
    if (out.empty()) std::abort();
  });
  const std::string list = catalogueText(builtinCatalogue());
  stage("read the kept model list", 1, [&] {
    if (!parseCatalogue(list)) std::abort();
  });

  const auto text = events("assistantResponseEvent",
                           R"({"content":" some words\n","modelId":"claude-sonnet-4.5"})");
  stage("decode one frame", kEvents, [&] {
    EventStreamDecoder decoder;
    Frame f;
    for (const auto& one : text) {
      decoder.feed(one);
      if (!decoder.next(f).value_or(false)) std::abort();
    }
  });
  stage("one text event, frame to client event", kEvents, [&] { replay(text, {}); });
  ReplyOptions stops;
  stops.stop = {"</answer>", "\n\nHuman:"};
  stage("the same with two stop sequences", kEvents, [&] { replay(text, stops); });
  const auto tool =
      events("toolUseEvent",
             R"({"input":"{\"path\":\"a","name":"edit","toolUseId":"tooluse_QSfOosa0r0Ylu"})");
  stage("one fragment of a tool call", kEvents, [&] { replay(tool, {}); });
  const auto reasoning = events("reasoningContentEvent", R"({"text":"some thoughts"})");
  stage("one reasoning event", kEvents, [&] { replay(reasoning, {}); });
  omni::sdk::HttpResponse refused;
  refused.status = 400;
  refused.body =
      R"({"__type":"com.amazon.kiro.runtimeservice#ValidationException","message":"m","reason":"INVALID_MODEL_ID"})";
  stage("one error body", 1, [&] {
    if (runtimeFailure(readError(refused)).kind != OMNI_FAILURE_MODEL_UNAVAILABLE) std::abort();
  });
  return 0;
}
