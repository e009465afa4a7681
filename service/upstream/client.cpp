#include "service/upstream/client.hpp"

#include <array>

#include "core/base/ascii.hpp"
#include "core/base/http_token.hpp"
#include "service/upstream/dial.hpp"
#include "service/upstream/http_connect.hpp"
#include "service/upstream/response_parser.hpp"

namespace omni::upstream {

namespace {

constexpr size_t kReadBuffer = 16 * 1024;

// Three searches rather than find_first_of(), which makes a library call for each byte: a bearer
// token has many.
bool breaksLine(std::string_view value) {
  return value.find('\n') != std::string_view::npos || value.find('\r') != std::string_view::npos ||
         value.find('\0') != std::string_view::npos;
}

bool ownHeader(std::string_view name) {
  // Proxy-Authorization is between this client and the proxy: a caller's would reach the upstream.
  for (std::string_view own :
       {"host", "content-length", "connection", "transfer-encoding", "proxy-authorization"})
    if (equalsIgnoringCase(name, own)) return true;
  return false;
}

bool isTinyproxy(const std::vector<HttpHeader>& headers) {
  for (const HttpHeader& header : headers)
    if (equalsIgnoringCase(header.name, "server") && header.value.starts_with("tinyproxy"))
      return true;
  return false;
}

// Head and body in one buffer, so that they leave in one write.
Result<std::string> serialize(const HttpCall& request, const Url& url,
                              const std::optional<ProxyRoute>& proxy, std::string_view user_agent) {
  const bool absolute = usesAbsoluteForm(url, proxy);
  if (!isHttpToken(request.method))
    return makeError(FailureKind::BadRequest, "the HTTP method is not a word", "method");
  const std::string host = url.hostHeader();
  size_t size = 256 + url.target.size() + 2 * host.size() + request.body.size();
  for (const HttpHeader& header : request.headers)
    size += header.name.size() + header.value.size() + 4;
  std::string out;
  out.reserve(size);
  out.append(request.method).append(" ");
  if (absolute) out.append("http://").append(host);
  out.append(url.target).append(" HTTP/1.1\r\nHost: ").append(host).append("\r\n");
  if (absolute && !proxy->username.empty())
    out.append("Proxy-Authorization: ")
        .append(proxyAuthorization(proxy->username, proxy->password))
        .append("\r\n");
  bool has_agent = false;
  for (const HttpHeader& header : request.headers) {
    // The value may be a secret: it is not repeated in the message.
    if (!isHttpToken(header.name))
      return makeError(FailureKind::BadRequest, "a header name is not a word", "headers");
    if (breaksLine(header.value))
      return makeError(FailureKind::BadRequest,
                       "the header " + std::string(header.name) + " holds a line break", "headers");
    if (ownHeader(header.name)) continue;
    has_agent = has_agent || equalsIgnoringCase(header.name, "user-agent");
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  if (!has_agent) out.append("User-Agent: ").append(user_agent).append("\r\n");
  const bool bodyless =
      request.method == "GET" || request.method == "HEAD" || request.method == "DELETE";
  if (!request.body.empty() || !bodyless)
    out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  out.append("\r\n").append(request.body);
  return out;
}

struct Exchange {
  const HttpCall& call;
  std::string& bytes;
  bool again;  // `bytes` may be asked for once more
  int64_t first_byte_ms;
  int64_t idle_ms;
};

Result<> exchange(Transport& transport, const Exchange& what, ResponseParser& parser,
                  const CancelToken& cancel) {
  if (auto sent = transport.write(what.bytes, what.idle_ms, cancel); !sent) return sent;
  // A long answer to a long request would keep it in memory all the while.
  if (!what.again) std::string().swap(what.bytes);
  std::array<char, kReadBuffer> buffer;
  const Deadline first = after(what.first_byte_ms);
  while (!parser.done()) {
    if (what.call.before_wait) what.call.before_wait();
    auto got = transport.read(buffer.data(), buffer.size(),
                              parser.headDone() ? after(what.idle_ms) : first, cancel);
    if (!got) {
      Error& error = got.error();
      if (error.kind == FailureKind::Timeout)
        error.message = parser.headDone()
                            ? "the upstream sent nothing for " + std::to_string(what.idle_ms) +
                                  " ms in the middle of its answer"
                            : "the upstream did not begin to answer within " +
                                  std::to_string(what.first_byte_ms) + " ms";
      return std::unexpected(std::move(error));
    }
    if (*got == 0) return parser.end();
    if (auto fed = parser.feed({buffer.data(), *got}); !fed) return fed;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::create(ClientOptions options, const Clock& clock,
                                                       ProxyResolver& proxies) {
  auto tls = TlsContext::create(options.ca_file);
  if (!tls) return std::unexpected(std::move(tls.error()));
  if (options.user_agent.empty()) options.user_agent = "OmniRoute/" OMNI_VERSION;
  return std::unique_ptr<HttpClient>(
      new HttpClient(std::move(options), clock, proxies, std::move(*tls)));
}

HttpClient::HttpClient(ClientOptions options, const Clock& clock, ProxyResolver& proxies,
                       std::shared_ptr<TlsContext> tls)
    : options_(std::move(options)),
      clock_(clock),
      proxies_(proxies),
      tls_(std::move(tls)),
      pool_(options_.pool, clock) {}

Result<> HttpClient::call(std::string_view account_key, const HttpCall& request,
                          const OnResponse& on_response, const OnBody& on_body,
                          const CancelToken& cancel) {
  auto url = parseUrl(request.url);
  if (!url) return std::unexpected(std::move(url.error()));
  const size_t slash = account_key.find('/');
  auto proxy = proxies_.proxyFor(account_key.substr(0, slash), slash == std::string_view::npos
                                                                   ? std::string_view()
                                                                   : account_key.substr(slash + 1));
  if (!proxy) return std::unexpected(std::move(proxy.error()));
  auto bytes = serialize(request, *url, *proxy, options_.user_agent);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  const bool replayable = request.idempotent || request.method == "GET" || request.method == "HEAD";
  const Exchange what{
      request, *bytes, replayable,
      request.first_byte_timeout_ms > 0 ? request.first_byte_timeout_ms
                                        : options_.first_byte_timeout_ms,
      request.idle_timeout_ms > 0 ? request.idle_timeout_ms : options_.idle_timeout_ms};
  // NUL cannot be part of an origin, so no account key can be chosen that reaches into another's.
  std::string key(account_key);
  key += '\0';
  if (*proxy) key += (*proxy)->id;
  key += '\0';
  key += url->origin();
  const DialOptions dialing{tls_.get(), options_.user_agent, options_.connect_timeout_ms};
  const OnResponse through_proxy = [&](int status,
                                       const std::vector<HttpHeader>& headers) -> Result<> {
    // In absolute form a 401 may be the upstream's or, from tinyproxy, mean a wrong password.
    const bool refused = status == 407 || (status == 401 && isTinyproxy(headers));
    if (!refused) return on_response(status, headers);
    auto error = makeError(FailureKind::Network, proxyLabel(**proxy) +
                                                     " refused the log-in: check its user name and "
                                                     "password");
    error.error().reason = "proxy_login";
    return error;
  };
  // In absolute form the proxy's own answers arrive as if they were the upstream's.
  const bool absolute = usesAbsoluteForm(*url, *proxy);

  const NeverCancelled never;
  for (bool may_reuse = true;; may_reuse = false) {
    if (cancel.cancelled()) return makeError(FailureKind::Cancelled, "the request was cancelled");
    PooledConnection connection;
    if (may_reuse) connection = pool_.take(key);
    const bool reused = connection.transport != nullptr;
    if (!reused) {
      auto fresh = dial(*url, *proxy, dialing, cancel);
      if (!fresh) return std::unexpected(std::move(fresh.error()));
      connection.transport = std::move(*fresh);
      connection.opened_ms = clock_.steadyMs();
    }
    ResponseParser parser(request.method == "HEAD", absolute ? through_proxy : on_response,
                          on_body);
    auto result = exchange(*connection.transport, what, parser, request.finish ? never : cancel);
    if (result) {
      // A proxy that is asked in absolute form often closes after each answer without saying so.
      if (parser.reusable() && !absolute) pool_.put(key, std::move(connection));
      return {};
    }
    if (absolute && result.error().kind == FailureKind::Network && result.error().reason.empty())
      result.error().message = proxyLabel(**proxy) + ": " + result.error().message;
    // Only a connection that lay idle can have died without the request being seen, and only
    // silence says so.
    if (reused && replayable && !parser.anyBytes() && result.error().kind == FailureKind::Network)
      continue;
    return result;
  }
}

}  // namespace omni::upstream
