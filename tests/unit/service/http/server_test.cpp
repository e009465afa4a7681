// The traps of Poco 1.11's HTTP server, each as a test over a raw socket; and the guards.
#include "service/http/server.hpp"

#include "service/http/body_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>

#include "raw_client.hpp"
#include "service/http/sse.hpp"

namespace omni::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using ::testing::StartsWith;

class CountingRandom final : public Random {
 public:
  void fill(void* out, size_t size) override { std::memset(out, ++count_, size); }

 private:
  std::atomic<int> count_{0};
};

// A value that a test waits for.
template <typename T>
class Waited {
 public:
  void set(T value) {
    std::lock_guard lock(mutex_);
    value_ = std::move(value);
    changed_.notify_all();
  }
  std::optional<T> get(int timeout_ms = 5000) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                      [this] { return value_.has_value(); });
    return value_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<T> value_;
};

bool eventually(const std::function<bool()>& condition, int timeout_ms = 5000) {
  const int64_t end = testing::nowMs() + timeout_ms;
  while (!condition()) {
    if (testing::nowMs() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    options_.port = 0;
    options_.max_streams = 4;
    options_.max_admin = 2;
    options_.spare_threads = 6;
    options_.linger_ms = 300;
    options_.cancel_grace_ms = 300;
  }
  ~ServerTest() override {
    releaseAll();
    server_.reset();
  }

  void add(std::string method, std::string pattern,
           std::function<void(const Request&, ResponseWriter&)> handler, Door door = Door::Admin,
           size_t max_body = 1u << 20, bool needs_json = false) {
    routes_.push_back(
        {std::move(method), std::move(pattern), door, max_body, needs_json, std::move(handler)});
  }
  void addEcho(size_t max_body = 1u << 20) {
    add(
        "POST", "/echo",
        [](const Request& r, ResponseWriter& w) { w.send(200, "text/plain", "[" + r.body + "]"); },
        Door::Admin, max_body);
    add(
        "GET", "/ok", [](const Request&, ResponseWriter& w) { w.send(200, "text/plain", "fine"); },
        Door::Health);
  }
  // A handler that holds its slot until releaseAll().
  void addBlocking(std::string pattern, Door door) {
    add(
        "GET", std::move(pattern),
        [this](const Request&, ResponseWriter& w) {
          std::unique_lock lock(gate_mutex_);
          ++blocked_;
          gate_changed_.notify_all();
          gate_changed_.wait(lock, [this] { return open_; });
          w.send(200, "text/plain", "late");
        },
        door);
  }
  bool waitBlocked(int count) {
    std::unique_lock lock(gate_mutex_);
    return gate_changed_.wait_for(lock, std::chrono::seconds(5), [&] { return blocked_ >= count; });
  }
  void releaseAll() {
    std::lock_guard lock(gate_mutex_);
    open_ = true;
    gate_changed_.notify_all();
  }
  void start() {
    server_ = std::make_unique<Server>(options_, routes_, random_);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message << started.error().detail;
  }
  RawClient client() { return RawClient(server_->port()); }
  // One request on a connection of its own.
  std::string ask(std::string_view request) {
    RawClient c(server_->port());
    c.send(request);
    return c.response();
  }

  ServerOptions options_;
  RouteTable routes_;
  CountingRandom random_;
  std::unique_ptr<Server> server_;
  std::mutex gate_mutex_;
  std::condition_variable gate_changed_;
  int blocked_ = 0;
  bool open_ = false;
};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  addEcho();
  start();
  RawClient c(server_->port());
  for (int i = 0; i < 3; ++i) {
    c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    const std::string answer = c.response();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\n[abc]"));
    EXPECT_THAT(answer, Not(HasSubstr("Connection: close")));
    EXPECT_THAT(answer, HasSubstr("\r\nDate: "));
  }
}

TEST_F(ServerTest, HeaderAndBodyComeInOneSegment) {
  addEcho();
  start();
  RawClient c(server_->port());
  c.send("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(c.receive(), HasSubstr("\r\n\r\nfine"));
}

TEST_F(ServerTest, UnreadBodyOnKeepAliveIsNeverTheNextRequest) {
  std::atomic<int> smuggled{0};
  addEcho();
  add("GET", "/secret", [&](const Request&, ResponseWriter& w) {
    ++smuggled;
    w.json(200, "{}");
  });
  start();
  const std::string inner = "GET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const char* line : {"POST /nowhere HTTP/1.1\r\n", "PUT /echo HTTP/1.1\r\n"}) {
    RawClient c(server_->port());
    c.send(std::string(line) + "Host: localhost\r\nContent-Length: " +
           std::to_string(inner.size()) + "\r\n\r\n" + inner);
    const std::string all = c.untilClosed();
    EXPECT_THAT(all, HasSubstr("Connection: close"));
    EXPECT_EQ(all.find("HTTP/1.1", 5), std::string::npos) << all;
    EXPECT_TRUE(c.closed());
  }
  EXPECT_EQ(smuggled, 0);
}

TEST_F(ServerTest, AmbiguousFramingIsRefusedAndClosed) {
  addEcho();
  start();
  for (const char* lines : {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                            "Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length: -1\r\n",
                            "Content-Length: 3x\r\n", "Content-Length: +3\r\n",
                            "Transfer-Encoding: gzip, chunked\r\n", "Content-Length : 3\r\n"}) {
    RawClient c(server_->port());
    c.send(std::string("POST /echo HTTP/1.1\r\nHost: localhost\r\n") + lines + "\r\nabc");
    const std::string all = c.untilClosed();
    EXPECT_THAT(all, StartsWith("HTTP/1.1 400 Bad Request")) << lines;
    EXPECT_TRUE(c.closed()) << lines;
  }
}

// As `curl -X POST` without -d sends it. What follows is never read as a second request.
TEST_F(ServerTest, PostWithoutLengthHasNoBodyAndEndsTheConnection) {
  addEcho();
  start();
  RawClient c(server_->port());
  c.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\n\r\nGET /echo HTTP/1.1\r\nHost: "
      "localhost\r\n\r\n");
  const std::string all = c.untilClosed();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_EQ(all.find("HTTP/1.1", 1), std::string::npos) << all;
  EXPECT_TRUE(c.closed());
}

TEST_F(ServerTest, PostWithoutLengthIs411WhereABodyIsNeeded) {
  add(
      "POST", "/json", [](const Request&, ResponseWriter& w) { w.json(200, "{}"); }, Door::Admin,
      1u << 20, true);
  start();
  RawClient c(server_->port());
  c.send("POST /json HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n");
  EXPECT_THAT(c.untilClosed(), StartsWith("HTTP/1.1 411 Length Required"));
  EXPECT_TRUE(c.closed());
}

TEST_F(ServerTest, ChunkedRequestBodyIsReadWithoutWaiting) {
  addEcho();
  start();
  RawClient c(server_->port());
  const int64_t begin = testing::nowMs();
  for (int i = 0; i < 2; ++i) {
    c.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
        "0\r\nTrailer: x\r\n\r\n");
    EXPECT_THAT(c.response(), HasSubstr("[abc0123456789]"));
  }
  EXPECT_LT(testing::nowMs() - begin, 2000);
}

TEST_F(ServerTest, MalformedChunkIsNotTheEndOfTheBody) {
  addEcho();
  start();
  for (const char* body : {"zz\r\nabc\r\n0\r\n\r\n", "3\r\nabcX\r\n0\r\n\r\n",
                           "3\nabc\r\n0\r\n\r\n", "\r\n", "ffffffffffffffffff\r\n"}) {
    RawClient c(server_->port());
    c.send(std::string(
               "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n") +
           body);
    EXPECT_THAT(c.untilClosed(), StartsWith("HTTP/1.1 400")) << body;
  }
}

TEST_F(ServerTest, DeclaredLengthOverTheLimitIs413BeforeTheBodyIsRead) {
  addEcho(10);
  start();
  RawClient c(server_->port());
  c.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n");  // no body byte sent
  EXPECT_THAT(c.until("}}"), StartsWith("HTTP/1.1 413 Content Too Large"));
}

TEST_F(ServerTest, ClientThatSendsAllOfATooLargeBodyStillReadsThe413) {
  addEcho(10);
  start();
  RawClient c(server_->port());
  const std::string body(4 << 20, 'x');
  EXPECT_TRUE(c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                     std::to_string(body.size()) + "\r\n\r\n" + body));
  EXPECT_THAT(c.untilClosed(), StartsWith("HTTP/1.1 413"));
  EXPECT_FALSE(c.wasReset());
}

TEST_F(ServerTest, ChunkedBodyOverTheLimitIs413) {
  addEcho(10);
  start();
  RawClient c(server_->port());
  c.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n8\r\n01234567\r\n8\r\n");
  EXPECT_THAT(c.until("}}"), StartsWith("HTTP/1.1 413"));
}

TEST_F(ServerTest, BodyAtTheLimitIsRead) {
  addEcho(10);
  start();
  EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n0123456789"),
              HasSubstr("[0123456789]"));
}

TEST_F(ServerTest, CutRequestIsNotHandled) {
  std::atomic<int> calls{0};
  add("POST", "/x", [&](const Request&, ResponseWriter& w) {
    ++calls;
    w.json(200, "{}");
  });
  add("GET", "/x", [&](const Request&, ResponseWriter& w) {
    ++calls;
    w.json(200, "{}");
  });
  start();
  for (const char* cut :
       {"GET /x HTTP/1.1\r\nHost: localhost\r\n", "GET /x HTTP/1.1\r\nHost: localhost",
        "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc"}) {
    RawClient c(server_->port());
    ASSERT_TRUE(c.connected());
    c.send(cut);
    c.close();
  }
  ASSERT_TRUE(eventually([&] { return server_->openConnections() == 0; }));
  EXPECT_EQ(calls, 0);
}

TEST_F(ServerTest, ExpectContinueIsInvitedOnlyWhenWanted) {
  addEcho(10);
  start();
  RawClient c(server_->port());
  c.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_EQ(c.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("abc");
  EXPECT_THAT(c.response(), HasSubstr("[abc]"));
  RawClient refused(server_->port());
  refused.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_THAT(refused.receive(), StartsWith("HTTP/1.1 413"));
}

TEST_F(ServerTest, ThrowingHandlerIs500WithTheRequestId) {
  add("GET", "/std",
      [](const Request&, ResponseWriter&) { throw std::runtime_error("secret-token"); });
  add("GET", "/unknown", [](const Request&, ResponseWriter&) { throw 42; });
  add("GET", "/nothing", [](const Request&, ResponseWriter&) {});
  start();
  for (const char* path : {"/std", "/unknown", "/nothing"}) {
    const std::string answer = ask(std::string("GET ") + path +
                                   " HTTP/1.1\r\nHost: localhost\r\nx-request-id: mine-7\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 Internal Server Error")) << path;
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json"));
    EXPECT_THAT(answer, HasSubstr("mine-7"));
    EXPECT_THAT(answer, Not(HasSubstr("secret-token")));
  }
}

TEST_F(ServerTest, CutStreamNeverLooksComplete) {
  add("GET", "/throws", [](const Request&, ResponseWriter& w) {
    startSse(w);
    w.write("data: 1\n\n");
    throw std::runtime_error("mid-stream");
  });
  add("GET", "/returns", [](const Request&, ResponseWriter& w) {
    startSse(w);
    w.write("data: 1\n\n");
  });
  start();
  for (const char* path : {"/throws", "/returns"}) {
    RawClient c(server_->port());
    c.send(std::string("GET ") + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const std::string all = c.untilClosed();
    EXPECT_THAT(all, HasSubstr("9\r\ndata: 1\n\n\r\n"));
    EXPECT_THAT(all, Not(HasSubstr("0\r\n\r\n"))) << path;
    EXPECT_TRUE(c.closed());
  }
}

TEST_F(ServerTest, CutStreamOfAnOldClientIsAReset) {
  add("GET", "/s", [](const Request&, ResponseWriter& w) {
    w.startStream(200, "text/plain");
    w.write("half");
  });
  start();
  RawClient c(server_->port());
  c.send("GET /s HTTP/1.0\r\nHost: localhost\r\n\r\n");
  c.untilClosed();
  EXPECT_TRUE(c.wasReset());
}

TEST_F(ServerTest, StreamEndsCleanlyAndTheConnectionLives) {
  add("GET", "/s", [](const Request&, ResponseWriter& w) {
    EXPECT_FALSE(w.committed());
    EXPECT_TRUE(startSse(w));
    EXPECT_TRUE(w.committed());
    EXPECT_TRUE(w.write("data: 1\n\n"));
    EXPECT_TRUE(w.write(""));  // must not end the stream
    EXPECT_TRUE(w.write("data: 22\n\n"));
    w.endStream();
    EXPECT_FALSE(w.write("after"));
  });
  start();
  RawClient c(server_->port());
  for (int i = 0; i < 2; ++i) {
    c.send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const std::string all = c.until("0\r\n\r\n");
    EXPECT_THAT(all, HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_THAT(all, HasSubstr("Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"));
    EXPECT_THAT(all,
                ::testing::EndsWith("\r\n\r\n9\r\ndata: 1\n\n\r\na\r\ndata: 22\n\n\r\n0\r\n\r\n"));
  }
}

TEST_F(ServerTest, EachWriteIsDeliveredAtOnce) {
  Waited<bool> go;
  add("GET", "/s", [&](const Request&, ResponseWriter& w) {
    startSse(w);
    w.write("data: 1\n\n");
    go.get();
    w.write("data: 2\n\n");
    w.endStream();
  });
  start();
  RawClient c(server_->port());
  c.send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string first = c.receive();
  EXPECT_THAT(first, HasSubstr("HTTP/1.1 200 OK"));  // header and first event in one segment
  EXPECT_THAT(first, HasSubstr("data: 1\n\n"));
  go.set(true);
  EXPECT_THAT(c.receive(), StartsWith("9\r\ndata: 2\n\n\r\n"));
}

TEST_F(ServerTest, StreamHeaderComesEvenWhenTheHandlerIsSilent) {
  Waited<bool> go;
  add("GET", "/s", [&](const Request&, ResponseWriter& w) {
    w.startStream(200, "text/plain");
    go.get();
    w.endStream();
  });
  start();
  RawClient c(server_->port());
  c.send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(c.until("\r\n\r\n", 3000), HasSubstr("HTTP/1.1 200 OK"));
  go.set(true);
  EXPECT_EQ(c.until("0\r\n\r\n"), "0\r\n\r\n");
}

TEST_F(ServerTest, SilentEventStreamGetsKeepAliveCommentsBetweenEvents) {
  options_.keep_alive_comment_ms = 20;
  Waited<bool> go;
  add("GET", "/s", [&](const Request&, ResponseWriter& w) {
    startSse(w);
    w.write("data: 1\n\n");
    go.get();
    w.write("data: half");
    w.write(" done\n\n");
    w.endStream();
  });
  start();
  RawClient c(server_->port());
  c.send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(c.until(": keep-alive\n\n"), HasSubstr("e\r\n: keep-alive\n\n\r\n"));
  go.set(true);
  const std::string rest = c.until("0\r\n\r\n");
  EXPECT_THAT(rest, HasSubstr("data: half\r\n7\r\n done\n\n\r\n0\r\n\r\n"));
}

TEST_F(ServerTest, HalfAnEventIsNotSplitByAKeepAliveComment) {
  options_.keep_alive_comment_ms = 20;
  Waited<bool> go;
  add("GET", "/s", [&](const Request&, ResponseWriter& w) {
    startSse(w);
    w.write("data: half");
    go.get();
    w.write("\n\n");
    w.endStream();
  });
  start();
  RawClient c(server_->port());
  c.send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  c.until("data: half\r\n");
  EXPECT_EQ(c.receive(200), "");  // ten times the period
  go.set(true);
  EXPECT_EQ(c.until("0\r\n\r\n"), "2\r\n\n\n\r\n0\r\n\r\n");
}

TEST_F(ServerTest, ClientThatStopsReadingFreesItsThread) {
  options_.send_timeout_ms = 150;
  Waited<bool> write_failed;
  add("GET", "/s", [&](const Request&, ResponseWriter& w) {
    startSse(w);
    const std::string block(64 * 1024, 'x');
    for (int i = 0; i < 10000; ++i) {
      if (!w.write(block)) {
        write_failed.set(w.cancel().cancelled());
        return;
      }
    }
  });
  start();
  RawClient c(server_->port(), 4096);
  c.send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");  // and never reads
  EXPECT_EQ(write_failed.get(), true);
  EXPECT_TRUE(eventually([&] { return server_->activeRequests() == 0; }));
}

TEST_F(ServerTest, ClientThatLeavesCancelsAHandlerThatDoesNotWrite) {
  Waited<bool> running;
  Waited<int64_t> cancelled_at;
  add("POST", "/wait", [&](const Request&, ResponseWriter& w) {
    running.set(true);
    const int64_t end = testing::nowMs() + 5000;
    while (!w.cancel().cancelled() && testing::nowMs() < end) std::this_thread::yield();
    cancelled_at.set(testing::nowMs());
  });
  start();
  RawClient c(server_->port());
  // An unread pipelined byte must not hide the FIN behind it.
  c.send("POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}G");
  ASSERT_TRUE(running.get());
  const int64_t left_at = testing::nowMs();
  c.close();
  const auto seen = cancelled_at.get();
  ASSERT_TRUE(seen);
  EXPECT_LT(*seen - left_at, 1000);
}

TEST_F(ServerTest, WaitingClientIsNotCancelled) {
  add("GET", "/wait", [&](const Request&, ResponseWriter& w) {
    const int64_t end = testing::nowMs() + 300;
    bool cancelled = false;
    while (testing::nowMs() < end) cancelled = cancelled || w.cancel().cancelled();
    w.send(200, "text/plain", cancelled ? "cancelled" : "calm");
  });
  start();
  EXPECT_THAT(ask("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr("calm"));
}

TEST_F(ServerTest, FullInferenceSlotsAre503AtOnceAndAdminStillAnswers) {
  addBlocking("/infer", Door::Inference);
  addBlocking("/admin", Door::Admin);
  addEcho();
  start();
  std::vector<std::unique_ptr<RawClient>> busy;
  for (int i = 0; i < options_.max_streams; ++i) {
    busy.push_back(std::make_unique<RawClient>(server_->port()));
    busy.back()->send("GET /infer HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  ASSERT_TRUE(waitBlocked(options_.max_streams));
  EXPECT_EQ(server_->activeInference(), 4u);
  const std::string refused = ask("GET /infer HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 Service Unavailable"));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(refused, HasSubstr(R"("type":"overloaded_error")"));
  EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\na"),
              HasSubstr("[a]"));
  // Admin full as well: health still answers.
  for (int i = 0; i < options_.max_admin; ++i) {
    busy.push_back(std::make_unique<RawClient>(server_->port()));
    busy.back()->send("GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  ASSERT_TRUE(waitBlocked(options_.max_streams + options_.max_admin));
  EXPECT_THAT(ask("GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(ask("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr("fine"));
  releaseAll();
  for (auto& c : busy) EXPECT_THAT(c->response(), HasSubstr("late"));
  ASSERT_TRUE(eventually([&] { return server_->activeInference() == 0; }));
}

TEST_F(ServerTest, AnsweredClientFindsItsSlotFree) {
  options_.max_streams = 1;
  add(
      "GET", "/whole", [](const Request&, ResponseWriter& w) { w.json(200, "{}"); },
      Door::Inference);
  add(
      "GET", "/stream",
      [](const Request&, ResponseWriter& w) {
        startSse(w);
        w.write("data: 1\n\n");
        w.endStream();
      },
      Door::Inference);
  start();
  for (int i = 0; i < 200; ++i) {
    ASSERT_THAT(ask("GET /whole HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 200"));
    RawClient c(server_->port());
    c.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_THAT(c.until("0\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  }
}

TEST_F(ServerTest, IdleKeepAliveConnectionIsClosedSoon) {
  options_.keep_alive_ms = 50;
  addEcho();
  start();
  RawClient c(server_->port());
  c.send("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(c.response(), HasSubstr("fine"));
  EXPECT_EQ(c.untilClosed(2000), "");
  EXPECT_TRUE(c.closed());
}

TEST_F(ServerTest, NoKeepAliveWhenThreadsRunShort) {
  addEcho();
  start();  // 12 threads: above 9 connections
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 9; ++i) {
    idle.push_back(std::make_unique<RawClient>(server_->port()));
    idle.back()->send("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(idle.back()->response(), Not(HasSubstr("Connection: close")));
  }
  EXPECT_THAT(ask("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr("Connection: close"));
}

TEST_F(ServerTest, HeaderLimits) {
  options_.max_header_bytes = 1000;
  addEcho();
  start();
  EXPECT_THAT(
      ask("GET /ok HTTP/1.1\r\nHost: localhost\r\nX-A: " + std::string(2000, 'a') + "\r\n\r\n"),
      StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(
      ask("GET /ok HTTP/1.1\r\nHost: localhost\r\nX-A: " + std::string(20000, 'a') + "\r\n\r\n"),
      StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask("GET /" + std::string(20000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  std::string many = "GET /ok HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 200; ++i) many += "A: b\r\n";
  EXPECT_THAT(ask(many + "\r\n"), StartsWith("HTTP/1.1 4"));
}

TEST_F(ServerTest, HeadHasTheHeadersButNoBody) {
  addEcho();
  start();
  RawClient c(server_->port());
  c.send("HEAD /ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string all = c.untilClosed();
  EXPECT_THAT(all, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(all, ::testing::EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, UnknownPathWrongMethodWrongType) {
  addEcho();
  add(
      "POST", "/json", [](const Request&, ResponseWriter& w) { w.json(200, "{}"); }, Door::Admin,
      100, true);
  start();
  EXPECT_THAT(ask("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              StartsWith("HTTP/1.1 404 Not Found"));
  const std::string wrong = ask("DELETE /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 405 Method Not Allowed"));
  EXPECT_THAT(wrong, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(ask("POST /json HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                  "text/plain\r\nContent-Length: 2\r\n\r\n{}"),
              StartsWith("HTTP/1.1 415 Unsupported Media Type"));
  EXPECT_THAT(ask("POST /json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"),
              StartsWith("HTTP/1.1 415"));
  EXPECT_THAT(ask("POST /json HTTP/1.1\r\nHost: localhost\r\nContent-Type: Application/JSON; "
                  "charset=utf-8\r\n"
                  "Content-Length: 2\r\n\r\n{}"),
              StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(ServerTest, PathParametersAndQueryAreDecodedAndMalformedIs400) {
  add("GET", "/items/{id}", [](const Request& r, ResponseWriter& w) {
    w.send(200, "text/plain",
           r.params.at("id") + "|" + r.query.find("q")->second + "|" + r.header("x-TEST"));
  });
  start();
  EXPECT_THAT(
      ask("GET /items/a%2Fb%20c?q=x%26y+z HTTP/1.1\r\nHost: localhost\r\nX-Test: v\r\n\r\n"),
      HasSubstr("a/b c|x&y z|v"));
  EXPECT_THAT(ask("GET /items/%zz?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              StartsWith("HTTP/1.1 400 Bad Request"));
}

TEST_F(ServerTest, ForeignHostIs403) {
  addEcho();
  options_.allowed_hosts = {"panel.example"};
  start();
  const std::string refused = ask("GET /ok HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 403 Forbidden"));
  EXPECT_THAT(refused, HasSubstr("allowed hosts"));
  EXPECT_THAT(ask("GET /ok HTTP/1.1\r\nHost: panel.example:99\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask("GET /ok HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask("GET /ok HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
}

TEST_F(ServerTest, ForeignOriginMayNotWrite) {
  addEcho();
  start();
  const std::string post = "POST /echo HTTP/1.1\r\nHost: localhost:20128\r\nContent-Length: 1\r\n";
  EXPECT_THAT(ask(post + "Origin: https://evil.example\r\n\r\na"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(ask(post + "Origin: null\r\n\r\na"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(ask(post + "Origin: http://localhost:20128\r\n\r\na"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, RequestIdAndNoStore) {
  add("GET", "/api/x",
      [](const Request& r, ResponseWriter& w) { w.send(200, "text/plain", r.request_id); });
  start();
  const std::string own =
      ask("GET /api/x HTTP/1.1\r\nHost: localhost\r\nx-request-id: abc-1\r\n\r\n");
  EXPECT_THAT(own, HasSubstr("x-request-id: abc-1\r\n"));
  EXPECT_THAT(own, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(own, HasSubstr("\r\n\r\nabc-1"));
  const std::string made =
      ask("GET /api/x HTTP/1.1\r\nHost: localhost\r\nx-request-id: <script>\r\n\r\n");
  EXPECT_THAT(made, ::testing::ContainsRegex("x-request-id: [0-9a-f]{16}\r\n"));
}

TEST_F(ServerTest, HeaderValuesCannotStartANewHeader) {
  add("GET", "/x", [](const Request&, ResponseWriter& w) {
    w.setHeader("x-name", "a\r\nset-cookie: b");
    w.json(401, "{}");
  });
  start();
  const std::string answer = ask("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("\r\nset-cookie")));
}

TEST_F(ServerTest, ForwardedRequestIsNotLocal) {
  add("GET", "/x", [](const Request& r, ResponseWriter& w) {
    w.send(200, "text/plain", r.loopback ? "local" : "far");
  });
  start();
  EXPECT_THAT(ask("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr("local"));
  EXPECT_THAT(ask("GET /x HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n"),
              HasSubstr("far"));
}

TEST_F(ServerTest, ANameThatWasAllowedIsNotLocal) {
  // It is what others call the service by, for instance through a reverse proxy on this machine.
  options_.allowed_hosts = {"panel.example"};
  add("GET", "/where", [](const Request& r, ResponseWriter& w) {
    w.send(200, "text/plain", r.loopback ? "local" : "far");
  });
  start();
  const auto asked = [&](const std::string& host) {
    return ask("GET /where HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  EXPECT_THAT(asked("panel.example"), HasSubstr("far"));
  for (const char* local : {"localhost", "LOCALHOST.:80", "127.0.0.1:20128", "[::1]"})
    EXPECT_THAT(asked(local), HasSubstr("local")) << local;
}

TEST_F(ServerTest, AHeaderThatNeverEndsIsCutAndOthersAreNot) {
  // The server outlives this function.
  const auto now = std::make_shared<std::atomic<int64_t>>(1'000);
  options_.steady_ms = [now] { return now->load(); };
  options_.header_timeout_ms = 500;
  addEcho();
  start();
  RawClient idle(server_->port());
  idle.send("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(idle.response(), HasSubstr("fine"));
  RawClient slow(server_->port());
  slow.send("GET /ok HTTP/1.1\r\nHost: local");
  ASSERT_TRUE(eventually([&] { return server_->openConnections() == 2; }));
  EXPECT_TRUE(eventually([&] {
    *now += 1'000;
    server_->tickNow();
    return server_->openConnections() == 1;
  }));
  EXPECT_EQ(slow.untilClosed(), "");
  EXPECT_TRUE(slow.closed());
  idle.send("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(idle.response(), HasSubstr("fine"));
}

TEST_F(ServerTest, ABodyThatDripsInIsLate) {
  const auto now = std::make_shared<std::atomic<int64_t>>(1'000);
  options_.steady_ms = [now] { return now->load(); };
  addEcho();
  start();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n";
  // Every read succeeds, and the body is not here.
  for (const auto& [framing, drop] : {std::pair{"Content-Length: 9000", "a"},
                                      std::pair{"Transfer-Encoding: chunked", "2328\r\na"},
                                      std::pair{"Transfer-Encoding: chunked", "1;"}}) {
    RawClient drip(server_->port());
    drip.send(head + framing + "\r\n\r\n");
    ASSERT_THAT(drip.until("\r\n\r\n"), StartsWith("HTTP/1.1 100 "));
    *now += 31'000;
    drip.send(drop);
    EXPECT_THAT(drip.until("\r\n\r\n"), StartsWith("HTTP/1.1 408 ")) << framing << ' ' << drop;
  }
  // A slow line is no reason to refuse.
  RawClient slow(server_->port());
  slow.send(head + "Content-Length: 9000\r\n\r\n");
  ASSERT_THAT(slow.until("\r\n\r\n"), StartsWith("HTTP/1.1 100 "));
  *now += 29'000;
  slow.send(std::string(9'000, 'a'));
  EXPECT_THAT(slow.until("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST(BodyPace, EveryFourKibibytesBuyASecond) {
  int64_t now = 5'000;
  const BodyPace pace([&] { return now; }, 30'000);
  now += 30'000;
  EXPECT_FALSE(pace.late(0));
  now += 1;
  EXPECT_TRUE(pace.late(0));
  EXPECT_FALSE(pace.late(4'096));
  now += 1'999;
  EXPECT_FALSE(pace.late(8'192));
  now += 1;
  EXPECT_TRUE(pace.late(8'192));
}

TEST_F(ServerTest, AuthorizeRunsBeforeTheBodyIsRead) {
  addEcho();
  options_.authorize = [](const Request& r, const Route&) -> Result<> {
    EXPECT_EQ(r.body, "");
    if (r.header("Authorization") == "Bearer good") return {};
    return makeError(FailureKind::Unauthorized, "Send a valid API key.");
  };
  start();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n";
  const std::string refused = ask(head + "\r\n");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 401 Unauthorized"));
  EXPECT_THAT(refused, HasSubstr("WWW-Authenticate: Bearer"));
  EXPECT_THAT(ask(head + "Authorization: Bearer good\r\n\r\na"), HasSubstr("[a]"));
}

TEST_F(ServerTest, AccessLogHasNoQuery) {
  Waited<AccessLogEntry> logged;
  addEcho();
  options_.access_log = [&](const AccessLogEntry& e) { logged.set(e); };
  start();
  ask("GET /ok?key=secret HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto entry = logged.get();
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->path, "/ok");
  EXPECT_EQ(entry->status, 200);
  EXPECT_EQ(entry->remote_address, "127.0.0.1");
  EXPECT_EQ(entry->door, Door::Health);
  EXPECT_FALSE(entry->aborted);
  EXPECT_GT(entry->bytes_sent, 4u);
}

TEST_F(ServerTest, SecondServerOnThePortIsToldSo) {
  addEcho();
  start();
  options_.port = server_->port();
  Server second(options_, routes_, random_);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, FailureKind::Unavailable);
}

TEST_F(ServerTest, DrainLetsRunningRequestsFinishAndClosesIdleOnes) {
  addBlocking("/infer", Door::Inference);
  addEcho();
  start();
  RawClient idle(server_->port());
  idle.send("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
  idle.response();
  RawClient busy(server_->port());
  busy.send("GET /infer HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(waitBlocked(1));
  const uint16_t port = server_->port();
  auto drained = std::async(std::launch::async, [&] { server_->drain(std::chrono::seconds(10)); });
  EXPECT_EQ(idle.untilClosed(), "");
  EXPECT_TRUE(idle.closed());
  ASSERT_TRUE(eventually([&] { return !RawClient(port).connected(); }));
  releaseAll();
  EXPECT_THAT(busy.response(), HasSubstr("late"));
  EXPECT_EQ(drained.wait_for(std::chrono::seconds(5)), std::future_status::ready);
  EXPECT_EQ(server_->openConnections(), 0u);
}

TEST_F(ServerTest, DrainDeadlineCancelsAndWaitsForTheHandler) {
  std::atomic<bool> handler_done{false};
  Waited<bool> running;
  add("GET", "/s", [&](const Request&, ResponseWriter& w) {
    startSse(w);
    w.write("data: 1\n\n");
    running.set(true);
    while (!w.cancel().cancelled()) std::this_thread::yield();
    w.write("data: stopping\n\n");
    w.endStream();
    handler_done = true;
  });
  start();
  RawClient c(server_->port());
  c.send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(running.get());
  server_->drain(std::chrono::milliseconds(20));
  EXPECT_TRUE(handler_done);  // Poco's own stopAll(true) would have returned before
  EXPECT_THAT(c.untilClosed(), HasSubstr("data: stopping"));
}

TEST_F(ServerTest, DrainCutsAHandlerThatOnlyWrites) {
  Waited<bool> running;
  add("GET", "/s", [&](const Request&, ResponseWriter& w) {
    startSse(w);
    while (w.write("data: 1\n\n")) running.set(true);
  });
  start();
  RawClient c(server_->port());
  c.send("GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(running.get());
  auto reading = std::async(std::launch::async, [&] { return c.untilClosed(10000).size(); });
  server_->drain(std::chrono::milliseconds(0));
  EXPECT_GT(reading.get(), 0u);
  EXPECT_EQ(server_->activeRequests(), 0u);
}

}  // namespace
}  // namespace omni::http
