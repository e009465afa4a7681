#include "service/upstream/dial.hpp"

#include <array>

#include "service/upstream/http_connect.hpp"
#include "service/upstream/socks.hpp"

namespace omni::upstream {

namespace {

using TransportPtr = std::unique_ptr<Transport>;

struct Attempt {
  const Url& url;
  const ProxyRoute& proxy;
  const DialOptions& options;
  Deadline deadline;
  const CancelToken& cancel;

  std::string target() const { return url.host + ":" + std::to_string(url.port); }
};

std::unexpected<Error> proxyError(const char* reason, std::string message) {
  auto error = makeError(FailureKind::Network, std::move(message));
  error.error().reason = reason;
  return error;
}

// Makes a failure of the way to the proxy, or of talking to it, name the proxy.
std::unexpected<Error> blameProxy(const Attempt& attempt, Error error) {
  const std::string label = proxyLabel(attempt.proxy);
  if (error.kind == FailureKind::Timeout) {
    error.message =
        label + " did not answer within " + std::to_string(attempt.options.timeout_ms) + " ms";
  } else if (error.kind == FailureKind::Network || error.kind == FailureKind::Protocol) {
    error.kind = FailureKind::Network;
    error.message = "could not get through " + label + ": " + error.message;
  } else {
    return std::unexpected(std::move(error));
  }
  if (error.reason.empty()) error.reason = "proxy_unreachable";
  return std::unexpected(std::move(error));
}

// A failure behind the proxy (TLS with the target) names both.
std::unexpected<Error> blameTarget(const Attempt& attempt, Error error) {
  const std::string where = attempt.target() + " through " + proxyLabel(attempt.proxy);
  if (error.kind == FailureKind::Timeout)
    error.message = "could not reach " + where + " within " +
                    std::to_string(attempt.options.timeout_ms) + " ms";
  else if (error.kind == FailureKind::Network)
    error.message = "could not reach " + where + ": " + error.message;
  return std::unexpected(std::move(error));
}

std::unexpected<Error> loginRefused(const Attempt& attempt) {
  return proxyError(
      "proxy_login",
      proxyLabel(attempt.proxy) + (attempt.proxy.username.empty()
                                       ? " asks for a log-in: give it a user name and a password"
                                       : " refused the log-in: check its user name and password"));
}

// Reads until `parse` has a whole answer. Both protocols let the client speak first, so anything
// after the answer of a proxy that agreed is not the target's and breaks the connection.
template <typename Parsed>
Result<Parsed> answer(const Attempt& attempt, Transport& transport,
                      Result<std::optional<Parsed>> (*parse)(std::string_view),
                      std::string& bytes) {
  std::array<char, 2048> buffer;
  for (;;) {
    auto parsed = parse(bytes);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    if (*parsed) return std::move(**parsed);
    auto got = transport.read(buffer.data(), buffer.size(), attempt.deadline, attempt.cancel);
    if (!got) return std::unexpected(std::move(got.error()));
    if (*got == 0) return makeError(FailureKind::Network, "it closed the connection");
    bytes.append(buffer.data(), *got);
  }
}

std::unexpected<Error> surplus() {
  return makeError(FailureKind::Protocol, "it sent bytes that nobody asked for");
}

int64_t left(Deadline deadline) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                      deadline - std::chrono::steady_clock::now())
                      .count();
  return ms > 0 ? ms : 0;
}

Result<> tunnelHttp(const Attempt& attempt, Transport& transport) {
  const std::string request =
      connectRequest(attempt.url.host, attempt.url.port,
                     proxyAuthorization(attempt.proxy.username, attempt.proxy.password),
                     attempt.options.user_agent);
  if (auto sent = transport.write(request, left(attempt.deadline), attempt.cancel); !sent)
    return blameProxy(attempt, std::move(sent.error()));
  std::string bytes;
  auto reply = answer<ConnectReply>(attempt, transport, parseConnectReply, bytes);
  if (!reply) return blameProxy(attempt, std::move(reply.error()));
  // tinyproxy says 401 for a wrong password. On a CONNECT it can be nobody else's answer.
  if (reply->status == 407 || reply->status == 401) return loginRefused(attempt);
  if (reply->status >= 300)
    return proxyError("proxy_refused", proxyLabel(attempt.proxy) + " did not connect to " +
                                           attempt.target() + ": " + std::to_string(reply->status) +
                                           " " + reply->reason);
  if (bytes.size() != reply->size) return blameProxy(attempt, std::move(surplus().error()));
  return {};
}

Result<> tunnelSocks(const Attempt& attempt, Transport& transport) {
  const auto send = [&](const std::string& bytes) -> Result<> {
    auto sent = transport.write(bytes, left(attempt.deadline), attempt.cancel);
    if (!sent) return blameProxy(attempt, std::move(sent.error()));
    return {};
  };
  const bool with_login = !attempt.proxy.username.empty();
  if (auto sent = send(socksGreeting(with_login)); !sent) return sent;
  std::string bytes;
  auto method = answer<uint8_t>(attempt, transport, parseSocksMethod, bytes);
  if (!method) return blameProxy(attempt, std::move(method.error()));
  if (*method == kSocksNoMethod) {
    if (!with_login) return loginRefused(attempt);
    return proxyError("proxy_login", proxyLabel(attempt.proxy) +
                                         " takes no user name and password: remove them, or let "
                                         "it ask for them");
  }
  if (*method != (with_login ? kSocksPassword : kSocksNoLogin) || bytes.size() != 2)
    return blameProxy(attempt, std::move(surplus().error()));
  if (with_login) {
    auto login = socksLogin(attempt.proxy.username, attempt.proxy.password);
    if (!login)
      return proxyError("proxy_login",
                        proxyLabel(attempt.proxy) + " cannot be used: " + login.error().message);
    if (auto sent = send(*login); !sent) return sent;
    bytes.clear();
    auto allowed = answer<bool>(attempt, transport, parseSocksLogin, bytes);
    if (!allowed) {
      // RFC 1929 lets the server close at once after a wrong password.
      if (allowed.error().kind == FailureKind::Network) return loginRefused(attempt);
      return blameProxy(attempt, std::move(allowed.error()));
    }
    if (!*allowed) return loginRefused(attempt);
    if (bytes.size() != 2) return blameProxy(attempt, std::move(surplus().error()));
  }
  auto request = socksConnect(attempt.url.host, attempt.url.port);
  if (!request) return std::unexpected(std::move(request.error()));
  if (auto sent = send(*request); !sent) return sent;
  bytes.clear();
  auto reply = answer<SocksReply>(attempt, transport, parseSocksReply, bytes);
  if (!reply) return blameProxy(attempt, std::move(reply.error()));
  if (reply->code != 0)
    return proxyError("proxy_refused", proxyLabel(attempt.proxy) + " did not connect to " +
                                           attempt.target() + ": " +
                                           std::string(socksCodeText(reply->code)));
  if (bytes.size() != reply->size) return blameProxy(attempt, std::move(surplus().error()));
  return {};
}

Result<TransportPtr> dialProxy(const Attempt& attempt) {
  const ProxyRoute& proxy = attempt.proxy;
  auto transport = connectTcp(proxy.host, proxy.port, attempt.deadline, attempt.cancel);
  if (transport && proxy.scheme == ProxyScheme::Https)
    transport = startTls(std::move(*transport), proxy.host, *attempt.options.tls, attempt.deadline,
                         attempt.cancel);
  if (!transport) return blameProxy(attempt, std::move(transport.error()));
  if (usesAbsoluteForm(attempt.url, proxy)) return transport;
  auto tunnel = proxy.scheme == ProxyScheme::Socks5 ? tunnelSocks(attempt, **transport)
                                                    : tunnelHttp(attempt, **transport);
  if (!tunnel) return std::unexpected(std::move(tunnel.error()));
  if (!attempt.url.tls) return transport;
  transport = startTls(std::move(*transport), attempt.url.host, *attempt.options.tls,
                       attempt.deadline, attempt.cancel);
  if (!transport) return blameTarget(attempt, std::move(transport.error()));
  return transport;
}

Result<TransportPtr> dialDirect(const Url& url, const DialOptions& options,
                                const CancelToken& cancel) {
  const Deadline deadline = after(options.timeout_ms);
  auto transport = connectTcp(url.host, url.port, deadline, cancel);
  if (transport && url.tls)
    transport = startTls(std::move(*transport), url.host, *options.tls, deadline, cancel);
  if (transport) return transport;
  Error& error = transport.error();
  const std::string where = url.host + ":" + std::to_string(url.port);
  if (error.kind == FailureKind::Network)
    error.message = "could not reach " + where + ": " + error.message;
  else if (error.kind == FailureKind::Timeout)
    error.message =
        "could not reach " + where + " within " + std::to_string(options.timeout_ms) + " ms";
  return transport;
}

}  // namespace

std::string proxyLabel(const ProxyRoute& proxy) {
  const bool v6 = proxy.host.find(':') != std::string::npos;
  return "the proxy \"" + proxy.name + "\" (" + (v6 ? "[" + proxy.host + "]" : proxy.host) + ":" +
         std::to_string(proxy.port) + ")";
}

bool usesAbsoluteForm(const Url& url, const std::optional<ProxyRoute>& proxy) {
  return proxy && !url.tls && proxy->scheme != ProxyScheme::Socks5;
}

Result<TransportPtr> dial(const Url& url, const std::optional<ProxyRoute>& proxy,
                          const DialOptions& options, const CancelToken& cancel) {
  if (options.tls == nullptr) return makeError(FailureKind::Internal, "TLS is not set up");
  if (!proxy) return dialDirect(url, options, cancel);
  return dialProxy({url, *proxy, options, after(options.timeout_ms), cancel});
}

}  // namespace omni::upstream
