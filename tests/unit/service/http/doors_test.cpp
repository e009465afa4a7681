// The doors over a real listener, with a scripted backend behind it.
#include "service/http/doors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstring>
#include <future>

#include "raw_client.hpp"
#include "service/http/server.hpp"

namespace omni::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using ::testing::StartsWith;

class FakeClock final : public Clock {
 public:
  int64_t nowMs() const override { return 1'700'000'000'000; }
  int64_t steadyMs() const override { return 0; }
};

class FakeRandom final : public Random {
 public:
  void fill(void* out, size_t size) override { std::memset(out, 0x5a, size); }
};

class FakeBackend final : public ChatBackend {
 public:
  using Script = std::function<Result<>(const chat::ChatRequest&, chat::EventSink&,
                                        const CancelToken&, RouteReport&)>;
  Result<> complete(const chat::ChatRequest& request, chat::EventSink& sink,
                    const CancelToken& cancel, RouteReport& report) override {
    return script(request, sink, cancel, report);
  }
  Result<std::vector<ModelEntry>> models() override { return list; }

  Script script;
  Result<std::vector<ModelEntry>> list;
};

void attempt(RouteReport& report, std::string name, bool ok) {
  RouteAttempt a;
  a.connection_id = "id-" + name;
  a.connection_name = std::move(name);
  a.ok = ok;
  report.attempts.push_back(std::move(a));
}

bool emit(chat::EventSink& sink, chat::EventKind kind, std::string_view text = {}) {
  chat::ChatEvent event;
  event.kind = kind;
  event.text = text;
  return sink.onEvent(event);
}

class DoorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.port = 0;
    options.max_streams = 4;
    options.spare_threads = 4;
    options.linger_ms = 200;
    RouteTable routes;
    addInferenceRoutes(routes, {backend_, clock_, random_});
    server_ = std::make_unique<Server>(options, routes, random_);
    ASSERT_TRUE(server_->start());
  }
  void send(RawClient& c, const std::string& body) {
    c.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  std::string ask(const std::string& body) {
    RawClient c(server_->port());
    send(c, body);
    return c.response();
  }
  static std::string chatBody(bool stream) {
    return std::string(R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":)") +
           (stream ? "true}" : "false}");
  }
  static boost::json::value bodyOf(const std::string& answer) {
    return boost::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  FakeClock clock_;
  FakeRandom random_;
  FakeBackend backend_;
  std::unique_ptr<Server> server_;
};

TEST_F(DoorsTest, WholeAnswer) {
  backend_.script = [](const chat::ChatRequest& r, chat::EventSink& sink, const CancelToken&,
                       RouteReport& report) {
    EXPECT_EQ(r.model, "m");
    EXPECT_FALSE(r.stream);
    attempt(report, "first", false);
    attempt(report, "second", true);
    emit(sink, chat::EventKind::Started);
    emit(sink, chat::EventKind::Text, "Hel");
    emit(sink, chat::EventKind::Text, "lo");
    emit(sink, chat::EventKind::Finish);
    return Result<>{};
  };
  const std::string answer = ask(chatBody(false));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, HasSubstr("x-omniroute-connection: second\r\n"));
  EXPECT_THAT(answer, HasSubstr("x-omniroute-attempts: 2\r\n"));
  const auto json = bodyOf(answer);
  EXPECT_EQ(json.at("object").as_string(), "chat.completion");
  EXPECT_EQ(json.at("created").as_int64(), 1'700'000'000);
  EXPECT_EQ(json.at("choices").at(0).at("message").at("content").as_string(), "Hello");
}

TEST_F(DoorsTest, StreamedAnswerDeliversTheFirstContentAtOnce) {
  std::promise<void> go;
  backend_.script = [&](const chat::ChatRequest& r, chat::EventSink& sink, const CancelToken&,
                        RouteReport& report) {
    EXPECT_TRUE(r.stream);
    attempt(report, "x", true);
    report.attempts.back().connection_name = "nam\xc3\xa9";  // no header text: shown by its id
    emit(sink, chat::EventKind::Started);
    emit(sink, chat::EventKind::Text, "one");
    go.get_future().wait();
    emit(sink, chat::EventKind::Text, "two");
    emit(sink, chat::EventKind::Finish);
    return Result<>{};
  };
  RawClient c(server_->port());
  send(c, chatBody(true));
  const std::string first = c.receive();
  go.set_value();
  EXPECT_THAT(first, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(first, HasSubstr("x-omniroute-connection: id-x\r\n"));
  EXPECT_THAT(first, HasSubstr(R"("content":"one")"));
  const std::string rest = c.until("\r\n0\r\n\r\n");
  EXPECT_THAT(rest, HasSubstr(R"("content":"two")"));
  EXPECT_THAT(rest, ::testing::EndsWith("data: [DONE]\n\n\r\n0\r\n\r\n"));
}

TEST_F(DoorsTest, FailureBeforeContentIsAnHttpErrorWithRetryAfter) {
  backend_.script = [](const chat::ChatRequest&, chat::EventSink& sink, const CancelToken&,
                       RouteReport& report) {
    attempt(report, "a", false);
    emit(sink, chat::EventKind::Started);  // must not commit the answer
    auto error = makeError(FailureKind::RateLimited, "Slow down.");
    error.error().retry_after_ms = 1500;
    return Result<>(std::move(error));
  };
  for (bool stream : {false, true}) {
    const std::string answer = ask(chatBody(stream));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 429 Too Many Requests"));
    EXPECT_THAT(answer, HasSubstr("Retry-After: 2\r\n"));
    EXPECT_THAT(answer, HasSubstr("x-omniroute-attempts: 1\r\n"));
    EXPECT_THAT(std::string(bodyOf(answer).at("error").at("message").as_string()),
                HasSubstr("Slow down."));
  }
}

TEST_F(DoorsTest, FailureAfterContentIsInBandAndNotDone) {
  backend_.script = [](const chat::ChatRequest&, chat::EventSink& sink, const CancelToken&,
                       RouteReport& report) {
    attempt(report, "a", false);
    emit(sink, chat::EventKind::Text, "half");
    return Result<>(makeError(FailureKind::Upstream, "The provider broke off."));
  };
  RawClient c(server_->port());
  send(c, chatBody(true));
  const std::string all = c.until("\r\n0\r\n\r\n");
  EXPECT_THAT(all, HasSubstr("half"));
  EXPECT_THAT(all, HasSubstr(R"(data: {"error":)"));
  EXPECT_THAT(all, HasSubstr("The provider broke off."));
  EXPECT_THAT(all, Not(HasSubstr("[DONE]")));
}

TEST_F(DoorsTest, StreamWithoutAnyContentIsAnError) {
  backend_.script = [](const chat::ChatRequest&, chat::EventSink&, const CancelToken&,
                       RouteReport&) { return Result<>{}; };
  EXPECT_THAT(ask(chatBody(true)), StartsWith("HTTP/1.1 5"));
}

TEST_F(DoorsTest, BadRequestNamesTheField) {
  backend_.script = [](const chat::ChatRequest&, chat::EventSink&, const CancelToken&,
                       RouteReport&) {
    ADD_FAILURE() << "must not be reached";
    return Result<>{};
  };
  EXPECT_THAT(ask("{"), StartsWith("HTTP/1.1 400"));
  const std::string answer = ask(R"({"model":"m"})");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, HasSubstr("messages"));
}

TEST_F(DoorsTest, LeavingClientCancelsTheBackend) {
  std::promise<void> running;
  std::promise<bool> cancelled;
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink&, const CancelToken& cancel,
                        RouteReport&) {
    running.set_value();
    const int64_t end = testing::nowMs() + 3000;
    while (!cancel.cancelled() && testing::nowMs() < end) std::this_thread::yield();
    cancelled.set_value(cancel.cancelled());
    return Result<>(makeError(FailureKind::Cancelled, "The client left."));
  };
  RawClient c(server_->port());
  send(c, chatBody(true));
  running.get_future().wait();
  c.close();
  EXPECT_TRUE(cancelled.get_future().get());
}

}  // namespace
}  // namespace omni::http
