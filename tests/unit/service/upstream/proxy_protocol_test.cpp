// The two proxy protocols as bytes.

#include <gtest/gtest.h>

#include "service/upstream/http_connect.hpp"
#include "service/upstream/resolve_host.hpp"
#include "service/upstream/socks.hpp"

namespace omni::upstream {
namespace {

using std::string;

TEST(HttpConnect, Request) {
  EXPECT_EQ(
      connectRequest("kiro.example", 443, proxyAuthorization("user", "secret"), "OmniRoute/1"),
      "CONNECT kiro.example:443 HTTP/1.1\r\nHost: kiro.example:443\r\n"
      "User-Agent: OmniRoute/1\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n");
  EXPECT_EQ(connectRequest("::1", 8443, "", "x"),
            "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\nUser-Agent: x\r\n\r\n");
  EXPECT_EQ(proxyAuthorization("", "secret"), "");
  EXPECT_EQ(proxyAuthorization("a", "bc"), "Basic YTpiYw==");
  EXPECT_EQ(proxyAuthorization("a", "bcd"), "Basic YTpiY2Q=");
}

TEST(HttpConnect, ReplyInEveryPieceSize) {
  const string bytes =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 Connection established\r\nA: b\r\n\r\n";
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto part = parseConnectReply(bytes.substr(0, i));
    ASSERT_TRUE(part) << i;
    EXPECT_FALSE(part->has_value()) << i;
  }
  auto whole = parseConnectReply(bytes + "rest");
  ASSERT_TRUE(whole && *whole);
  EXPECT_EQ((*whole)->status, 200);
  EXPECT_EQ((*whole)->reason, "Connection established");
  EXPECT_EQ((*whole)->size, bytes.size());
}

TEST(HttpConnect, ReplyThatIsNoHttp) {
  EXPECT_FALSE(parseConnectReply("SSH-2.0"));
  EXPECT_FALSE(parseConnectReply("\x05\xff"));
  EXPECT_FALSE(parseConnectReply("HTTP/1.1 2x0 OK\r\n\r\n"));
  EXPECT_FALSE(parseConnectReply("HTTP/1.1 999 OK\r\n\r\n"));
  EXPECT_FALSE(parseConnectReply("HTTP/1.1 101 Switching\r\n\r\n"));
  EXPECT_FALSE(parseConnectReply("HTTP/1.1 200\r\nX: " + string(kMaxConnectReply, 'x')));
}

TEST(HttpConnect, ReasonIsCleanAndShort) {
  auto reply = parseConnectReply("HTTP/1.1 403 \x1b[31mred\x07" + string(200, 'x') + "\n\n");
  ASSERT_TRUE(reply && *reply);
  EXPECT_EQ((*reply)->reason.substr(0, 8), "[31mredx");
  EXPECT_EQ((*reply)->reason.size(), 80u);
}

TEST(Socks, Requests) {
  EXPECT_EQ(socksGreeting(false), string("\x05\x01\x00", 3));
  EXPECT_EQ(socksGreeting(true), string("\x05\x01\x02", 3));
  EXPECT_EQ(*socksLogin("ab", "c"), string("\x01\x02"
                                           "ab"
                                           "\x01"
                                           "c"));
  EXPECT_EQ(*socksConnect("kiro", 443), string("\x05\x01\x00\x03\x04kiro\x01\xbb", 11));
  EXPECT_EQ(*socksConnect("1.2.3.4", 80), string("\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50", 10));
  EXPECT_EQ(socksConnect("::1", 80)->size(), 22u);
  EXPECT_FALSE(socksConnect(string(256, 'a'), 80));
  EXPECT_FALSE(socksLogin(string(256, 'a'), "b"));
  EXPECT_FALSE(socksLogin("a", ""));
}

TEST(Socks, Replies) {
  EXPECT_FALSE(**parseSocksLogin("\x01\x01"));
  EXPECT_TRUE(**parseSocksLogin(string("\x01\x00", 2)));
  EXPECT_EQ(**parseSocksMethod("\x05\xff"), kSocksNoMethod);
  EXPECT_FALSE(parseSocksMethod("HT"));
  EXPECT_FALSE(parseSocksReply("\x04"));
  const string name("\x05\x00\x00\x03\x04kiro\x01\xbb", 11);
  for (size_t i = 0; i < name.size(); ++i) EXPECT_FALSE(*parseSocksReply(name.substr(0, i))) << i;
  EXPECT_EQ((*parseSocksReply(name + "xx"))->size, name.size());
  EXPECT_EQ((*parseSocksReply(string("\x05\x00\x00\x04", 4) + string(18, 'x')))->size, 22u);
  EXPECT_FALSE(parseSocksReply(string("\x05\x00\x00\x09\x00", 5)));
  // A refusal may be cut off behind its code.
  EXPECT_EQ((*parseSocksReply("\x05\x05"))->code, 5);
}

TEST(ResolveHost, AddressesAndNames) {
  const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  EXPECT_EQ(*resolveHost("127.0.0.1", soon, NeverCancelled()),
            std::vector<std::string>{"127.0.0.1"});
  auto local = resolveHost("localhost", soon, NeverCancelled());
  ASSERT_TRUE(local) << local.error().message;
  EXPECT_FALSE(local->empty());
  auto late = resolveHost("localhost", std::chrono::steady_clock::now(), NeverCancelled());
  // Either it was there at once, or the look-up was given up.
  EXPECT_TRUE(late || late.error().kind == FailureKind::Timeout);
}

}  // namespace
}  // namespace omni::upstream
