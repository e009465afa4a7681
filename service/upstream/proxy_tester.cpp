#include "service/upstream/proxy_tester.hpp"

#include <algorithm>

namespace omni::upstream {

namespace {

constexpr int64_t kTimeoutMs = 10'000;
constexpr size_t kMaxBody = 4096;

class OneProxy final : public ProxyResolver {
 public:
  explicit OneProxy(const ProxyRoute& route) : route_(route) {}
  Result<std::optional<ProxyRoute>> proxyFor(std::string_view, std::string_view) override {
    return route_;
  }

 private:
  const ProxyRoute& route_;
};

}  // namespace

HttpProxyTester::HttpProxyTester(ClientOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  for (int64_t* limit :
       {&options_.connect_timeout_ms, &options_.first_byte_timeout_ms, &options_.idle_timeout_ms})
    *limit = std::min(*limit, kTimeoutMs);
}

Result<ProxyTestResult> HttpProxyTester::test(const ProxyRoute& route, std::string_view url,
                                              const CancelToken& cancel) {
  // A client of its own: no connection that lies idle may make a dead proxy look alive.
  OneProxy only(route);
  auto client = HttpClient::create(options_, clock_, only);
  if (!client) return std::unexpected(std::move(client.error()));
  HttpCall request;
  request.url = url;
  ProxyTestResult result;
  const int64_t begun = clock_.steadyMs();
  auto done = (*client)->call(
      "proxy/test", request,
      [&](int status, const std::vector<HttpHeader>&) -> Result<> {
        result.status = status;
        return {};
      },
      [&](std::string_view bytes) -> Result<> {
        result.body += bytes.substr(0, kMaxBody - std::min(kMaxBody, result.body.size()));
        return {};
      },
      cancel);
  if (!done) return std::unexpected(std::move(done.error()));
  result.latency_ms = clock_.steadyMs() - begun;
  return result;
}

}  // namespace omni::upstream
