#include "service/http/inference.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/append_number.hpp"
#include "core/base/trace_context.hpp"
#include "core/chat/estimate.hpp"
#include "core/errors/error_table.hpp"
#include "service/http/content_tap.hpp"
#include "service/http/guards.hpp"
#include "service/http/sse.hpp"

namespace omni::http {
namespace {

using chat::ChatEvent;
using chat::EventKind;

constexpr size_t kLongestSession = 512;
constexpr size_t kMostHeld = 16u << 10;

// A header is ASCII; a name that is not is shown by its id.
bool printable(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

void setRouteHeaders(ResponseWriter& writer, const RouteReport& report) {
  if (report.attempts.empty()) return;
  const RouteAttempt& last = report.attempts.back();
  writer.setHeader("x-omniroute-connection",
                   printable(last.connection_name) ? last.connection_name : last.connection_id);
  writer.setHeader("x-omniroute-attempts", std::to_string(report.attempts.size()));
}

void setCredits(ResponseWriter& writer, const chat::Usage& usage) {
  if (usage.credits < 0) return;
  std::string credits;
  appendNumber(credits, usage.credits);
  writer.setHeader("x-omniroute-credits", std::move(credits));
}

bool isContent(EventKind kind) {
  return kind != EventKind::Started && kind != EventKind::Usage;
}

// Sees every event on its way, for the record, and completes what a provider leaves out: without
// the prompt's length a client, the log and a key's budget would take it for nothing.
class Observed {
 public:
  Observed(const Clock& clock, int64_t started, InferenceRecord& record, ContentTap* tap,
           int64_t estimated_input)
      : clock_(clock),
        started_(started),
        record_(record),
        tap_(tap),
        estimated_input_(estimated_input) {}
  // What is to be passed on; valid until the next call.
  const ChatEvent& see(const ChatEvent& given) {
    const ChatEvent* made = completed(given);
    const ChatEvent& event = made ? *made : given;
    if (tap_) tap_->see(event);
    if (event.kind == EventKind::Usage && event.usage) record_.usage = *event.usage;
    if (record_.first_byte_ms < 0 && isContent(event.kind))
      record_.first_byte_ms = clock_.steadyMs() - started_;
    return event;
  }

 private:
  // nullptr: nothing is missing.
  const ChatEvent* completed(const ChatEvent& event) {
    if (event.kind != EventKind::Usage || !event.usage || event.usage->input_tokens >= 0)
      return nullptr;
    usage_ = *event.usage;
    usage_.input_tokens = estimated_input_;
    usage_.estimated = true;
    completed_ = event;
    completed_.usage = &usage_;
    return &completed_;
  }

  const Clock& clock_;
  const int64_t started_;
  InferenceRecord& record_;
  ContentTap* const tap_;  // nullptr: what is said is not kept
  const int64_t estimated_input_;
  chat::Usage usage_;
  ChatEvent completed_;
};

// Turns events into frames. The answer is committed with the first event that carries content; what
// comes before (Started, Usage) may still be followed by another account's start, so only the
// newest of it is kept.
class StreamSink final : public chat::EventSink {
 public:
  StreamSink(ResponseWriter& writer, chat::ApiCall& call, chat::StreamEncoder& encoder,
             const RouteReport& report, Observed observed)
      : writer_(writer), call_(call), encoder_(encoder), report_(report), observed_(observed) {}

  bool onEvent(const ChatEvent& given) override {
    const ChatEvent& event = observed_.see(given);
    if (!begun_) {
      if (event.kind == EventKind::Started) return !writer_.cancel().cancelled();
      if (event.kind == EventKind::Usage) {
        if (event.usage) early_usage_ = *event.usage;
        return !writer_.cancel().cancelled();
      }
      begun_ = true;
      setRouteHeaders(writer_, report_);
      if (early_usage_) setCredits(writer_, *early_usage_);
      if (!startSse(writer_)) return false;
    }
    if (early_usage_) {
      ChatEvent usage;
      usage.kind = EventKind::Usage;
      usage.usage = &*early_usage_;
      encoder_.onEvent(usage, frames_);
      early_usage_.reset();
    }
    encoder_.onEvent(event, frames_);
    return (held_ && frames_.size() < kMostHeld) || writeOut();
  }

  void hold() override { held_ = true; }
  void release() override {
    held_ = false;
    writeOut();  // a client that is gone is told by the next event, or by the token
  }
  void requestDone() override { call_.release(); }

  // Content was seen; without it the stream may have begun all the same, see planStream().
  bool begun() const { return begun_; }

  void finish(const Result<>& result) {
    if (result) {
      encoder_.done(frames_);
    } else {
      encoder_.fail(result.error(), frames_);
    }
    // The error frame is followed by the stream's regular end, so that every client reads it.
    writer_.endStream(frames_);
  }

 private:
  bool writeOut() {
    const bool written = frames_.empty() || writer_.write(frames_);
    frames_.clear();
    return written;
  }

  ResponseWriter& writer_;
  chat::ApiCall& call_;
  chat::StreamEncoder& encoder_;
  const RouteReport& report_;
  Observed observed_;
  std::string frames_;  // not written yet; reused by all events
  bool held_ = false;
  std::optional<chat::Usage> early_usage_;
  bool begun_ = false;
};

class WholeSink final : public chat::EventSink {
 public:
  WholeSink(chat::ApiCall& call, chat::AnswerCollector& collector, const CancelToken& cancel,
            Observed observed)
      : call_(call), collector_(collector), cancel_(cancel), observed_(observed) {}
  bool onEvent(const ChatEvent& event) override {
    return collector_.onEvent(observed_.see(event)) && !cancel_.cancelled();
  }
  void requestDone() override { call_.release(); }

 private:
  chat::ApiCall& call_;
  chat::AnswerCollector& collector_;
  const CancelToken& cancel_;
  Observed observed_;
};

class Run {
 public:
  Run(const InferenceDeps& deps, const chat::ApiCodec& codec, Request& request,
      ResponseWriter& writer)
      : deps_(deps),
        codec_(codec),
        request_(request),
        writer_(writer),
        started_(deps.clock.steadyMs()) {
    record_.request_id = request.request_id;
    record_.api = codec.api();
    record_.caller = request.caller;
    record_.caller_id = request.caller_id;
    if (request.header) trace_ = TraceContext::parse(request.header("traceparent"));
    if (trace_) record_.trace_id = trace_->trace_id;
    record_.started_at_ms = deps.clock.nowMs();
  }
  ~Run() { leave(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void operator()() {
    if (deps_.content_bytes > 0) tap_.emplace(deps_.content_bytes, request_.body, deps_.clean);
    const TraceScope scope(request_.request_id, trace_);
    if (const auto name = codec_.requestIdHeader(); !name.empty())
      writer_.setHeader(std::string(name), request_.request_id);
    run();
    record_.duration_ms = deps_.clock.steadyMs() - started_;
    if (tap_) record_.content = tap_->take();
    if (deps_.hooks.finished) deps_.hooks.finished(record_);
  }

 private:
  // Also when an exception ends the request: a slot that is not given back is lost for good.
  void leave() {
    if (!record_.admitted || std::exchange(left_, true) || !deps_.hooks.leaving) return;
    try {
      deps_.hooks.leaving(record_);
    } catch (...) {
      return;  // the answer matters more than its account
    }
  }

  void run() {
    auto call = codec_.decode(std::move(request_.body));
    if (!call) return refuse(std::move(call.error()));
    chat::ChatRequest& chat = (*call)->request;
    record_.model = chat.model;
    record_.streamed = chat.stream;
    addHeaders(chat);
    if (deps_.hooks.admit) {
      if (auto admitted = deps_.hooks.admit(request_, chat); !admitted)
        return refuse(std::move(admitted.error()));
    }
    record_.admitted = true;
    const std::string id = randomHex(deps_.random, 16);
    const chat::AnswerHead head{id, deps_.clock.nowMs() / 1000, request_.request_id};
    if (chat.stream)
      stream(**call, head);
    else
      whole(**call, head);
  }

  // What the headers say comes before what the body says.
  void addHeaders(chat::ChatRequest& chat) const {
    struct Words {
      std::shared_ptr<void> rest;
      std::string session;
      std::string connection;
    };
    auto words = std::make_shared<Words>();
    words->session = sessionOf(request_);
    if (request_.header) words->connection = request_.header("x-omniroute-connection");
    if (words->session.empty() && words->connection.empty()) return;
    if (!words->session.empty()) chat.session = words->session;
    chat.connection = words->connection;
    words->rest = std::move(chat.backing);
    chat.backing = std::move(words);
  }

  void stream(chat::ApiCall& call, const chat::AnswerHead& head) {
    const auto encoder = call.stream(head);
    StreamSink sink(writer_, call, *encoder, record_.route, observed(call.request));
    planSse(writer_, std::string(codec_.keepAlive()));
    Result<> result = deps_.backend.complete(call.request, sink, writer_.cancel(), record_.route);
    writer_.settle();
    if (!sink.begun() && result) result = emptyAnswer();
    if (!writer_.committed()) {
      setRouteHeaders(writer_, record_.route);
      return refuse(std::move(result.error()));
    }
    record_.status = 200;
    if (!result) record_.error = result.error();
    leave();
    sink.finish(result);
  }

  void whole(chat::ApiCall& call, const chat::AnswerHead& head) {
    const auto collector = call.whole(head);
    WholeSink sink(call, *collector, writer_.cancel(), observed(call.request));
    Result<> result = deps_.backend.complete(call.request, sink, writer_.cancel(), record_.route);
    setRouteHeaders(writer_, record_.route);
    if (!result) return refuse(std::move(result.error()));
    setCredits(writer_, record_.usage);
    record_.status = 200;
    leave();
    writer_.json(200, collector->json());
  }

  Observed observed(const chat::ChatRequest& request) {
    return {deps_.clock, started_, record_, tap_ ? &*tap_ : nullptr, chat::estimateTokens(request)};
  }

  void refuse(Error error) {
    record_.status = codec_.errorStatus(error);
    leave();
    sendApiError(writer_, codec_, error, request_.request_id);
    record_.error = std::move(error);
  }

  static Result<> emptyAnswer() {
    return makeError(FailureKind::EmptyResponse, "The provider sent an empty answer. Try again.");
  }

  const InferenceDeps& deps_;
  const chat::ApiCodec& codec_;
  Request& request_;
  ResponseWriter& writer_;
  const int64_t started_;
  InferenceRecord record_;
  std::optional<TraceContext> trace_;
  std::optional<ContentTap> tap_;
  bool left_ = false;
};

}  // namespace

void runInference(const InferenceDeps& deps, const chat::ApiCodec& codec, Request& request,
                  ResponseWriter& writer) {
  Run(deps, codec, request, writer)();
}

void sendApiError(ResponseWriter& writer, const chat::ApiCodec& codec, const Error& error,
                  std::string_view request_id) {
  if (error.retry_after_ms >= 0)
    writer.setHeader("Retry-After", std::to_string((error.retry_after_ms + 999) / 1000));
  writer.json(codec.errorStatus(error), codec.errorBody(error, request_id));
}

std::string sessionOf(const Request& request) {
  if (!request.header) return {};
  for (const std::string_view name : {"x-session-id", "x-claude-code-session-id", "session_id",
                                      "session-id", "x-session-affinity", "x-opencode-session"}) {
    std::string value = request.header(name);
    // A word longer than any client's own is not kept: it would live in the routing table.
    if (!value.empty() && value.size() <= kLongestSession) return value;
  }
  return {};
}

}  // namespace omni::http
