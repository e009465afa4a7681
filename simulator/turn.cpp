#include "simulator/turn.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/event_stream.hpp"
#include "simulator/random.hpp"
#include "simulator/validation.hpp"

namespace omni::sim {
namespace {

constexpr std::size_t kEchoPieces = 8;
constexpr std::size_t kScriptPieces = 4096;
constexpr double kCreditsPerThousandTokens = 0.04;

void addText(Play& play, const StreamContext& context, const std::string& content,
             std::size_t pieces) {
  for (auto& piece : splitText(content, pieces)) {
    play.frames.push_back(encodeEvent(
        "assistantResponseEvent",
        json::serialize(json::object{{"content", piece}, {"modelId", context.model_id}})));
  }
}

void addReasoning(Play& play, const std::string& content, const std::string& signature) {
  for (auto& piece : splitText(content, kScriptPieces)) {
    play.frames.push_back(
        encodeEvent("reasoningContentEvent", json::serialize(json::object{{"text", piece}})));
  }
  play.frames.push_back(encodeEvent("reasoningContentEvent",
                                    json::serialize(json::object{{"signature", signature}})));
}

// Pieces of the arguments' JSON text; they may end anywhere but inside a UTF-8 sequence.
std::vector<std::string> fragments(const std::string& input, std::size_t size) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin < input.size()) {
    auto end = std::min(begin + size, input.size());
    while (end < input.size() && (static_cast<unsigned char>(input[end]) & 0xC0U) == 0x80U) ++end;
    out.push_back(input.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

void addToolCall(Play& play, const json::object& call, bool truncated) {
  const auto tool = text(call, "name");
  const auto id = text(call, "toolUseId", "tooluse_" + randomText(22));
  const auto* input = member(call, "input");
  const auto frame = [&](json::object payload) {
    payload["name"] = tool;
    // Live payloads have their keys in alphabetical order.
    if (payload.contains("stop")) {
      payload = {{"name", tool}, {"stop", true}, {"toolUseId", id}};
    } else {
      payload["toolUseId"] = id;
    }
    play.frames.push_back(encodeEvent("toolUseEvent", json::serialize(payload)));
  };
  frame({});
  if (flag(call, "objectForm") && input != nullptr && input->is_object()) {
    // Some deployments send the arguments as an object that grows.
    json::object grown;
    for (const auto& [key, value] : input->as_object()) {
      grown[key] = value;
      frame({{"input", grown}});
    }
  } else {
    const auto whole = input == nullptr     ? std::string("{}")
                       : input->is_string() ? text(input)
                                            : json::serialize(*input);
    frame({{"input", ""}});
    for (auto& piece : fragments(whole, static_cast<std::size_t>(std::max<std::int64_t>(
                                            1, integer(call, "fragment", 12))))) {
      frame({{"input", piece}});
    }
  }
  if (truncated || flag(call, "unfinished")) return;
  const auto first = play.frames.size();
  frame({{"stop", true}});
  if (flag(call, "replay")) play.frames.push_back(play.frames[first]);
}

void addTail(Play& play, const StreamContext& context, std::int64_t output_tokens,
             std::string_view stop_reason, const json::object& options) {
  play.tail = play.frames.size();
  const auto total = context.input_tokens + output_tokens;
  const double rate = context.model == nullptr ? 1.0 : context.model->rate;
  const double window = context.model == nullptr ? 200'000 : context.model->input_tokens;
  play.credits = rate * static_cast<double>(total) / 1000.0 * kCreditsPerThousandTokens;
  if (context.metadata && flag(options, "metadata", true)) {
    json::object metadata{{"stopReason", stop_reason}};
    if (const auto* details = member(options, "stopDetails")) metadata["stopDetails"] = *details;
    metadata["tokenUsage"] = json::object{{"outputTokens", output_tokens},
                                          {"totalTokens", total},
                                          {"uncachedInputTokens", context.input_tokens}};
    if (const auto* usage = member(options, "tokenUsage")) metadata["tokenUsage"] = *usage;
    play.frames.push_back(encodeEvent("metadataEvent", json::serialize(metadata)));
  }
  const double percentage =
      number(options, "contextUsagePercentage", 100.0 * static_cast<double>(total) / window);
  play.frames.push_back(encodeEvent("contextUsageEvent",
                                    fmt::format(R"({{"contextUsagePercentage":{}}})", percentage)));
  play.frames.push_back(encodeEvent(
      "meteringEvent",
      fmt::format(R"({{"unit":"credit","unitPlural":"credits","usage":{}}})", play.credits)));
}

void addInitial(Play& play, const StreamContext& context) {
  if (!context.rpc) return;
  static const auto frame =
      encodeEvent("initial-response", R"({"conversationId":""})", "application/x-amz-json-1.0");
  play.frames.push_back(frame);
}

// One scripted frame: {"type": "...", "payload": {...}}, {"exception": ...}, {"error": ...},
// {"raw": "<hex>"} or {"assistantResponseEvent": {...}}.
void addEvent(Play& play, const json::object& event) {
  const auto* payload = member(event, "payload");
  const auto packed = [&] {
    if (payload == nullptr) return std::string("{}");
    return payload->is_string() ? text(payload) : json::serialize(*payload);
  };
  if (event.contains("raw")) {
    play.frames.push_back(unhex(text(event, "raw")));
  } else if (event.contains("exception")) {
    play.frames.push_back(encodeException(text(event, "exception"), packed()));
  } else if (const auto* error = object(member(event, "error"))) {
    play.frames.push_back(encodeError(text(*error, "code"), text(*error, "message")));
  } else if (event.contains("type")) {
    play.frames.push_back(encodeEvent(text(event, "type"), packed()));
  } else {
    for (const auto& [type, value] : event) {
      play.frames.push_back(encodeEvent(type, json::serialize(value)));
    }
  }
}

std::string exceptionFrame(const json::object& spec) {
  json::object payload{{"message", text(spec, "message",
                                        "Too many requests, please wait before "
                                        "trying again.")}};
  if (spec.contains("reason")) payload["reason"] = spec.at("reason");
  if (spec.contains("retryAfterMilliseconds")) {
    payload["retryAfterMilliseconds"] = spec.at("retryAfterMilliseconds");
  }
  return encodeException(text(spec, "type", "throttlingError"), json::serialize(payload));
}

Delivery readDelivery(const json::object& turn) {
  Delivery out;
  out.first_byte_delay_ms = static_cast<int>(integer(turn, "firstByteDelayMs"));
  out.delay_ms = static_cast<int>(integer(turn, "delayMs"));
  out.chunk_size = static_cast<std::size_t>(std::max<std::int64_t>(0, integer(turn, "chunkSize")));
  if (const auto* splits = array(member(turn, "splits"))) {
    for (const auto& at : *splits) out.splits.push_back(static_cast<std::size_t>(integer(&at)));
  }
  out.truncation = text(turn, "truncation");
  out.reset_at_end = flag(turn, "reset");
  out.stall_after = static_cast<int>(integer(turn, "stallAfter", -1));
  out.stall_ms = static_cast<int>(integer(turn, "stallMs", 60000));
  return out;
}

}  // namespace

std::vector<std::string> splitText(const std::string& content, std::size_t most) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < content.size();) {
    const auto space = content.find(' ', begin);
    const auto end = space == std::string::npos ? content.size() : space + 1;
    words.push_back(content.substr(begin, end - begin));
    begin = end;
  }
  if (words.size() <= most) return words;
  std::vector<std::string> out(most);
  for (std::size_t i = 0; i < words.size(); ++i) out[i * most / words.size()] += words[i];
  return out;
}

Play echoTurn(const StreamContext& context) {
  Play play;
  play.frames.reserve(kEchoPieces + 4);
  addInitial(play, context);
  const auto reply = "You said: " + context.user_text;
  addText(play, context, reply, kEchoPieces);
  addTail(play, context, static_cast<std::int64_t>(reply.size()) / 4 + 1, "END_TURN", {});
  return play;
}

Play scriptedTurn(const StreamContext& context, const json::object& turn) {
  Play play;
  play.delivery = readDelivery(turn);
  addInitial(play, context);
  const auto* calls = array(member(turn, "toolCalls"));
  const auto* events = array(member(turn, "events"));
  const auto truncated = play.delivery.truncation == "mid_tool";
  std::string output = text(turn, "text");
  if (turn.contains("reasoning")) {
    output += text(turn, "reasoning");
    const auto thinking = text(turn, "reasoning");
    addReasoning(play, thinking, text(turn, "signature", signThinking(thinking, randomText(60))));
  }
  if (turn.contains("text")) addText(play, context, text(turn, "text"), kScriptPieces);
  if (flag(turn, "unknownEvent")) {
    play.frames.push_back(encodeEvent("somethingNewEvent", R"({"answer":42})"));
  }
  if (calls != nullptr) {
    for (const auto& call : *calls) {
      if (!call.is_object()) continue;
      output += json::serialize(call);
      addToolCall(play, call.as_object(), truncated);
    }
  }
  if (events != nullptr) {
    for (const auto& event : *events) {
      if (event.is_object()) addEvent(play, event.as_object());
    }
  }
  const bool tools = calls != nullptr && !calls->empty();
  // Whoever lists raw events says everything, the tail included, unless asked otherwise.
  if (flag(turn, "tail", events == nullptr) && !truncated) {
    addTail(play, context, static_cast<std::int64_t>(output.size()) / 4 + 1,
            text(turn, "stopReason", tools ? "TOOL_USE" : "END_TURN"), turn);
  } else {
    play.tail = play.frames.size();
  }
  if (const auto* exception = object(member(turn, "exception"))) {
    // What comes after an exception frame is never sent.
    const auto at = static_cast<std::size_t>(
        std::clamp<std::int64_t>(integer(*exception, "at", static_cast<std::int64_t>(play.tail)), 0,
                                 static_cast<std::int64_t>(play.frames.size())));
    play.frames.resize(at);
    play.frames.push_back(exceptionFrame(*exception));
    play.tail = play.frames.size();
  }
  if (const auto* corrupt = member(turn, "corruptCrc");
      corrupt != nullptr && !play.frames.empty()) {
    const auto at = corrupt->is_bool() ? 0 : static_cast<std::size_t>(integer(corrupt));
    if (!corrupt->is_bool() || corrupt->as_bool()) {
      play.frames[std::min(at, play.frames.size() - 1)].back() ^= 0x55;
    }
  }
  if (const auto* corrupt = member(turn, "corruptPrelude");
      corrupt != nullptr && !play.frames.empty()) {
    const auto at = corrupt->is_bool() ? 0 : static_cast<std::size_t>(integer(corrupt));
    play.frames[std::min(at, play.frames.size() - 1)][8] ^= 0x55;
  }
  if (play.delivery.truncation == "before_tail") play.frames.resize(play.tail);
  if (flag(turn, "empty"))
    play.frames.resize(std::min<std::size_t>(play.frames.size(), context.rpc ? 1 : 0));
  return play;
}

}  // namespace omni::sim
