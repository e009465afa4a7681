#pragma once
// HTTP/1.1 to upstreams over pooled connections. See core/ports/upstream.hpp for the contract.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/ports/clock.hpp"
#include "core/ports/proxy.hpp"
#include "core/ports/upstream.hpp"
#include "service/upstream/pool.hpp"

namespace omni::upstream {

struct ClientOptions {
  std::filesystem::path ca_file;  // PEM, trusted beside the system's; empty: none
  std::string user_agent;         // empty: "OmniRoute/<version>"; a request's own header wins
  int64_t connect_timeout_ms = 10'000;
  int64_t first_byte_timeout_ms = 120'000;
  int64_t idle_timeout_ms = 120'000;
  PoolLimits pool;
};

// Thread-safe. A connection is pooled again only after its answer was read to the end of its
// framing. Every call asks the resolver which proxy its account ("<provider>/<connection id>") goes
// through; when that cannot be told, or the proxy does not work, the call fails: it never goes out
// directly instead. Errors of a proxy have the reason "proxy_unreachable", "proxy_login",
// "proxy_refused" or what the resolver gave.
class HttpClient final : public UpstreamClient {
 public:
  // Fails when the CA file cannot be used. `clock` and `proxies` must outlive the client; the clock
  // only ages idle connections.
  static Result<std::unique_ptr<HttpClient>> create(ClientOptions options, const Clock& clock,
                                                    ProxyResolver& proxies);

  Result<> call(std::string_view account_key, const HttpCall& request,
                const OnResponse& on_response, const OnBody& on_body,
                const CancelToken& cancel) override;
  size_t idleConnections() const { return pool_.idle(); }

 private:
  HttpClient(ClientOptions options, const Clock& clock, ProxyResolver& proxies,
             std::shared_ptr<TlsContext> tls);

  ClientOptions options_;
  const Clock& clock_;
  ProxyResolver& proxies_;
  std::shared_ptr<TlsContext> tls_;
  ConnectionPool pool_;
};

}  // namespace omni::upstream
