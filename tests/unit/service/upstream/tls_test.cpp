#include "service/upstream/tls.hpp"

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/TemporaryFile.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <memory>
#include <thread>

#include "service/upstream/client.hpp"

namespace omni::upstream {
namespace {

class FakeClock final : public Clock {
 public:
  int64_t nowMs() const override { return 0; }
  int64_t steadyMs() const override { return 0; }
};

// A self-signed certificate for one name, and the TLS side of a server that uses it.
class Identity {
 public:
  explicit Identity(const std::string& subject_alt_name)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate_, name);
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate_, certificate_, nullptr, nullptr, 0);
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, subject_alt_name.c_str());
    X509_add_ext(certificate_, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate_, key_, EVP_sha256());
  }
  ~Identity() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  void writePem(const std::string& path) const {
    FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate_);
    std::fclose(file);
  }
  SSL_CTX* serverContext() const {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, certificate_);
    SSL_CTX_use_PrivateKey(context, key_);
    return context;
  }

 private:
  EVP_PKEY* key_;
  X509* certificate_;
};

// Answers each request of each connection with `answer`; `orderly` sends close_notify at the end.
class TlsServer {
 public:
  TlsServer(const Identity& identity, std::string answer, bool orderly)
      : context_(identity.serverContext()),
        listener_(Poco::Net::SocketAddress("127.0.0.1", 0)),
        answer_(std::move(answer)),
        orderly_(orderly),
        thread_([this] { run(); }) {}
  ~TlsServer() {
    stop_ = true;
    thread_.join();
    SSL_CTX_free(context_);
  }
  std::string url() const {
    return "https://127.0.0.1:" + std::to_string(listener_.address().port()) + "/";
  }

 private:
  void run() {
    while (!stop_) {
      if (!listener_.poll(Poco::Timespan(0, 20'000), Poco::Net::Socket::SELECT_READ)) continue;
      Poco::Net::StreamSocket socket = listener_.acceptConnection();
      std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_), &SSL_free);
      SSL_set_fd(ssl.get(), static_cast<int>(socket.impl()->sockfd()));
      char buffer[4096];
      if (SSL_accept(ssl.get()) != 1 || SSL_read(ssl.get(), buffer, sizeof(buffer)) <= 0) continue;
      SSL_write(ssl.get(), answer_.data(), static_cast<int>(answer_.size()));
      if (orderly_) SSL_shutdown(ssl.get());
    }
  }

  SSL_CTX* context_;
  Poco::Net::ServerSocket listener_;
  std::string answer_;
  bool orderly_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

Result<std::string> fetch(const std::string& url, const std::string& ca_file) {
  FakeClock clock;
  ClientOptions options;
  options.ca_file = ca_file;
  auto client = HttpClient::create(options, clock);
  if (!client) return std::unexpected(client.error());
  HttpCall request;
  request.url = url;
  std::string body;
  auto done = (*client)->call(
      "a", request, [](int, const std::vector<HttpHeader>&) -> Result<> { return {}; },
      [&](std::string_view bytes) -> Result<> {
        body += bytes;
        return {};
      },
      NeverCancelled());
  if (!done) return std::unexpected(done.error());
  return body;
}

const char* const kUntilClose = "HTTP/1.1 200 OK\r\n\r\nhello";

TEST(Tls, TrustsTheExtraCaFileOnly) {
  Identity identity("IP:127.0.0.1");
  Poco::TemporaryFile ca;
  identity.writePem(ca.path());
  TlsServer server(identity, kUntilClose, true);
  const auto trusted = fetch(server.url(), ca.path());
  ASSERT_TRUE(trusted) << trusted.error().message;
  EXPECT_EQ(*trusted, "hello");
  const auto untrusted = fetch(server.url(), "");
  ASSERT_FALSE(untrusted);
  EXPECT_EQ(untrusted.error().kind, FailureKind::Network);
  EXPECT_NE(untrusted.error().message.find("certificate"), std::string::npos)
      << untrusted.error().message;
}

TEST(Tls, RefusesACertificateForAnotherHost) {
  Identity identity("DNS:example.org,IP:127.0.0.2");
  Poco::TemporaryFile ca;
  identity.writePem(ca.path());
  TlsServer server(identity, kUntilClose, true);
  const auto answer = fetch(server.url(), ca.path());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::Network);
  EXPECT_NE(answer.error().message.find("mismatch"), std::string::npos) << answer.error().message;
}

TEST(Tls, AnEndWithoutCloseNotifyIsATruncation) {
  Identity identity("IP:127.0.0.1");
  Poco::TemporaryFile ca;
  identity.writePem(ca.path());
  TlsServer server(identity, kUntilClose, false);
  const auto answer = fetch(server.url(), ca.path());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::Network);
}

TEST(Tls, AnUnreadableCaFileIsNamed) {
  const auto answer = fetch("https://127.0.0.1:1/", "/nonexistent/ca.pem");
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("/nonexistent/ca.pem"), std::string::npos);
}

}  // namespace
}  // namespace omni::upstream
