#include "service/upstream/client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "proxies.hpp"
#include "raw_server.hpp"

namespace omni::upstream {
namespace {

using testing::Peer;
using testing::RawServer;

class FakeClock final : public Clock {
 public:
  int64_t nowMs() const override { return now; }
  int64_t steadyMs() const override { return now; }
  std::atomic<int64_t> now{1000};
};

class Switch final : public CancelToken {
 public:
  bool cancelled() const override { return on; }
  std::atomic<bool> on{false};
};

const char* const kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ClientTest : public ::testing::Test {
 protected:
  struct Answer {
    int status = 0;
    std::string body;
    std::vector<std::string> pieces;
    Result<> result;
  };
  Answer call(const std::string& account, HttpCall request,
              const CancelToken& cancel = NeverCancelled()) {
    Answer answer;
    answer.result = client->call(
        account, request,
        [&](int status, const std::vector<HttpHeader>&) -> Result<> {
          answer.status = status;
          return {};
        },
        [&](std::string_view bytes) -> Result<> {
          answer.body += bytes;
          answer.pieces.emplace_back(bytes);
          return {};
        },
        cancel);
    return answer;
  }
  static HttpCall get(const std::string& url) {
    HttpCall request;
    request.url = url;
    return request;
  }
  static HttpCall post(const std::string& url, std::string_view body) {
    HttpCall request = get(url);
    request.method = "POST";
    request.body = body;
    return request;
  }

  FakeClock clock;
  testing::FixedProxies proxies;
  std::unique_ptr<HttpClient> client = std::move(*HttpClient::create({}, clock, proxies));
};

TEST_F(ClientTest, SendsHeadAndBodyTogetherWithItsOwnFraming) {
  std::string seen;
  int reads = 0;
  RawServer server({[&](Peer& peer) {
    seen = peer.request();
    reads = peer.reads();
    peer.send(kOk);
  }});
  const std::string url = server.url("/a%2Fb?x=1&y=%20#part");
  HttpCall request = post(url, "{\"a\":1}");
  request.headers = {{"Content-Type", "application/json"},
                     {"content-length", "999"},
                     {"Transfer-Encoding", "chunked"}};
  const Answer answer = call("a", request);
  ASSERT_TRUE(answer.result) << answer.result.error().message;
  EXPECT_EQ(answer.body, "ok");
  EXPECT_TRUE(seen.starts_with("POST /a%2Fb?x=1&y=%20 HTTP/1.1\r\nHost: 127.0.0.1:")) << seen;
  EXPECT_NE(seen.find("User-Agent: OmniRoute/"), std::string::npos);
  EXPECT_NE(seen.find("Content-Length: 7\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("999"), std::string::npos);
  EXPECT_EQ(seen.find("Transfer-Encoding"), std::string::npos);
  EXPECT_TRUE(seen.ends_with("\r\n\r\n{\"a\":1}"));
  EXPECT_EQ(reads, 1);
}

TEST_F(ClientTest, KeepsAGivenUserAgent) {
  std::string seen;
  RawServer server({[&](Peer& peer) {
    seen = peer.request();
    peer.send(kOk);
  }});
  const std::string url = server.url();
  HttpCall request = get(url);
  request.headers = {{"user-agent", "mine/1"}};
  ASSERT_TRUE(call("a", request).result);
  EXPECT_NE(seen.find("user-agent: mine/1"), std::string::npos);
  EXPECT_EQ(seen.find("OmniRoute"), std::string::npos);
}

TEST_F(ClientTest, DeliversEachChunkBeforeTheNextIsSent) {
  // The server sends a piece only after the client has confirmed the one before: buffering would
  // end in a time-out.
  std::promise<void> first, second;
  RawServer server({[&](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    first.get_future().wait_for(std::chrono::seconds(5));
    peer.send("3\r\ntwo\r\n");
    second.get_future().wait_for(std::chrono::seconds(5));
    peer.send("0\r\n\r\n");
  }});
  const std::string url = server.url();
  HttpCall request = get(url);
  request.idle_timeout_ms = 3000;
  std::string body;
  auto result = client->call(
      "a", request, [](int, const std::vector<HttpHeader>&) -> Result<> { return {}; },
      [&](std::string_view bytes) -> Result<> {
        body += bytes;
        if (body == "one") first.set_value();
        if (body == "onetwo") second.set_value();
        return {};
      },
      NeverCancelled());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(body, "onetwo");
}

TEST_F(ClientTest, ReusesTheConnectionOfTheSameAccountOnly) {
  auto serve = [](Peer& peer) {
    while (!peer.request().empty()) peer.send(kOk);
  };
  RawServer server({serve, serve, serve});
  const std::string url = server.url();
  EXPECT_TRUE(call("a", get(url)).result);
  EXPECT_TRUE(call("a", get(url)).result);
  EXPECT_EQ(server.accepted(), 1);
  // The first connection lies idle and open: another account must not get it.
  EXPECT_TRUE(call("b", get(url)).result);
  EXPECT_EQ(server.accepted(), 2);
  EXPECT_TRUE(call("a", get(url)).result);
  EXPECT_EQ(server.accepted(), 2);
  client.reset();
}

TEST_F(ClientTest, AnAnswerThatIsNotReadToItsEndIsNotPooled) {
  RawServer server({[](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nstart");
    peer.waitForClose();
  }});
  const std::string url = server.url();
  auto result = client->call(
      "a", get(url), [](int, const std::vector<HttpHeader>&) -> Result<> { return {}; },
      [](std::string_view) -> Result<> { return makeError(FailureKind::Quota, "enough", "f"); },
      NeverCancelled());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, FailureKind::Quota);
  EXPECT_EQ(client->idleConnections(), 0u);
}

TEST_F(ClientTest, AConnectionTheServerClosedMeanwhileIsReplaced) {
  auto answer = [](Peer& peer) {
    peer.request();
    peer.send(kOk);
  };
  RawServer server({answer, answer});
  const std::string url = server.url();
  ASSERT_TRUE(call("a", get(url)).result);
  // Whether the close has arrived before the second request leaves is open; both ways it must be
  // answered.
  EXPECT_TRUE(call("a", get(url)).result);
  EXPECT_EQ(server.accepted(), 2);
}

TEST_F(ClientTest, AnIdempotentRequestIsRepeatedWhenThePooledConnectionDies) {
  auto answerThenHangUp = [](Peer& peer) {
    peer.request();
    peer.send(kOk);
    peer.request();  // read, and closed without an answer
  };
  auto answer = [](Peer& peer) {
    peer.request();
    peer.send(kOk);
  };
  RawServer server({answerThenHangUp, answer});
  const std::string url = server.url();
  ASSERT_TRUE(call("a", get(url)).result);
  HttpCall request = post(url, "x");
  request.idempotent = true;
  EXPECT_TRUE(call("a", request).result);
  EXPECT_EQ(server.accepted(), 2);
}

TEST_F(ClientTest, ARequestThatMayNotBeRepeatedIsSentOnce) {
  RawServer server({[](Peer& peer) {
                      peer.request();
                      peer.send(kOk);
                      peer.request();
                    },
                    [](Peer& peer) { peer.send(kOk); }});
  const std::string url = server.url();
  ASSERT_TRUE(call("a", get(url)).result);
  const Answer answer = call("a", post(url, "x"));
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().kind, FailureKind::Network);
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(ClientTest, AChunkedBodyThatIsCutShortIsAnError) {
  RawServer server({[](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  }});
  const std::string url = server.url();
  const Answer answer = call("a", get(url));
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().kind, FailureKind::Network);
  EXPECT_NE(answer.result.error().message.find("cut short"), std::string::npos);
  EXPECT_EQ(answer.body, "one");
}

TEST_F(ClientTest, CancelEndsTheCallWithinASecond) {
  std::promise<void> reading;
  RawServer server({[&](Peer& peer) {
    peer.request();
    reading.set_value();
    peer.waitForClose();
  }});
  const std::string url = server.url();
  Switch cancel;
  auto done = std::async(std::launch::async, [&] { return call("a", get(url), cancel).result; });
  reading.get_future().wait();
  const auto start = std::chrono::steady_clock::now();
  cancel.on = true;
  const Result<> result = done.get();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, FailureKind::Cancelled);
  EXPECT_EQ(client->idleConnections(), 0u);
}

TEST_F(ClientTest, WhatUsesSomethingUpIsReadToItsEndAlthoughCancelled) {
  std::promise<void> begun;
  Switch cancel;
  RawServer server({[&](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    begun.get_future().wait_for(std::chrono::seconds(5));
    peer.send("token");
  }});
  const std::string url = server.url();
  HttpCall request = post(url, "old token");
  request.finish = true;
  std::string body;
  auto result = client->call(
      "a", request,
      [&](int, const std::vector<HttpHeader>&) -> Result<> {
        cancel.on = true;
        begun.set_value();
        return {};
      },
      [&](std::string_view bytes) -> Result<> {
        body += bytes;
        return {};
      },
      cancel);
  EXPECT_TRUE(result) << result.error().message;
  EXPECT_EQ(body, "token");
  // Before it is on its way it can be given up.
  const Answer late = call("a", request, cancel);
  ASSERT_FALSE(late.result);
  EXPECT_EQ(late.result.error().kind, FailureKind::Cancelled);
}

TEST_F(ClientTest, SilenceBeforeAndInsideTheAnswerTimesOut) {
  RawServer server({[](Peer& peer) {
                      peer.request();
                      peer.waitForClose();
                    },
                    [](Peer& peer) {
                      peer.request();
                      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome");
                      peer.waitForClose();
                    }});
  const std::string url = server.url();
  HttpCall request = get(url);
  request.first_byte_timeout_ms = 50;
  Answer answer = call("a", request);
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().kind, FailureKind::Timeout);
  EXPECT_NE(answer.result.error().message.find("did not begin"), std::string::npos);
  request.first_byte_timeout_ms = 5000;
  request.idle_timeout_ms = 50;
  answer = call("a", request);
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().kind, FailureKind::Timeout);
  EXPECT_EQ(answer.body, "some");
}

TEST_F(ClientTest, SaysWhatCouldNotBeReached) {
  uint16_t port = 0;
  {
    Poco::Net::ServerSocket free(Poco::Net::SocketAddress("127.0.0.1", 0));
    port = free.address().port();
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
  const Answer answer = call("a", get(url));
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().kind, FailureKind::Network);
  EXPECT_TRUE(answer.result.error().message.starts_with(
      "could not reach 127.0.0.1:" + std::to_string(port) + ": "))
      << answer.result.error().message;
}

TEST_F(ClientTest, AHeaderWithALineBreakIsRefusedWithoutRepeatingIt) {
  const std::string url = "http://127.0.0.1:1/";
  HttpCall request = get(url);
  request.headers = {{"Authorization", "token\r\nX: y"}};
  const Answer answer = call("a", request);
  ASSERT_FALSE(answer.result);
  EXPECT_EQ(answer.result.error().kind, FailureKind::BadRequest);
  EXPECT_EQ(answer.result.error().message.find("token"), std::string::npos);
}

}  // namespace
}  // namespace omni::upstream
