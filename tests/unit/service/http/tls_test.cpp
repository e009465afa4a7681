// The TLS listener: over real sockets, with OpenSSL's own client on the other side.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "raw_client.hpp"
#include "service/http/server.hpp"
#include "service/http/tls_identity.hpp"
#include "unit/service/test_certificate.hpp"

namespace omni::http {
namespace {

namespace fs = std::filesystem;
using omni::testing::Identity;
using ::testing::HasSubstr;
using testing::RawClient;
using ::testing::StartsWith;

class ZeroRandom final : public Random {
 public:
  void fill(void* out, size_t size) override { std::memset(out, 7, size); }
};

// One TLS connection; reads end after five seconds.
class TlsClient {
 public:
  explicit TlsClient(uint16_t port, bool offer_h2 = false)
      : context_(SSL_CTX_new(TLS_client_method())), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    const timeval patience{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    static constexpr unsigned char kOffer[] = {2,   'h', '2', 8,   'h', 't',
                                               't', 'p', '/', '1', '.', '1'};
    if (offer_h2) SSL_set_alpn_protos(ssl_, kOffer, sizeof kOffer);
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  // Empty at the end, however it comes.
  std::string receive() {
    char buffer[65536];
    const int n = SSL_read(ssl_, buffer, sizeof buffer);
    ended_ = n <= 0;
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : std::string();
  }
  std::string until(std::string_view text) {
    std::string all;
    while (all.find(text) == std::string::npos && !ended_) all += receive();
    return all;
  }
  std::string untilEnd() {
    std::string all;
    while (!ended_) all += receive();
    return all;
  }
  bool closedCleanly() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }
  std::string alpn() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  std::string certificate() const {
    X509* shown = SSL_get1_peer_certificate(ssl_);
    if (!shown) return {};
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    X509_digest(shown, EVP_sha256(), hash, &size);
    X509_free(shown);
    return {reinterpret_cast<char*>(hash), size};
  }

 private:
  SSL_CTX* context_;
  int fd_;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
  bool ended_ = false;
};

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    std::signal(SIGPIPE, SIG_IGN);  // as the service does
    dir_ = fs::temp_directory_path() /
           ("omni-tls-" + std::to_string(::getpid()) + "-" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(dir_);
    certificate_ = dir_ / "chain.pem";
    key_ = dir_ / "key.pem";
    identity_.writePem(certificate_);
    identity_.writeKeyPem(key_);
    options_.port = 0;
    options_.max_streams = 4;
    options_.max_admin = 4;
    options_.spare_threads = 6;
    options_.linger_ms = 300;
    options_.cancel_grace_ms = 300;
    add("GET", "/ok", [](const Request& r, ResponseWriter& w) {
      w.send(200, "text/plain", r.secure ? "over tls" : "in the clear");
    });
    add("POST", "/echo", [](const Request& r, ResponseWriter& w) {
      w.send(200, "application/octet-stream", r.body);
    });
  }
  ~TlsTest() override {
    server_.reset();
    fs::remove_all(dir_);
  }
  void add(std::string method, std::string pattern,
           std::function<void(const Request&, ResponseWriter&)> handler) {
    routes_.push_back(
        {std::move(method), std::move(pattern), Door::Admin, 8u << 20, false, std::move(handler)});
  }
  void start() {
    auto loaded = TlsIdentity::load(certificate_, key_);
    ASSERT_TRUE(loaded) << loaded.error().message;
    tls_ = std::move(*loaded);
    options_.tls = tls_;
    server_ = std::make_unique<Server>(options_, routes_, random_);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message << started.error().detail;
  }
  std::string refusal() {
    auto loaded = TlsIdentity::load(certificate_, key_);
    return loaded ? "loaded" : loaded.error().message;
  }

  fs::path dir_, certificate_, key_;
  Identity identity_{"IP:127.0.0.1"};
  ServerOptions options_;
  RouteTable routes_;
  ZeroRandom random_;
  std::shared_ptr<TlsIdentity> tls_;
  std::unique_ptr<Server> server_;
};

constexpr std::string_view kGet = "GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(TlsTest, AnswersBesideThePlainListenerAndKeepsTheConnection) {
  start();
  TlsClient c(server_->tlsPort(), true);
  ASSERT_TRUE(c.connected());
  EXPECT_EQ(c.alpn(), "http/1.1");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(c.send(kGet));
    EXPECT_THAT(c.until("over tls"), HasSubstr("200 OK"));
  }
  RawClient plain(server_->port());
  plain.send(kGet);
  EXPECT_THAT(plain.until("in the clear"), HasSubstr("200 OK"));
  EXPECT_EQ(server_->openConnections(), 2u);
}

TEST_F(TlsTest, ManyRecordsGoBothWays) {
  start();
  std::string body(3 << 20, 'x');
  for (size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  TlsClient c(server_->tlsPort());
  auto sending = std::async(std::launch::async, [&] {
    return c.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
  });
  EXPECT_TRUE(sending.get());
  const std::string answer = c.untilEnd();
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), body);
  EXPECT_TRUE(c.closedCleanly());
}

TEST_F(TlsTest, PlainHttpIsToldToUseHttps) {
  start();
  RawClient c(server_->tlsPort());
  c.send(kGet);
  const std::string answer = c.until("https://");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, HasSubstr("This port speaks TLS"));
}

TEST_F(TlsTest, AHandshakeHasADeadlineHoweverItsBytesCome) {
  options_.tls_handshake_ms = 200;
  start();
  RawClient silent(server_->tlsPort());
  RawClient slow(server_->tlsPort());
  slow.send(std::string("\x16\x03\x01\x02\x00\x01", 6));  // the beginning of a client hello
  silent.receive(5000);
  EXPECT_TRUE(silent.closed());
  slow.receive(5000);
  EXPECT_TRUE(slow.closed());
}

TEST_F(TlsTest, OnlyAWholeAnswerEndsWithCloseNotify) {
  add("GET", "/whole", [](const Request&, ResponseWriter& w) {
    w.startStream(200, "text/event-stream");
    w.write("data: 1\n\n");
    w.endStream();
  });
  add("GET", "/cut", [](const Request&, ResponseWriter& w) {
    w.startStream(200, "text/event-stream");
    w.write("data: 1\n\n");
  });
  start();
  for (const char* version : {"1.0", "1.1"}) {
    const std::string rest =
        std::string(" HTTP/") + version + "\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    TlsClient whole(server_->tlsPort());
    whole.send("GET /whole" + rest);
    EXPECT_THAT(whole.untilEnd(), HasSubstr("data: 1"));
    EXPECT_TRUE(whole.closedCleanly()) << version;
    TlsClient cut(server_->tlsPort());
    cut.send("GET /cut" + rest);
    cut.untilEnd();
    EXPECT_FALSE(cut.closedCleanly()) << version;
  }
}

TEST_F(TlsTest, AClientThatLeavesIsNoticed) {
  std::promise<void> noticed;
  add("GET", "/long", [&](const Request&, ResponseWriter& w) {
    w.startStream(200, "text/event-stream");
    w.write("data: 1\n\n");
    while (!w.cancel().cancelled()) std::this_thread::yield();
    noticed.set_value();
  });
  start();
  {
    TlsClient c(server_->tlsPort());
    c.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(c.until("data: 1"), HasSubstr("data: 1"));
  }
  EXPECT_EQ(noticed.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
}

TEST_F(TlsTest, AnIdleConnectionDoesNotHoldTheDrainUp) {
  start();
  TlsClient idle(server_->tlsPort());
  idle.send(kGet);
  idle.until("over tls");
  TlsClient fresh(server_->tlsPort());  // has said nothing yet
  const int64_t begun = testing::nowMs();
  server_->drain(std::chrono::milliseconds(4000));
  EXPECT_LT(testing::nowMs() - begun, 3000);
  EXPECT_EQ(idle.receive(), "");
}

TEST_F(TlsTest, AReloadIsForNewConnectionsAndABadOneChangesNothing) {
  start();
  TlsClient before(server_->tlsPort());
  const std::string first = before.certificate();
  ASSERT_FALSE(first.empty());

  const Identity second("IP:127.0.0.1", 7200);
  second.writePem(certificate_);
  const auto refused = tls_->reload();  // the key is still the first one's
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(key_.string()));
  EXPECT_EQ(TlsClient(server_->tlsPort()).certificate(), first);

  second.writeKeyPem(key_);
  const int64_t expired = tls_->expiresMs();
  ASSERT_TRUE(tls_->reload());
  EXPECT_NEAR(static_cast<double>(tls_->expiresMs() - expired), 3600e3, 5e3);
  EXPECT_NE(TlsClient(server_->tlsPort()).certificate(), first);
  before.send(kGet);
  EXPECT_THAT(before.until("over tls"), HasSubstr("200 OK"));
}

TEST_F(TlsTest, FilesThatCannotServeAreRefusedByName) {
  identity_.writeKeyPem(key_, "secret");
  EXPECT_THAT(refusal(), HasSubstr("without a passphrase"));
  Identity("IP:127.0.0.1").writeKeyPem(key_);
  EXPECT_THAT(refusal(), HasSubstr("belongs to the certificate"));
  std::ofstream(key_) << "nonsense";
  EXPECT_THAT(refusal(), HasSubstr(key_.string()));
  std::ofstream(certificate_) << "nonsense";
  EXPECT_THAT(refusal(), HasSubstr("must be PEM"));
  fs::remove(certificate_);
  EXPECT_THAT(refusal(), HasSubstr("server.tls.certificate = " + certificate_.string()));
}

TEST_F(TlsTest, APortInUseIsNamed) {
  start();
  ServerOptions second = options_;
  second.tls_port = server_->tlsPort();
  Server other(second, routes_, random_);
  const auto started = other.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, FailureKind::Unavailable);
  EXPECT_THAT(started.error().message, HasSubstr(std::to_string(server_->tlsPort())));
}

}  // namespace
}  // namespace omni::http
