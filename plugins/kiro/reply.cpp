#include "plugins/kiro/reply.hpp"

#include <algorithm>
#include <cmath>

#include "plugins/kiro/json_text.hpp"
#include "plugins/kiro/upstream_error.hpp"

namespace omni::kiro {
namespace {

constexpr size_t kCharactersPerToken = 4;

sdk::Result<> gone() {
  return std::unexpected(sdk::Failure::cancelledCall());
}
sdk::Result<> sent(bool taken) {
  return taken ? sdk::Result<>{} : gone();
}
// Sums of credits carry it: 0.00028000000000000003.
double withoutNoise(double credits) {
  return std::abs(credits) < 1e6 ? std::round(credits * 1e9) / 1e9 : credits;
}
sdk::Result<> damaged(std::string_view what) {
  return sdk::fail(OMNI_FAILURE_PROTOCOL, "Kiro's answer holds " + std::string(what));
}

}  // namespace

Reply::Reply(sdk::EventSink& sink, ReplyOptions options)
    : may_be_unmet_(options.withhold && (options.emulation.must_call || options.emulation.json)),
      sink_(sink, may_be_unmet_),
      options_(std::move(options)),
      stop_(std::move(options_.stop)) {}

sdk::Result<> Reply::feed(std::string_view bytes) {
  if (stopped()) return {};
  decoder_.feed(bytes);
  Frame frame;
  for (;;) {
    auto got = decoder_.next(frame);
    if (!got) return sdk::fail(OMNI_FAILURE_PROTOCOL, "Kiro's answer is damaged: " + got.error());
    if (!*got) return {};
    if (overflow_) continue;
    if (auto done = onFrame(frame); !done) return done;
    if (stopped()) return {};
  }
}

sdk::Result<> Reply::onException(std::string_view type, std::string_view payload) {
  sdk::Failure failure = streamFailure(type, payload);
  // The window was full while the model wrote: what there is, is an answer cut off at its end.
  if (failure.kind == OMNI_FAILURE_CONTEXT_LENGTH && content_) {
    overflow_ = true;
    return {};
  }
  return std::unexpected(std::move(failure));
}

sdk::Result<> Reply::onFrame(const Frame& frame) {
  if (frame.message_type == "exception") return onException(frame.exception_type, frame.payload);
  if (frame.message_type == "error") {
    sdk::Failure failure = streamFailure(frame.error_code, {});
    if (!frame.error_message.empty()) failure.message += ": " + redacted(frame.error_message);
    return std::unexpected(std::move(failure));
  }
  // After the exceptions: an answer that begins with one has not started, so another account may
  // serve it.
  if (!started_) {
    started_ = true;
    if (!sink_.host().started()) return gone();
  }
  const auto type = frame.event_type;
  if (type == "assistantResponseEvent" || type == "codeEvent") return onText(frame.payload);
  if (type == "toolUseEvent") return onTool(frame.payload);
  if (type == "reasoningContentEvent") return onReasoning(frame.payload);
  if (type == "metadataEvent" || type == "contextUsageEvent" || type == "meteringEvent")
    return onTail(frame.payload);
  if (type == "invalidStateEvent") return onException("InternalServerException", frame.payload);
  return {};
}

sdk::Result<> Reply::onText(std::string_view payload) {
  std::string_view delta;
  if (!eachMember(payload, [&](std::string_view key, std::string_view value) {
        if (key == "content") delta = stringOf(value, value_scratch_);
      }))
    return damaged("an event that is not JSON");
  if (delta.empty()) return {};
  content_ = true;
  if (thinking_.passesAll()) return say(delta);
  reasoning_scratch_.clear();
  text_scratch_.clear();
  thinking_.feed(delta, reasoning_scratch_, text_scratch_);
  if (auto done = think(reasoning_scratch_); !done) return done;
  return say(text_scratch_);
}

sdk::Result<> Reply::think(std::string_view text) {
  characters_ += text.size();
  return text.empty() ? sdk::Result<>{} : sent(sink_.send(OMNI_EVENT_REASONING, text));
}

sdk::Result<> Reply::say(std::string_view text) {
  if (text.empty() || stopped()) return {};
  text_ = true;
  if (!stop_.active()) return passOn(text);
  std::string out;
  stop_.feed(text, out);
  return passOn(out);
}

sdk::Result<> Reply::passOn(std::string_view text) {
  if (text.empty()) return {};
  characters_ += text.size();
  if (!options_.emulation.json) return sent(sink_.send(OMNI_EVENT_TEXT, text));
  std::string out;
  json_.feed(text, out);
  if (out.empty()) return {};
  // An object has begun: this is an answer of the form that was asked for.
  if (sink_.holding() && !options_.emulation.must_call && !sink_.release()) return gone();
  return sent(sink_.send(OMNI_EVENT_TEXT, out));
}

sdk::Result<> Reply::onReasoning(std::string_view payload) {
  std::string signature, redacted_data;
  std::string_view delta;
  if (!eachMember(payload, [&](std::string_view key, std::string_view value) {
        if (key == "text") delta = stringOf(value, value_scratch_);
        if (key == "signature") signature = stringOf(value, text_scratch_);
        if (key == "redactedContent") redacted_data = stringOf(value, text_scratch_);
      }))
    return damaged("an event that is not JSON");
  if (!native_) {
    native_ = true;
    std::string text;
    thinking_.turnOff(text);
    if (auto done = say(text); !done) return done;
  }
  if (!delta.empty()) {
    content_ = true;
    characters_ += delta.size();
    if (!sink_.send(OMNI_EVENT_REASONING, delta)) return gone();
  }
  if (!signature.empty()) {
    content_ = true;
    if (!sink_.send(OMNI_EVENT_REASONING_SIGNATURE, signature)) return gone();
  }
  if (!redacted_data.empty()) {
    content_ = true;
    if (!sink_.send(OMNI_EVENT_REDACTED_REASONING, redacted_data)) return gone();
  }
  return {};
}

Reply::Tool* Reply::tool(std::string_view id, std::string_view name) {
  const auto found = std::ranges::find(tools_, id, &Tool::id);
  if (found != tools_.end()) return &*found;
  if (name.empty()) return nullptr;
  content_ = true;
  Tool made;
  made.id = id;
  made.name = name;
  const Emulation& e = options_.emulation;
  made.ignored =
      e.no_calls ||
      (e.one_call && std::ranges::any_of(tools_, [](const Tool& t) { return !t.ignored; }));
  return &tools_.emplace_back(std::move(made));
}

sdk::Result<> Reply::onTool(std::string_view payload) {
  std::string id, name;
  std::string_view input;
  bool stop = false;
  if (!eachMember(payload, [&](std::string_view key, std::string_view value) {
        if (key == "toolUseId") id = stringOf(value, value_scratch_);
        if (key == "name") name = stringOf(value, value_scratch_);
        if (key == "input") input = value;
        if (key == "stop") stop = value == "true";
      }))
    return damaged("a tool call that is not JSON");
  if (id.empty()) return damaged("a tool call without an id");
  Tool* t = tool(id, name);
  if (!t) return damaged("a tool call without a name");
  if (t->done) return {};  // a replay of a finished call
  if (!t->started) {
    t->started = true;
    if (auto done = flushText(); !done) return done;
    if (stopped()) return {};
    const bool wanted =
        options_.emulation.must_name.empty() || options_.emulation.must_name == name;
    if (sink_.holding() && !t->ignored && wanted && !sink_.release()) return gone();
    if (!t->ignored) {
      const ToolNames* names = options_.tool_names;
      const auto original = names ? names->find(name) : ToolNames::const_iterator();
      const bool renamed = names && original != names->end();
      if (!sink_.send(OMNI_EVENT_TOOL_START, {}, t->id, renamed ? original->second : t->name))
        return gone();
    }
  }
  if (input.starts_with('{')) {
    // The whole input so far, not a piece of it: only the last one counts.
    t->object = true;
    t->input = input;
  } else if (const auto piece = stringOf(input, value_scratch_); !piece.empty()) {
    t->input += piece;
    characters_ += piece.size();
    if (!t->ignored && !t->object && !sink_.send(OMNI_EVENT_TOOL_ARGUMENTS, piece, t->id))
      return gone();
  }
  return stop ? endTool(*t) : sdk::Result<>{};
}

sdk::Result<> Reply::endTool(Tool& t) {
  t.done = true;
  const bool nothing = t.input.empty();
  if (nothing) t.input = "{}";
  t.broken = !isJsonObject(t.input);
  if (t.ignored) return {};
  if (t.object) characters_ += t.input.size();
  if ((nothing || t.object) && !sink_.send(OMNI_EVENT_TOOL_ARGUMENTS, t.input, t.id)) return gone();
  return sent(sink_.send(OMNI_EVENT_TOOL_END, {}, t.id));
}

void Reply::takeTokens(std::string_view object) {
  const auto count = [](std::string_view raw) {
    const double value = numberOf(raw).value_or(0);
    return value > 0 && value < 1e15 ? static_cast<int64_t>(value) : 0;
  };
  int64_t uncached = 0;
  usage_.cache_read_tokens = usage_.cache_write_tokens = usage_.output_tokens = 0;
  // The whole event has been checked before.
  eachMember(object, [&](std::string_view key, std::string_view value) {
    if (key == "cacheReadInputTokens") usage_.cache_read_tokens = count(value);
    if (key == "cacheWriteInputTokens") usage_.cache_write_tokens = count(value);
    if (key == "uncachedInputTokens") uncached = count(value);
    if (key == "outputTokens") usage_.output_tokens = count(value);
    if (key == "contextUsagePercentage")
      context_percent_ = numberOf(value).value_or(context_percent_);
  });
  usage_.input_tokens = uncached + usage_.cache_read_tokens + usage_.cache_write_tokens;
}

sdk::Result<> Reply::onTail(std::string_view payload) {
  if (!eachMember(payload, [&](std::string_view key, std::string_view value) {
        if (key == "contextUsagePercentage") {
          context_percent_ = numberOf(value).value_or(context_percent_);
        } else if (key == "usage") {
          usage_.credits = withoutNoise(numberOf(value).value_or(usage_.credits));
        } else if (key == "stopReason") {
          stop_reason_ = stringOf(value, value_scratch_);
        } else if (key == "stopDetails") {
          refused_ = memberOf(value, "refusal").starts_with('{');
        } else if (key == "tokenUsage" && value.starts_with('{')) {
          takeTokens(value);
        }
      }))
    return damaged("an event that is not JSON");
  tail_ = true;
  return {};
}

uint32_t Reply::finishReason() const {
  if (stopped()) return OMNI_FINISH_STOP;
  if (overflow_) return OMNI_FINISH_LENGTH;
  if (context_percent_ >= 100 || stop_reason_ == "MODEL_CONTEXT_WINDOW_EXCEEDED")
    return OMNI_FINISH_CONTEXT_LENGTH;
  // A call that upstream has not finished, or has filled with something else than an object, must
  // not be run.
  const bool half = std::ranges::any_of(
      tools_, [](const Tool& t) { return !t.ignored && (!t.done || t.broken); });
  if (half || !tail_) return OMNI_FINISH_LENGTH;
  // Upstream's stop reason is unreliable next to tool calls: the calls decide.
  if (std::ranges::any_of(tools_, [](const Tool& t) { return !t.ignored; }))
    return OMNI_FINISH_TOOL_CALLS;
  if (stop_reason_ == "MAX_TOKENS") return OMNI_FINISH_LENGTH;
  if (stop_reason_ == "CONTENT_FILTERED" || refused_) return OMNI_FINISH_CONTENT_FILTER;
  if (stop_reason_ == "PAUSE_TURN") return OMNI_FINISH_PAUSE;
  // An object without its end, and thinking without an answer, were cut off, whatever upstream
  // says.
  if (options_.emulation.json && json_.begun() && !json_.done()) return OMNI_FINISH_LENGTH;
  if (!text_) return OMNI_FINISH_LENGTH;
  return OMNI_FINISH_STOP;
}

void Reply::estimateUsage() {
  if (usage_.input_tokens >= 0) return;
  usage_.estimated = 1;
  usage_.output_tokens =
      static_cast<int64_t>((characters_ + kCharactersPerToken - 1) / kCharactersPerToken);
  if (context_percent_ >= 0 && options_.context_window > 0)
    usage_.input_tokens =
        std::max<int64_t>(static_cast<int64_t>(context_percent_ / 100 *
                                               static_cast<double>(options_.context_window)) -
                              usage_.output_tokens,
                          1);
}

// What the filters hold back goes out before anything else follows it.
sdk::Result<> Reply::flushText() {
  reasoning_scratch_.clear();
  text_scratch_.clear();
  thinking_.flush(reasoning_scratch_, text_scratch_);
  if (auto done = think(reasoning_scratch_); !done) return done;
  if (auto done = say(text_scratch_); !done) return done;
  if (stopped()) return {};
  std::string rest;
  stop_.flush(rest);
  return passOn(rest);
}

sdk::Result<ReplyEnd> Reply::finish() {
  const auto failed = [](sdk::Result<> result) {
    return std::unexpected(std::move(result.error()));
  };
  // A refusal, a limit and a pause are answers even when they hold nothing.
  const bool told = refused_ || overflow_ || context_percent_ >= 100 ||
                    (!stop_reason_.empty() && stop_reason_ != "END_TURN" &&
                     stop_reason_ != "TOOL_USE" && stop_reason_ != "UNKNOWN");
  const bool natural = tail_ && !told && !stopped();
  if (!stopped()) {
    if (decoder_.hasPartialFrame())
      return failed(
          sdk::fail(OMNI_FAILURE_PROTOCOL, "Kiro's answer was cut off in the middle of a frame"));
    if (!content_ && !told)
      return failed(sdk::fail(OMNI_FAILURE_EMPTY_RESPONSE, "Kiro sent an empty answer"));
    if (auto done = flushText(); !done) return failed(std::move(done));
  }
  const bool called = std::ranges::any_of(tools_, [](const Tool& t) { return !t.ignored; });
  if (options_.emulation.json && !json_.begun() && !called) {
    std::string out;
    if (json_.search(out)) {
      if (!options_.emulation.must_call && !sink_.release()) return failed(gone());
      if (!sink_.send(OMNI_EVENT_TEXT, out)) return failed(gone());
    } else if (!json_.held().empty()) {
      // No object at all: when it may not be asked for again, the text is better than nothing.
      if (!sink_.send(OMNI_EVENT_TEXT, json_.held())) return failed(gone());
    }
  }
  const uint32_t reason = finishReason();
  if (sink_.holding()) {
    // An answer that upstream cut off or refused would not be another one the second time.
    if (natural) return ReplyEnd::Unmet;
    if (!sink_.release()) return failed(gone());
  }
  for (Tool& t : tools_)
    if (t.started && !t.done && !t.ignored && !sink_.send(OMNI_EVENT_TOOL_END, {}, t.id))
      return failed(gone());
  estimateUsage();
  if (!sink_.host().usage(usage_) || !sink_.host().finish(reason, stop_.matched()))
    return failed(gone());
  return ReplyEnd::Complete;
}

}  // namespace omni::kiro
