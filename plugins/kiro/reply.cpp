#include "plugins/kiro/reply.hpp"

#include <algorithm>

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/upstream_error.hpp"

namespace omni::kiro {
namespace {

constexpr double kDefaultWindow = 200'000;
constexpr size_t kCharactersPerToken = 4;

sdk::Result<> gone() {
  return std::unexpected(sdk::Failure::cancelledCall());
}

}  // namespace

sdk::Result<> Reply::feed(std::string_view bytes) {
  decoder_.feed(bytes);
  Frame frame;
  for (;;) {
    auto got = decoder_.next(frame);
    if (!got) return sdk::fail(OMNI_FAILURE_PROTOCOL, "Kiro's answer is damaged: " + got.error());
    if (!*got) return {};
    if (auto done = onFrame(frame); !done) return done;
  }
}

sdk::Result<> Reply::onFrame(const Frame& frame) {
  if (frame.message_type == "exception")
    return std::unexpected(streamFailure(frame.exception_type, frame.payload));
  if (frame.message_type == "error") {
    sdk::Failure failure = streamFailure(frame.error_code, {});
    failure.message += frame.error_message.empty() ? "" : ": " + std::string(frame.error_message);
    return std::unexpected(std::move(failure));
  }
  // After the exceptions: an answer that begins with one has not started, so another account may
  // serve it.
  if (!started_) {
    started_ = true;
    if (!sink_.started()) return gone();
  }
  const auto type = frame.event_type;
  if (type == "toolUseEvent") return onTool(frame.payload);
  const bool is_text = type == "assistantResponseEvent" || type == "codeEvent";
  const bool is_reasoning = type == "reasoningContentEvent";
  const bool is_tail =
      type == "metadataEvent" || type == "contextUsageEvent" || type == "meteringEvent";
  const bool is_invalid = type == "invalidStateEvent";
  if (!is_text && !is_reasoning && !is_tail && !is_invalid) return {};
  if (is_tail) return onMetadata(frame.payload);
  const auto object = parseObject(frame.payload);
  if (!object)
    return sdk::fail(OMNI_FAILURE_PROTOCOL, "Kiro's answer holds an event that is not JSON");
  if (is_invalid) return std::unexpected(streamFailure("InternalServerException", frame.payload));
  if (is_text) {
    const auto delta = text(*object, "content");
    if (delta.empty()) return {};
    content_ = true;
    characters_ += delta.size();
    return sink_.text(delta) ? sdk::Result<>{} : gone();
  }
  if (const auto delta = text(*object, "text"); !delta.empty()) {
    content_ = true;
    characters_ += delta.size();
    if (!sink_.reasoning(delta)) return gone();
  }
  if (const auto signature = text(*object, "signature");
      !signature.empty() && !sink_.reasoningSignature(signature))
    return gone();
  if (const auto data = text(*object, "redactedContent");
      !data.empty() && !sink_.redactedReasoning(data))
    return gone();
  return {};
}

Reply::Tool& Reply::tool(std::string_view id, std::string_view name) {
  const auto found = std::ranges::find(tools_, id, &Tool::id);
  if (found != tools_.end()) return *found;
  content_ = true;
  const auto original = tool_names_.find(name);
  return tools_.emplace_back(
      Tool{std::string(id),
           original == tool_names_.end() ? std::string(name) : original->second,
           {},
           false});
}

sdk::Result<> Reply::onTool(std::string_view payload) {
  const auto object = parseObject(payload);
  if (!object)
    return sdk::fail(OMNI_FAILURE_PROTOCOL, "Kiro's answer holds a tool call that is not JSON");
  const auto id = text(*object, "toolUseId");
  if (id.empty())
    return sdk::fail(OMNI_FAILURE_PROTOCOL, "Kiro's answer holds a tool call without an id");
  Tool& t = tool(id, text(*object, "name"));
  if (t.done) return {};  // a replay of a finished call
  if (const auto* input = object->if_contains("input")) {
    // An object is the whole input so far, a string the next piece of it.
    if (input->is_object())
      t.arguments = json::serialize(*input);
    else
      t.arguments += text(*object, "input");
  }
  const auto* stop = object->if_contains("stop");
  if (!stop || !stop->is_bool() || !stop->get_bool()) return {};
  t.done = true;
  if (t.arguments.empty()) t.arguments = "{}";
  characters_ += t.arguments.size();
  if (!sink_.toolStart(t.id, t.name) || !sink_.toolArguments(t.id, t.arguments) ||
      !sink_.toolEnd(t.id))
    return gone();
  return {};
}

sdk::Result<> Reply::onMetadata(std::string_view payload) {
  const auto parsed = parseObject(payload);
  if (!parsed)
    return sdk::fail(OMNI_FAILURE_PROTOCOL, "Kiro's answer holds an event that is not JSON");
  tail_ = true;
  if (const auto percent = number(*parsed, "contextUsagePercentage")) context_percent_ = *percent;
  if (const auto credits = number(*parsed, "usage")) usage_.credits = *credits;
  if (const auto reason = text(*parsed, "stopReason"); !reason.empty()) stop_reason_ = reason;
  if (const auto* details = object(*parsed, "stopDetails"); details && details->contains("refusal"))
    refused_ = true;
  if (const auto* tokens = object(*parsed, "tokenUsage")) {
    const auto count = [&](std::string_view name) {
      return static_cast<int64_t>(number(*tokens, name).value_or(0));
    };
    usage_.cache_read_tokens = count("cacheReadInputTokens");
    usage_.cache_write_tokens = count("cacheWriteInputTokens");
    usage_.input_tokens =
        count("uncachedInputTokens") + usage_.cache_read_tokens + usage_.cache_write_tokens;
    usage_.output_tokens = count("outputTokens");
  }
  return {};
}

uint32_t Reply::finishReason() const {
  const bool open_tool = std::ranges::any_of(tools_, [](const Tool& t) { return !t.done; });
  if (context_percent_ >= 100 || stop_reason_ == "MODEL_CONTEXT_WINDOW_EXCEEDED")
    return OMNI_FINISH_CONTEXT_LENGTH;
  if (open_tool || !tail_) return OMNI_FINISH_LENGTH;
  // Upstream's stop reason is unreliable next to tool calls: the calls decide.
  if (!tools_.empty()) return OMNI_FINISH_TOOL_CALLS;
  if (stop_reason_ == "MAX_TOKENS") return OMNI_FINISH_LENGTH;
  if (stop_reason_ == "CONTENT_FILTERED" || refused_) return OMNI_FINISH_CONTENT_FILTER;
  if (stop_reason_ == "PAUSE_TURN") return OMNI_FINISH_PAUSE;
  return OMNI_FINISH_STOP;
}

sdk::Result<> Reply::finish() {
  if (decoder_.hasPartialFrame())
    return sdk::fail(OMNI_FAILURE_PROTOCOL, "Kiro's answer was cut off in the middle of a frame");
  if (!content_ && context_percent_ < 100)
    return sdk::fail(OMNI_FAILURE_EMPTY_RESPONSE, "Kiro sent an empty answer");
  if (usage_.input_tokens < 0) {
    usage_.estimated = 1;
    usage_.output_tokens =
        static_cast<int64_t>((characters_ + kCharactersPerToken - 1) / kCharactersPerToken);
    if (context_percent_ >= 0)
      usage_.input_tokens = std::max<int64_t>(
          static_cast<int64_t>(context_percent_ / 100 * kDefaultWindow) - usage_.output_tokens, 1);
  }
  if (!sink_.usage(usage_) || !sink_.finish(finishReason())) return gone();
  return {};
}

}  // namespace omni::kiro
