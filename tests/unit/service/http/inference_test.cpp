// The inference pipeline and its doors over a real listener, with a scripted backend and a clock of
// its own.
#include "service/http/inference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>

#include "raw_client.hpp"
#include "service/http/doors.hpp"
#include "service/http/server.hpp"

namespace omni::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using ::testing::StartsWith;

class FakeClock final : public Clock {
 public:
  int64_t nowMs() const override { return 1'700'000'000'000; }
  int64_t steadyMs() const override { return steady; }
  std::atomic<int64_t> steady{1000};
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
    ++calls;
    return script(request, sink, cancel, report);
  }
  Result<std::vector<ModelEntry>> models() override { return list; }

  Script script;
  Result<std::vector<ModelEntry>> list;
  std::atomic<int> calls{0};
};

bool emit(chat::EventSink& sink, chat::EventKind kind, std::string_view text = {}) {
  chat::ChatEvent event;
  event.kind = kind;
  event.text = text;
  return sink.onEvent(event);
}

struct ApiCase {
  const char* name;
  const char* path;
  const char* body;  // streamed when the text STREAM in it becomes true
  const char* keep_alive;
  const char* in_band_error;
  const char* end;
};

const ApiCase kApis[] = {
    {"Chat", "/v1/chat/completions",
     R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":STREAM})",
     ": keep-alive\n\n", "data: {\"error\":", "data: [DONE]\n\n"},
    {"Messages", "/v1/messages",
     R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}],"stream":STREAM})",
     "event: ping\ndata: {\"type\":\"ping\"}\n\n", "event: error\ndata: {\"type\":\"error\"",
     "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"},
    {"Responses", "/v1/responses", R"({"model":"m","input":"hi","stream":STREAM})",
     ": keep-alive\n\n", "event: error\ndata: {\"type\":\"error\"", "}}\n\n"},
};

class InferenceTest : public ::testing::TestWithParam<ApiCase> {
 protected:
  void SetUp() override {
    options_.port = 0;
    options_.max_streams = 4;
    options_.spare_threads = 4;
    options_.linger_ms = 200;
    options_.steady_ms = [this] { return clock_.steadyMs(); };
  }
  void start() {
    RouteTable routes;
    addInferenceRoutes(routes, {backend_, clock_, random_, hooks_});
    server_ = std::make_unique<Server>(options_, routes, random_);
    ASSERT_TRUE(server_->start());
  }
  static std::string post(const std::string& path, const std::string& body,
                          const std::string& headers = {}) {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
           headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::string body(bool stream) const {
    std::string text = GetParam().body;
    return text.replace(text.find("STREAM"), 6, stream ? "true" : "false");
  }
  std::string ask(const std::string& text, const std::string& headers = {}) {
    RawClient c(server_->port());
    c.send(post(GetParam().path, text, headers));
    return c.response();
  }
  std::string get(const std::string& target, const std::string& headers = {}) {
    RawClient c(server_->port());
    c.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    return c.response();
  }
  static boost::json::value bodyOf(const std::string& answer) {
    return boost::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }
  // The n-th record; it comes after the last byte of the answer.
  InferenceRecord record(size_t n = 1) {
    std::unique_lock lock(mutex_);
    const bool there =
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return records_.size() >= n; });
    EXPECT_TRUE(there) << "no record " << n;
    return there ? records_[n - 1] : InferenceRecord{};
  }
  void keepRecords() {
    hooks_.finished = [this](const InferenceRecord& r) {
      std::lock_guard lock(mutex_);
      records_.push_back(r);
      changed_.notify_all();
    };
  }

  ServerOptions options_;
  InferenceHooks hooks_;
  FakeClock clock_;
  FakeRandom random_;
  FakeBackend backend_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<InferenceRecord> records_;
  std::unique_ptr<Server> server_;
};

TEST_P(InferenceTest, SilenceCommitsTheStreamAndKeepsItAlive) {
  keepRecords();
  std::promise<void> running;
  std::promise<void> go;
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink& sink, const CancelToken&,
                        RouteReport&) {
    running.set_value();
    go.get_future().wait();
    emit(sink, chat::EventKind::Text, "late");
    emit(sink, chat::EventKind::Finish);
    return Result<>{};
  };
  start();
  RawClient c(server_->port());
  c.send(post(GetParam().path, body(true)));
  running.get_future().wait();
  clock_.steady += 9'999;
  server_->tickNow();
  EXPECT_EQ(c.receive(50), "") << "not yet";
  clock_.steady += 1;
  server_->tickNow();
  const std::string first = c.until(GetParam().keep_alive);
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(first, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(first, HasSubstr(GetParam().keep_alive));
  clock_.steady += 15'000;
  server_->tickNow();
  EXPECT_THAT(c.until(GetParam().keep_alive), HasSubstr(GetParam().keep_alive));
  go.set_value();
  const std::string rest = c.until("\r\n0\r\n\r\n");
  EXPECT_THAT(rest, HasSubstr("late"));
  EXPECT_THAT(rest, HasSubstr(GetParam().end));
  EXPECT_EQ(record().status, 200);
  EXPECT_FALSE(record().error);
  EXPECT_EQ(record().first_byte_ms, 25'000);
}

TEST_P(InferenceTest, AnAnswerNeedsItsRequestNoMoreOnceItIsRead) {
  backend_.script = [&](const chat::ChatRequest& request, chat::EventSink& sink, const CancelToken&,
                        RouteReport&) {
    EXPECT_EQ(request.messages.size(), 1u);
    emit(sink, chat::EventKind::Text, "some ");
    sink.requestDone();
    EXPECT_TRUE(request.messages.empty());
    EXPECT_EQ(request.backing, nullptr);
    emit(sink, chat::EventKind::Text, "more");
    emit(sink, chat::EventKind::Finish);
    return Result<>{};
  };
  start();
  for (const bool streamed : {true, false}) {
    RawClient c(server_->port());
    c.send(post(GetParam().path, body(streamed)));
    const std::string answer = streamed ? c.until("\r\n0\r\n\r\n") : c.response();
    EXPECT_THAT(answer, HasSubstr("some "));
    EXPECT_THAT(answer, HasSubstr("more"));
    EXPECT_THAT(answer, HasSubstr(R"("model":"m")"));
  }
}

TEST_F(InferenceTest, WhatAResponseRepeatsOfItsRequestOutlivesIt) {
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink& sink, const CancelToken&,
                        RouteReport&) {
    sink.requestDone();
    emit(sink, chat::EventKind::Text, "x");
    emit(sink, chat::EventKind::Finish);
    return Result<>{};
  };
  start();
  const std::string tools =
      R"([{"type":"function","name":"look_closely_at_it","parameters":{"type":"object"}}])";
  for (const std::string streamed : {"true", "false"}) {
    RawClient c(server_->port());
    c.send(post("/v1/responses",
                R"({"model":"m","input":"hi","instructions":"Be \"brief\".","stream":)" + streamed +
                    R"(,"metadata":{"a":"b"},"tools":)" + tools + "}"));
    const std::string answer = streamed == "true" ? c.until("\r\n0\r\n\r\n") : c.response();
    ASSERT_THAT(answer, HasSubstr(R"("object":"response")"));
    const std::string end = answer.substr(answer.rfind(R"("object":"response")"));
    EXPECT_THAT(end, HasSubstr("\"tools\":" + tools));
    EXPECT_THAT(end, HasSubstr(R"("instructions":"Be \"brief\".")"));
    EXPECT_THAT(end, HasSubstr(R"("metadata":{"a":"b"})"));
  }
}

// What arrived together leaves together, each event its own frame; nothing waits for more.
TEST_P(InferenceTest, HeldEventsLeaveInOneWriteAtTheirRelease) {
  std::promise<void> held;
  std::promise<void> go;
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink& sink, const CancelToken&,
                        RouteReport&) {
    emit(sink, chat::EventKind::Text, "alone");
    sink.hold();
    emit(sink, chat::EventKind::Text, "first");
    emit(sink, chat::EventKind::Text, "second");
    held.set_value();
    go.get_future().wait();
    sink.release();
    emit(sink, chat::EventKind::Finish);
    return Result<>{};
  };
  start();
  RawClient c(server_->port());
  c.send(post(GetParam().path, body(true)));
  held.get_future().wait();
  EXPECT_THAT(c.until("alone"), Not(HasSubstr("first")));
  go.set_value();
  const std::string rest = c.until("\r\n0\r\n\r\n");
  const auto first = rest.find("first");
  const auto second = rest.find("second");
  ASSERT_NE(first, std::string::npos);
  ASSERT_NE(second, std::string::npos);
  const std::string between = rest.substr(first, second - first);
  EXPECT_THAT(between, HasSubstr("\n\n")) << "two events";
  EXPECT_THAT(between, Not(HasSubstr("\r\n"))) << "in one chunk";
}

TEST_P(InferenceTest, AHeldFinishLeavesWithTheStreamsEnd) {
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink& sink, const CancelToken&,
                        RouteReport&) {
    emit(sink, chat::EventKind::Text, "words");
    sink.hold();
    emit(sink, chat::EventKind::Finish);
    return Result<>{};
  };
  start();
  RawClient c(server_->port());
  c.send(post(GetParam().path, body(true)));
  const std::string answer = c.until("\r\n0\r\n\r\n");
  std::string_view body = std::string_view(answer).substr(answer.find("\r\n\r\n") + 4);
  std::vector<std::string> chunks;
  for (size_t size = 1; size > 0;) {
    const size_t line = body.find("\r\n");
    ASSERT_NE(line, std::string_view::npos);
    size = std::stoul(std::string(body.substr(0, line)), nullptr, 16);
    chunks.emplace_back(body.substr(line + 2, size));
    body.remove_prefix(line + 2 + size + 2);
  }
  ASSERT_EQ(chunks.size(), 3u) << answer;  // the text, all of the end, and the empty one
  EXPECT_THAT(chunks[0], HasSubstr("words"));
}

TEST_P(InferenceTest, FailureAfterSilenceIsInBand) {
  std::promise<void> running;
  std::promise<void> go;
  keepRecords();
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink&, const CancelToken&,
                        RouteReport&) {
    running.set_value();
    go.get_future().wait();
    return Result<>(makeError(FailureKind::RateLimited, "Slow down."));
  };
  start();
  RawClient c(server_->port());
  c.send(post(GetParam().path, body(true)));
  running.get_future().wait();
  clock_.steady += 10'000;
  server_->tickNow();
  c.until(GetParam().keep_alive);
  go.set_value();
  const std::string rest = c.until("\r\n0\r\n\r\n");
  EXPECT_THAT(rest, HasSubstr(GetParam().in_band_error));
  EXPECT_THAT(rest, HasSubstr("Slow down."));
  EXPECT_THAT(rest, Not(HasSubstr("[DONE]")));
  EXPECT_THAT(rest, EndsWith("\r\n0\r\n\r\n")) << "a regular end, so that the error is read";
  EXPECT_EQ(record().status, 200);
  ASSERT_TRUE(record().error);
  EXPECT_EQ(record().error->kind, FailureKind::RateLimited);
  EXPECT_EQ(record().first_byte_ms, -1);
}

TEST_P(InferenceTest, FailureWithinTheSilenceIsAPlainError) {
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink&, const CancelToken&,
                        RouteReport&) {
    clock_.steady += 9'000;
    server_->tickNow();
    auto error = makeError(FailureKind::RateLimited, "Slow down.");
    error.error().retry_after_ms = 1500;
    return Result<>(std::move(error));
  };
  start();
  const std::string answer = ask(body(true));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 2\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/json"));
  EXPECT_EQ(bodyOf(answer).at("error").at("type").as_string(), "rate_limit_error");
}

// A client with one slot that asks again as soon as it has its answer must find the slot free.
TEST_P(InferenceTest, WhoIsAdmittedLeavesOnceAndBeforeTheLastBytes) {
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  hooks_.admit = [&](const Request&, const chat::ChatRequest&) -> Result<> {
    most = std::max(most.load(), ++inside);
    return {};
  };
  hooks_.leaving = [&](const InferenceRecord& r) {
    EXPECT_NE(r.status, 0);
    --inside;
  };
  int call = 0;
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink& sink, const CancelToken&,
                        RouteReport&) -> Result<> {
    if (++call % 3 == 0) return makeError(FailureKind::RateLimited, "Slow down.");
    emit(sink, chat::EventKind::Text, "x");
    emit(sink, chat::EventKind::Finish);
    return {};
  };
  start();
  for (int i = 0; i < 60; ++i) {
    RawClient c(server_->port());
    const bool streamed = i % 2 == 0;
    c.send(post(GetParam().path, body(streamed)));
    // Streamed errors that came before any content are whole answers.
    if (streamed && (i + 1) % 3 != 0)
      c.until("\r\n0\r\n\r\n");
    else
      c.response();
    ASSERT_EQ(inside, 0) << i;
  }
  EXPECT_EQ(most, 1);
}

TEST_P(InferenceTest, AnExceptionGivesTheSlotBack) {
  std::atomic<int> left{0};
  hooks_.leaving = [&](const InferenceRecord&) { ++left; };
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink&, const CancelToken&,
                        RouteReport&) -> Result<> { throw std::runtime_error("broken"); };
  start();
  EXPECT_THAT(ask(body(false)), StartsWith("HTTP/1.1 500"));
  EXPECT_EQ(left, 1);
}

TEST_P(InferenceTest, WhatTheProviderDoesNotCountIsEstimated) {
  keepRecords();
  backend_.script = [&](const chat::ChatRequest&, chat::EventSink& sink, const CancelToken&,
                        RouteReport&) {
    emit(sink, chat::EventKind::Started);
    emit(sink, chat::EventKind::Text, "x");
    chat::Usage usage;
    usage.output_tokens = 3;  // an answer that ended at a stop sequence, before upstream's count
    chat::ChatEvent event;
    event.kind = chat::EventKind::Usage;
    event.usage = &usage;
    sink.onEvent(event);
    emit(sink, chat::EventKind::Finish);
    return Result<>{};
  };
  start();
  for (const bool streamed : {false, true}) {
    RawClient c(server_->port());
    c.send(post(GetParam().path, body(streamed)));
    const std::string answer = streamed ? c.until("\r\n0\r\n\r\n") : c.response();
    // Chat's streams tell usage only to who asks for it.
    if (!streamed) {
      EXPECT_THAT(answer, HasSubstr("\"estimated\":true"));
    }
    const InferenceRecord done = record(streamed ? 2 : 1);
    EXPECT_GT(done.usage.input_tokens, 0);
    EXPECT_EQ(done.usage.output_tokens, 3);
    EXPECT_TRUE(done.usage.estimated);
  }
}

TEST_P(InferenceTest, HooksSeeTheRequestAndItsEnd) {
  keepRecords();
  hooks_.admit = [](const Request& r, const chat::ChatRequest& chat) -> Result<> {
    EXPECT_EQ(chat.model, "m");
    if (r.header("x-test") == "no") return makeError(FailureKind::Forbidden, "Not this model.");
    return {};
  };
  backend_.script = [&](const chat::ChatRequest& chat, chat::EventSink& sink, const CancelToken&,
                        RouteReport& report) {
    EXPECT_EQ(chat.session, "s-1");
    EXPECT_EQ(chat.connection, "dev");
    report.attempts.emplace_back().connection_name = "dev";
    emit(sink, chat::EventKind::Started);
    clock_.steady += 40;
    emit(sink, chat::EventKind::Text, "x");
    chat::Usage usage;
    usage.input_tokens = 7;
    usage.credits = 0.5;
    chat::ChatEvent event;
    event.kind = chat::EventKind::Usage;
    event.usage = &usage;
    sink.onEvent(event);
    emit(sink, chat::EventKind::Finish);
    clock_.steady += 2;
    return Result<>{};
  };
  start();
  const std::string answer =
      ask(body(false), "X-Session-Id: s-1\r\nX-OmniRoute-Connection: dev\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("x-omniroute-credits: 0.5\r\n"));
  EXPECT_THAT(answer, HasSubstr("x-omniroute-connection: dev\r\n"));
  EXPECT_EQ(bodyOf(answer).at("usage").at("credits").as_double(), 0.5);
  const InferenceRecord good = record();
  EXPECT_EQ(good.model, "m");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.usage.input_tokens, 7);
  EXPECT_EQ(good.first_byte_ms, 40);
  EXPECT_EQ(good.duration_ms, 42);
  EXPECT_FALSE(good.streamed);
  EXPECT_EQ(good.route.attempts.size(), 1u);

  EXPECT_THAT(ask(body(true), "X-Test: no\r\n"), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(record(2).status, 403);
  EXPECT_TRUE(record(2).streamed);
  EXPECT_EQ(backend_.calls, 1);
}

// The same for every API: a bad body is answered in the API's own shape and reaches nobody.
TEST_P(InferenceTest, BadInputReachesNobody) {
  start();
  std::string twice = body(false);
  twice.insert(1, R"("model":"n",)");
  const struct {
    std::string text;
    const char* message;
  } kCases[] = {{"", "empty at byte 0"},
                {"{", "at byte 1"},
                {"[]", "body must be an object"},
                {"{}", "model is missing"},
                {R"({"model":5})", "model must be a string, not a number"},
                {"{\"model\":\"\xff\"}", "not valid UTF-8 at byte 10, in model"},
                {R"({"model":"\ud800"})", "surrogate"},
                {std::string(100'000, '['), "deeper than 128 levels"},
                {twice, "\\\"model\\\" is there twice"},
                {R"({"model":1e999})", "too large"}};
  for (const auto& c : kCases) {
    const std::string answer = ask(c.text);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400")) << c.text.substr(0, 50);
    EXPECT_THAT(answer, HasSubstr(c.message));
    EXPECT_EQ(bodyOf(answer).at("error").at("type").as_string(), "invalid_request_error");
  }
  RawClient c(server_->port());
  c.send("POST " + std::string(GetParam().path) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
         "40000000\r\n\r\n");
  EXPECT_THAT(c.response(), StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(backend_.calls, 0);
}

INSTANTIATE_TEST_SUITE_P(Apis, InferenceTest, ::testing::ValuesIn(kApis),
                         [](const auto& param) { return std::string(param.param.name); });

class DoorTest : public InferenceTest {};
INSTANTIATE_TEST_SUITE_P(One, DoorTest, ::testing::Values(kApis[1]));

TEST_P(DoorTest, AnthropicsErrorsHaveItsShapeWhereverTheyArise) {
  start();
  const std::string no_json =
      "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
      "Content-Length: 2\r\n\r\n{}";
  RawClient c(server_->port());
  c.send(no_json);
  const std::string refused = c.response();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 415"));
  EXPECT_EQ(bodyOf(refused).at("type").as_string(), "error");
  EXPECT_THAT(refused, HasSubstr("request-id: "));
  const std::string unknown = get("/v1/nothing", "anthropic-version: 2023-06-01\r\n");
  EXPECT_THAT(unknown, StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(bodyOf(unknown).at("error").at("type").as_string(), "not_found_error");
  EXPECT_EQ(bodyOf(get("/v1/nothing")).as_object().contains("type"), false);
  backend_.script = [](const chat::ChatRequest&, chat::EventSink&, const CancelToken&,
                       RouteReport&) {
    return Result<>(makeError(FailureKind::Capacity, "Full."));
  };
  const std::string full = ask(body(true));
  EXPECT_THAT(full, StartsWith("HTTP/1.1 529"));
  EXPECT_EQ(bodyOf(full).at("error").at("type").as_string(), "overloaded_error");
}

TEST_P(DoorTest, TokensAreCountedWithoutAsking) {
  start();
  RawClient c(server_->port());
  c.send(post("/v1/messages/count_tokens",
              R"({"model":"m","messages":[{"role":"user","content":"12345678"}]})"));
  EXPECT_EQ(bodyOf(c.response()).at("input_tokens").as_int64(), 6);
  RawClient d(server_->port());
  d.send(post("/v1/messages/count_tokens", R"({"model":"m","messages":[]})"));
  EXPECT_THAT(d.response(), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(backend_.calls, 0);
}

TEST_P(DoorTest, ModelsInBothShapes) {
  backend_.list = std::vector<ModelEntry>{{"fast", "combo", 0, 0},
                                          {"kiro/dev/big", "kiro", 200000, 8192},
                                          {"kiro/dev/x", "kiro", 0, 0}};
  start();
  const auto openai = bodyOf(get("/v1/models"));
  EXPECT_EQ(openai.at("object").as_string(), "list");
  EXPECT_EQ(openai.at("data").at(1).at("context_window").as_int64(), 200000);
  EXPECT_EQ(openai.at("data").at(1).at("owned_by").as_string(), "kiro");
  const std::string version = "anthropic-version: 2023-06-01\r\n";
  const auto page = bodyOf(get("/v1/models?limit=2", version));
  EXPECT_EQ(page.at("data").as_array().size(), 2u);
  EXPECT_EQ(page.at("data").at(0).at("type").as_string(), "model");
  EXPECT_EQ(page.at("data").at(0).at("created_at").as_string(), "2023-11-14T22:13:20Z");
  EXPECT_TRUE(page.at("has_more").as_bool());
  EXPECT_EQ(page.at("first_id").as_string(), "fast");
  EXPECT_EQ(page.at("last_id").as_string(), "kiro/dev/big");
  const auto rest = bodyOf(get("/v1/models?after_id=kiro/dev/big", version));
  EXPECT_EQ(rest.at("data").as_array().size(), 1u);
  EXPECT_FALSE(rest.at("has_more").as_bool());
  const auto before = bodyOf(get("/v1/models?before_id=kiro/dev/x&limit=1", version));
  EXPECT_EQ(before.at("first_id").as_string(), "kiro/dev/big");
  EXPECT_TRUE(before.at("has_more").as_bool());
  const auto none = bodyOf(get("/v1/models?after_id=kiro/dev/x", version));
  EXPECT_TRUE(none.at("first_id").is_null());
  EXPECT_THAT(get("/v1/models?limit=0", version), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(get("/v1/models?after_id=nobody", version), StartsWith("HTTP/1.1 400"));

  EXPECT_EQ(bodyOf(get("/v1/models/kiro%2Fdev%2Fbig")).at("id").as_string(), "kiro/dev/big");
  EXPECT_EQ(bodyOf(get("/v1/models/kiro/dev/big", version)).at("max_input_tokens").as_int64(),
            200000);
  EXPECT_THAT(get("/v1/models/none"), StartsWith("HTTP/1.1 404"));
}

TEST_P(DoorTest, SessionHeadersInOrder) {
  Request request;
  std::map<std::string, std::string> headers;
  request.header = [&](std::string_view name) {
    const auto found = headers.find(std::string(name));
    return found == headers.end() ? std::string() : found->second;
  };
  EXPECT_EQ(sessionOf(request), "");
  headers["session_id"] = "codex";
  EXPECT_EQ(sessionOf(request), "codex");
  headers["x-claude-code-session-id"] = "claude";
  EXPECT_EQ(sessionOf(request), "claude");
  headers["x-session-id"] = std::string(600, 'x');
  EXPECT_EQ(sessionOf(request), "claude") << "too long to be one";
  headers["x-session-id"] = "own";
  EXPECT_EQ(sessionOf(request), "own");
}

}  // namespace
}  // namespace omni::http
