#pragma once
// Opens the connection to an origin: directly, or through the proxy that was chosen for the
// account. With a proxy every failure stays a failure: nothing here ever tries the direct way.

#include <optional>
#include <string>

#include "core/ports/proxy.hpp"
#include "service/upstream/transport.hpp"
#include "service/upstream/url.hpp"

namespace omni::upstream {

struct DialOptions {
  const TlsContext* tls = nullptr;
  std::string user_agent;  // also said to an HTTP proxy
  int64_t timeout_ms = 10'000;
};

// `the proxy "office" (proxy.example:3128)`: no user name, no password.
std::string proxyLabel(const ProxyRoute& proxy);

// Plain HTTP through an HTTP proxy goes in absolute form on the connection to the proxy, as
// RFC 9112 section 3.2.2 has it: stock proxies allow CONNECT to few ports only (tinyproxy and
// squid: 443). Everything else goes through a tunnel.
bool usesAbsoluteForm(const Url& url, const std::optional<ProxyRoute>& proxy);

// Network, with the reason "proxy_unreachable", "proxy_login" or "proxy_refused" when it was the
// proxy; Timeout, Cancelled. Messages name the proxy.
Result<std::unique_ptr<Transport>> dial(const Url& url, const std::optional<ProxyRoute>& proxy,
                                        const DialOptions& options, const CancelToken& cancel);

}  // namespace omni::upstream
