// The client through real (small) proxies: what goes out, that accounts stay apart, and that no
// failure ever ends in a direct connection.

#include <Poco/TemporaryFile.h>
#include <gtest/gtest.h>

#include "fake_proxy.hpp"
#include "proxies.hpp"
#include "raw_server.hpp"
#include "service/upstream/client.hpp"
#include "tls_server.hpp"

namespace omni::upstream {
namespace {

using testing::FakeProxy;
using testing::FixedProxies;
using testing::Identity;
using testing::Peer;
using testing::RawServer;
using testing::TlsServer;
using Scheme = ProxyScheme;

class FakeClock final : public Clock {
 public:
  int64_t nowMs() const override { return 0; }
  int64_t steadyMs() const override { return 0; }
};

const char* const kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

void serveAll(Peer& peer) {
  while (!peer.request().empty()) peer.send(kOk);
}

class ProxyTest : public ::testing::Test {
 protected:
  ProxyTest() : identity_("IP:127.0.0.1,DNS:kiro.example") {
    identity_.writePem(ca_.path());
    ClientOptions options;
    options.ca_file = ca_.path();
    options.connect_timeout_ms = 3000;
    client_ = std::move(*HttpClient::create(options, clock_, proxies_));
  }
  Result<std::string> get(const std::string& account, const std::string& url) {
    HttpCall request;
    request.url = url;
    std::string body;
    status_ = 0;
    auto done = client_->call(
        account, request,
        [&](int status, const std::vector<HttpHeader>&) -> Result<> {
          status_ = status;
          return {};
        },
        [&](std::string_view bytes) -> Result<> {
          body += bytes;
          return {};
        },
        NeverCancelled());
    if (!done) return std::unexpected(done.error());
    return body;
  }
  static std::string port(const std::string& url) {
    return url.substr(url.rfind(':') + 1, url.rfind('/') - url.rfind(':') - 1);
  }

  FakeClock clock_;
  FixedProxies proxies_;
  Identity identity_;
  Poco::TemporaryFile ca_;
  std::unique_ptr<HttpClient> client_;
  int status_ = 0;
};

TEST_F(ProxyTest, HttpsTargetThroughHttpProxyIsATunnel) {
  FakeProxy proxy({.username = "user", .password = "secret"});
  proxies_.set("a", proxy.route());
  TlsServer server(identity_, kOk, true);
  auto body = get("kiro/a", "https://kiro.example:" + port(server.url()) + "/x");
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(*body, "ok");
  EXPECT_EQ(proxies_.asked(), "kiro|a");
  // The name is the proxy's to resolve: here it exists nowhere else.
  EXPECT_EQ(proxy.asked(), std::vector<std::string>{"CONNECT kiro.example:" + port(server.url())});
}

TEST_F(ProxyTest, HttpTargetThroughHttpProxyIsInAbsoluteForm) {
  FakeProxy proxy({.username = "user", .password = "secret"});
  proxies_.set("a", proxy.route());
  std::string seen;
  RawServer server({[&](Peer& peer) {
    seen = peer.request();
    peer.send(kOk);
  }});
  auto body = get("kiro/a", server.url("/p?q=1"));
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(proxy.asked(), std::vector<std::string>{"GET " + server.url("/p?q=1")});
  EXPECT_NE(proxy.lastHead().find("Host: 127.0.0.1:"), std::string::npos);
}

TEST_F(ProxyTest, HttpsProxyCarriesBothKindsOfTarget) {
  FakeProxy proxy({.scheme = Scheme::Https, .identity = &identity_});
  proxies_.set("a", proxy.route());
  TlsServer secure(identity_, kOk, true);
  auto body = get("kiro/a", secure.url());
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(*body, "ok");
  RawServer plain({serveAll});
  body = get("kiro/a", plain.url());
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(proxy.asked().size(), 2u);
  client_.reset();  // ends its idle connections, on which the server waits
}

TEST_F(ProxyTest, ALargeAnswerComesWholeThroughTlsInTls) {
  FakeProxy proxy({.scheme = Scheme::Https, .identity = &identity_});
  proxies_.set("a", proxy.route());
  const std::string big(1 << 20, 'x');
  TlsServer server(
      identity_,
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(big.size()) + "\r\n\r\n" + big, true);
  auto body = get("kiro/a", server.url());
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->size(), big.size());
}

TEST_F(ProxyTest, AnHttpsProxyWithAForeignCertificateIsRefused) {
  Identity other("IP:127.0.0.2");
  FakeProxy proxy({.scheme = Scheme::Https, .identity = &other});
  proxies_.set("a", proxy.route());
  RawServer server({serveAll});
  auto body = get("kiro/a", server.url());
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().reason, "proxy_unreachable");
  EXPECT_NE(body.error().message.find("certificate"), std::string::npos) << body.error().message;
  EXPECT_EQ(server.accepted(), 0);
}

TEST_F(ProxyTest, SocksResolvesNamesAtTheProxyAndTakesALogIn) {
  FakeProxy proxy({.scheme = Scheme::Socks5, .username = "user", .password = "secret"});
  proxies_.set("a", proxy.route());
  TlsServer secure(identity_, kOk, true);
  auto body = get("kiro/a", "https://kiro.example:" + port(secure.url()) + "/");
  ASSERT_TRUE(body) << body.error().message;
  RawServer plain({serveAll});
  body = get("kiro/a", plain.url());
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(proxy.asked(),
            (std::vector<std::string>{"SOCKS name kiro.example:" + port(secure.url()),
                                      "SOCKS address 127.0.0.1:" + port(plain.url())}));
  client_.reset();  // ends its idle connections, on which the server waits
}

TEST_F(ProxyTest, AConnectionInAbsoluteFormIsNotKept) {
  FakeProxy proxy({});
  RawServer server({serveAll, serveAll});
  proxies_.set("a", proxy.route());
  ASSERT_TRUE(get("kiro/a", server.url()));
  ASSERT_TRUE(get("kiro/a", server.url()));
  EXPECT_EQ(proxy.accepted(), 2);
}

TEST_F(ProxyTest, ConnectionsAreKeptPerAccountAndPerProxy) {
  FakeProxy proxy({.scheme = Scheme::Socks5});
  RawServer server({serveAll, serveAll, serveAll});
  proxies_.set("a", proxy.route("p1/1"));
  proxies_.set("b", proxy.route("p1/1"));
  ASSERT_TRUE(get("kiro/a", server.url()));
  ASSERT_TRUE(get("kiro/a", server.url()));
  EXPECT_EQ(proxy.accepted(), 1);
  ASSERT_TRUE(get("kiro/b", server.url()));
  EXPECT_EQ(proxy.accepted(), 2);
  proxies_.set("a", proxy.route("p1/2"));  // the proxy was changed
  ASSERT_TRUE(get("kiro/a", server.url()));
  EXPECT_EQ(proxy.accepted(), 3);
  client_.reset();  // ends its idle connections, on which the server waits
}

TEST_F(ProxyTest, AnIdleDirectConnectionIsNotUsedOnceThereIsAProxy) {
  FakeProxy proxy({});
  RawServer server({serveAll, serveAll});
  ASSERT_TRUE(get("kiro/a", server.url()));
  proxies_.set("a", proxy.route());
  ASSERT_TRUE(get("kiro/a", server.url()));
  EXPECT_EQ(proxy.accepted(), 1);
  EXPECT_EQ(server.accepted(), 2);
  client_.reset();  // ends its idle connections, on which the server waits
}

// Each way of failing: the error names the proxy and holds no secret, and the target sees nobody.

class FailClosed : public ProxyTest, public ::testing::WithParamInterface<Scheme> {
 protected:
  void expectClosed(const ProxyRoute& route, const char* reason, const char* words) {
    RawServer plain({serveAll});
    TlsServer secure(identity_, kOk, true);
    for (const std::string& url : {plain.url(), secure.url()}) {
      proxies_.set("a", route);
      auto body = get("kiro/a", url);
      ASSERT_FALSE(body) << url;
      EXPECT_EQ(status_, 0);
      EXPECT_EQ(body.error().kind, FailureKind::Network);
      EXPECT_EQ(body.error().reason, reason) << body.error().message;
      const std::string& message = body.error().message;
      EXPECT_NE(message.find("\"office\" (127.0.0.1:" + std::to_string(route.port) + ")"),
                std::string::npos)
          << message;
      EXPECT_NE(message.find(words), std::string::npos) << message;
      EXPECT_EQ(message.find("secret"), std::string::npos) << message;
      EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
    }
    EXPECT_EQ(plain.accepted(), 0);
  }
};

TEST_P(FailClosed, AStoppedProxy) {
  ProxyRoute route;
  {
    FakeProxy proxy({.scheme = GetParam(), .identity = &identity_});
    route = proxy.route();
  }
  expectClosed(route, "proxy_unreachable", "refused");
}

TEST_P(FailClosed, AWrongPassword) {
  const bool tls = GetParam() == Scheme::Https;
  FakeProxy proxy({.scheme = GetParam(),
                   .identity = tls ? &identity_ : nullptr,
                   .username = "user",
                   .password = "secret"});
  ProxyRoute route = proxy.route();
  route.password = "hunter2";
  expectClosed(route, "proxy_login", "check its user name and password");
}

TEST_P(FailClosed, ALogInThatIsMissing) {
  const bool tls = GetParam() == Scheme::Https;
  FakeProxy proxy({.scheme = GetParam(),
                   .identity = tls ? &identity_ : nullptr,
                   .username = "user",
                   .password = "secret"});
  ProxyRoute route = proxy.route();
  route.username = route.password = "";
  expectClosed(route, "proxy_login", "");
}

INSTANTIATE_TEST_SUITE_P(Schemes, FailClosed,
                         ::testing::Values(Scheme::Http, Scheme::Https, Scheme::Socks5),
                         [](const auto& scheme) {
                           return scheme.param == Scheme::Http    ? "http"
                                  : scheme.param == Scheme::Https ? "https"
                                                                  : "socks5";
                         });

TEST_F(ProxyTest, AResolverErrorFailsTheCall) {
  RawServer server({serveAll});
  auto gone = makeError(FailureKind::Unavailable, "the proxy is gone");
  gone.error().reason = "proxy_missing";
  proxies_.set("a", gone);
  auto body = get("kiro/a", server.url());
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().reason, "proxy_missing");
  EXPECT_EQ(server.accepted(), 0);
}

TEST_F(ProxyTest, ATargetThatTheProxyCannotReachIsNamed) {
  RawServer closed({});
  const std::string url = "https://kiro.example:1/";
  FakeProxy http({});
  proxies_.set("a", http.route());
  auto body = get("kiro/a", url);
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().reason, "proxy_refused");
  EXPECT_NE(body.error().message.find("did not connect to kiro.example:1: 502 Cannot reach"),
            std::string::npos)
      << body.error().message;
  FakeProxy socks({.scheme = Scheme::Socks5});
  proxies_.set("a", socks.route());
  body = get("kiro/a", url);
  ASSERT_FALSE(body);
  EXPECT_NE(body.error().message.find("the target refused the connection"), std::string::npos)
      << body.error().message;
}

TEST_F(ProxyTest, AProxyThatSaysNothingTimesOut) {
  ClientOptions options;
  options.connect_timeout_ms = 60;
  client_ = std::move(*HttpClient::create(options, clock_, proxies_));
  RawServer silent({[](Peer& peer) { peer.waitForClose(); }});
  ProxyRoute route;
  route.name = "mute";
  route.scheme = Scheme::Socks5;
  route.host = "127.0.0.1";
  route.port = static_cast<uint16_t>(std::stoi(port(silent.url())));
  proxies_.set("a", route);
  auto body = get("kiro/a", "https://kiro.example/");
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().kind, FailureKind::Timeout);
  EXPECT_NE(body.error().message.find("\"mute\""), std::string::npos) << body.error().message;
}

TEST_F(ProxyTest, BytesBehindTheProxysYesAreRefused) {
  RawServer eager({[](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\n\r\ninjected");
    peer.waitForClose();
  }});
  ProxyRoute route;
  route.name = "eager";
  route.host = "127.0.0.1";
  route.port = static_cast<uint16_t>(std::stoi(port(eager.url())));
  proxies_.set("a", route);
  auto body = get("kiro/a", "https://kiro.example/");
  ASSERT_FALSE(body);
  EXPECT_NE(body.error().message.find("nobody asked for"), std::string::npos)
      << body.error().message;
}

TEST_F(ProxyTest, ACallersProxyAuthorizationNeverLeaves) {
  std::string seen;
  RawServer server({[&](Peer& peer) {
    seen = peer.request();
    peer.send(kOk);
  }});
  HttpCall request;
  const std::string url = server.url();
  request.url = url;
  request.headers = {{"Proxy-Authorization", "Basic abc"}};
  ASSERT_TRUE(client_->call(
      "kiro/a", request, [](int, const std::vector<HttpHeader>&) -> Result<> { return {}; },
      [](std::string_view) -> Result<> { return {}; }, NeverCancelled()));
  EXPECT_EQ(seen.find("Basic abc"), std::string::npos);
}

}  // namespace
}  // namespace omni::upstream
