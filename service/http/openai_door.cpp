#include "service/http/openai_door.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <utility>

#include "core/errors/error_table.hpp"
#include "core/openai/decode.hpp"
#include "core/openai/encode.hpp"
#include "service/http/guards.hpp"
#include "service/http/sse.hpp"

namespace omni::http {
namespace {

constexpr size_t kMaxChatBody = 32u << 20;  // pictures come inline

void sendError(ResponseWriter& writer, const Error& error) {
  if (error.retry_after_ms >= 0) {
    writer.setHeader("Retry-After", std::to_string((error.retry_after_ms + 999) / 1000));
  }
  writer.json(httpStatus(error), openaiErrorBody(error));
}

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

// Turns events into frames. The answer is committed with the first event that carries content; what
// comes before (Started, Usage) may still be followed by another account's start, so only the
// newest of it is kept.
class StreamSink final : public chat::EventSink {
 public:
  StreamSink(ResponseWriter& writer, openai::StreamEncoder& encoder, const RouteReport& report)
      : writer_(writer), encoder_(encoder), report_(report) {}

  bool onEvent(const chat::ChatEvent& event) override {
    if (!committed_) {
      if (event.kind == chat::EventKind::Started) return !writer_.cancel().cancelled();
      if (event.kind == chat::EventKind::Usage) {
        if (event.usage) early_usage_ = *event.usage;
        return !writer_.cancel().cancelled();
      }
      if (!commit()) return false;
    }
    frames_.clear();
    if (early_usage_) {
      chat::ChatEvent usage;
      usage.kind = chat::EventKind::Usage;
      usage.usage = &*early_usage_;
      encoder_.onEvent(usage, frames_);
      early_usage_.reset();
    }
    encoder_.onEvent(event, frames_);
    return frames_.empty() || writer_.write(frames_);
  }

  bool committed() const { return committed_; }

  void finish(const Result<>& result) {
    frames_.clear();
    if (result) {
      encoder_.done(frames_);
    } else {
      encoder_.fail(result.error(), frames_);
    }
    // The error frame is followed by the stream's regular end, so that every client reads it;
    // [DONE] is what is missing.
    if (writer_.write(frames_)) writer_.endStream();
  }

 private:
  bool commit() {
    committed_ = true;
    setRouteHeaders(writer_, report_);
    return startSse(writer_);
  }

  ResponseWriter& writer_;
  openai::StreamEncoder& encoder_;
  const RouteReport& report_;
  std::string frames_;  // reused by all events
  std::optional<chat::Usage> early_usage_;
  bool committed_ = false;
};

class ChatHandler {
 public:
  ChatHandler(ChatBackend& backend, Clock& clock, Random& random)
      : backend_(backend), clock_(clock), random_(random) {}

  void operator()(const Request& http_request, ResponseWriter& writer) const {
    auto request = openai::decodeChatCompletion(http_request.body);
    if (!request) return sendError(writer, request.error());
    if (request->stream) {
      stream(*request, writer);
    } else {
      whole(*request, writer);
    }
  }

 private:
  std::string newId() const { return "chatcmpl-" + randomHex(random_, 12); }

  void stream(const chat::ChatRequest& request, ResponseWriter& writer) const {
    openai::StreamEncoder encoder(newId(), clock_.nowMs() / 1000, std::string(request.model),
                                  request.include_usage);
    RouteReport report;
    StreamSink sink(writer, encoder, report);
    Result<> result = backend_.complete(request, sink, writer.cancel(), report);
    if (!sink.committed()) {
      setRouteHeaders(writer, report);
      if (result) result = emptyAnswer();
      return sendError(writer, result.error());
    }
    sink.finish(result);
  }

  void whole(const chat::ChatRequest& request, ResponseWriter& writer) const {
    openai::Collector collector(newId(), clock_.nowMs() / 1000, std::string(request.model));
    RouteReport report;
    const Result<> result = backend_.complete(request, collector, writer.cancel(), report);
    setRouteHeaders(writer, report);
    if (!result) return sendError(writer, result.error());
    writer.json(200, collector.json());
  }

  static Result<> emptyAnswer() {
    return makeError(FailureKind::EmptyResponse, "The provider sent an empty answer. Try again.");
  }

  ChatBackend& backend_;
  Clock& clock_;
  Random& random_;
};

std::string modelList(const std::vector<ModelEntry>& models, int64_t created_s) {
  boost::json::array data;
  for (const ModelEntry& model : models) {
    boost::json::object entry{
        {"id", model.id}, {"object", "model"}, {"created", created_s}, {"owned_by", model.owner}};
    if (model.context_window > 0) entry["context_window"] = model.context_window;
    if (model.max_output > 0) entry["max_output_tokens"] = model.max_output;
    data.push_back(std::move(entry));
  }
  return boost::json::serialize(boost::json::object{{"object", "list"}, {"data", std::move(data)}});
}

}  // namespace

void addOpenAiRoutes(RouteTable& routes, ChatBackend& backend, Clock& clock, Random& random) {
  Route chat;
  chat.method = "POST";
  chat.pattern = "/v1/chat/completions";
  chat.door = Door::Inference;
  chat.max_body = kMaxChatBody;
  chat.needs_json = true;
  chat.handler = ChatHandler(backend, clock, random);
  routes.push_back(std::move(chat));

  Route models;
  models.method = "GET";
  models.pattern = "/v1/models";
  models.door = Door::Inference;
  models.handler = [&backend, created_s = clock.nowMs() / 1000](const Request&,
                                                                ResponseWriter& writer) {
    const auto list = backend.models();
    if (!list) return sendError(writer, list.error());
    writer.json(200, modelList(*list, created_s));
  };
  routes.push_back(std::move(models));
}

}  // namespace omni::http
