#include "service/upstream/tls.hpp"

#include <Poco/TemporaryFile.h>
#include <gtest/gtest.h>

#include <memory>

#include "proxies.hpp"
#include "service/upstream/client.hpp"
#include "tls_server.hpp"

namespace omni::upstream {
namespace {

class FakeClock final : public Clock {
 public:
  int64_t nowMs() const override { return 0; }
  int64_t steadyMs() const override { return 0; }
};

using testing::Identity;
using testing::TlsServer;

Result<std::string> fetch(const std::string& url, const std::string& ca_file) {
  FakeClock clock;
  testing::FixedProxies proxies;
  ClientOptions options;
  options.ca_file = ca_file;
  auto client = HttpClient::create(options, clock, proxies);
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
