#include "service/http/connection.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPHeaderStream.h>
#include <Poco/Net/NetException.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <chrono>
#include <climits>
#include <optional>

#include "core/base/http_token.hpp"
#include "service/http/tls_identity.hpp"
#include "service/http/tls_socket.hpp"
#include "service/platform/socket_wait.hpp"

namespace omni::http {
namespace {

using Poco::Net::StreamSocket;

constexpr uint64_t kMaxLingerBytes = 64u << 20;

Poco::Timespan millis(int ms) {
  return {static_cast<Poco::Timespan::TimeDiff>(ms) * 1000};
}

std::string_view errorType(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 404) return "not_found_error";
  if (status == 429) return "rate_limit_error";
  if (status == 503) return "overloaded_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

// The shape for all doors but Anthropic's; the OpenAI clients read "message", "type" and "code" of
// it.
std::string errorBody(int status, std::string_view code, std::string_view message) {
  boost::json::object error;
  error["message"] = message;
  error["type"] = errorType(status);
  error["param"] = nullptr;
  error["code"] = code;
  boost::json::object body;
  body["error"] = std::move(error);
  return boost::json::serialize(body);
}

// The same in Anthropic's shape, which its clients make their own error classes of.
std::string anthropicErrorBody(int status, std::string_view message, std::string_view request_id) {
  std::string_view type = status < 500 ? "invalid_request_error" : "api_error";
  if (status == 413)
    type = "request_too_large";
  else if (status == 401 || status == 403 || status == 404 || status == 429 || status == 503)
    type = errorType(status);
  boost::json::object error;
  error["type"] = type;
  error["message"] = message;
  boost::json::object body;
  body["type"] = "error";
  body["error"] = std::move(error);
  body["request_id"] = request_id;
  return boost::json::serialize(body);
}

int statusOf(FailureKind kind) {
  switch (kind) {
    case FailureKind::Unauthorized:
      return 401;
    case FailureKind::Forbidden:
    case FailureKind::NotAuthorized:
      return 403;
    case FailureKind::NotFound:
      return 404;
    case FailureKind::RateLimited:
      return 429;
    case FailureKind::BadRequest:
      return 400;
    case FailureKind::Unavailable:
      return 503;
    default:
      return 500;
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool isJson(std::string_view content_type) {
  return equalsIgnoringCase(trimmed(content_type.substr(0, content_type.find(';'))),
                            "application/json");
}

// How long the body is, and whether the framing can be trusted at all.
struct Framing {
  bool valid = true;
  bool chunked = false;
  std::optional<uint64_t> length;
  bool hasBody() const { return chunked || length.value_or(0) > 0; }
};

Framing framingOf(const Poco::Net::HTTPRequest& head) {
  Framing f;
  int lengths = 0;
  int encodings = 0;
  for (const auto& [name, value] : head) {
    if (!isHttpToken(name))
      f.valid = false;  // "Content-Length :" is read by some parsers and not by others
    if (equalsIgnoringCase(name, "Content-Length")) {
      ++lengths;
      uint64_t n = 0;
      const std::string_view text = trimmed(value);
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
      if (text.empty() || error != std::errc() || end != text.data() + text.size()) f.valid = false;
      f.length = n;
    } else if (equalsIgnoringCase(name, "Transfer-Encoding")) {
      ++encodings;
      f.chunked = true;
      if (!equalsIgnoringCase(trimmed(value), "chunked")) f.valid = false;
    }
  }
  if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0)) f.valid = false;
  return f;
}

size_t headerBytes(const Poco::Net::HTTPRequest& head) {
  size_t total = head.getURI().size() + head.getMethod().size();
  for (const auto& [name, value] : head) total += name.size() + value.size() + 4;
  return total;
}

// Behind a reverse proxy every peer is this machine, so that a forwarded request is never taken for
// a local one.
bool isForwarded(const Poco::Net::HTTPRequest& head) {
  static const std::string kNames[] = {"X-Forwarded-For", "Forwarded", "X-Real-IP",
                                       "X-Forwarded-Host", "Via"};
  return std::ranges::any_of(kNames, [&](const std::string& name) { return head.has(name); });
}

bool isLoopback(const Poco::Net::IPAddress& address) {
  return address.isLoopback() || address.toString().starts_with("::ffff:127.");
}

class AdmissionSlot {
 public:
  AdmissionSlot() = default;
  ~AdmissionSlot() { release(); }
  AdmissionSlot(const AdmissionSlot&) = delete;
  AdmissionSlot& operator=(const AdmissionSlot&) = delete;
  bool enter(Admission& admission) {
    if (!admission.tryEnter()) return false;
    admission_ = &admission;
    return true;
  }
  void release() {
    if (admission_) admission_->leave();
    admission_ = nullptr;
  }

 private:
  Admission* admission_ = nullptr;
};

}  // namespace

struct Connection::Exchange {
  Poco::Net::HTTPRequest head;
  Framing framing;
  bool body_unread = false;
  Request request;
  Door door = Door::Admin;
  const Route* route = nullptr;
  SocketWriter* writer = nullptr;
  AdmissionSlot slot;

  void refuse(int status, std::string_view code, std::string_view message) {
    if (body_unread) writer->closeAfterwards();
    if (anthropic()) {
      writer->setHeader("request-id", request.request_id);
      writer->json(status, anthropicErrorBody(status, message, request.request_id));
    } else {
      writer->json(status, errorBody(status, code, message));
    }
  }
  bool anthropic() const {
    if (request.path == "/v1/messages" || request.path.starts_with("/v1/messages/")) return true;
    return request.path.starts_with("/v1/") && request.header &&
           !request.header("anthropic-version").empty();
  }
};

Connection::Connection(const StreamSocket& s, ServerCore& core,
                       Poco::Net::HTTPServerParams::Ptr params, const TlsIdentity* tls)
    : TCPServerConnection(s), core_(core), params_(std::move(params)), tls_(tls) {}

// In the server's list as long as it lives.
class Connection::Known {
 public:
  Known(ServerCore& core, LiveConnection& connection) : core_(core), connection_(connection) {
    const std::lock_guard lock(core_.mutex);
    core_.connections.insert(&connection_);
    if (core_.connections.size() == 1) core_.first.notify_all();
  }
  ~Known() {
    const std::lock_guard lock(core_.mutex);
    core_.connections.erase(&connection_);
    core_.changed.notify_all();
  }
  Known(const Known&) = delete;
  Known& operator=(const Known&) = delete;

 private:
  ServerCore& core_;
  LiveConnection& connection_;
};

void Connection::run() {
  try {
    if (tls_) socket() = overTls(socket(), tls_->context(), core_.options.tls_handshake_ms);
    StreamSocket s = socket();
    s.setNoDelay(true);
    s.setSendTimeout(millis(core_.options.send_timeout_ms));  // Poco sets none: a stuck client
                                                              // would hold its thread for good
    Session session(s, params_);
    // Ends before the session, which closes the socket: nobody may shut down a descriptor that has
    // become somebody else's.
    const Known known(core_, *this);
    try {
      serve(session);
    } catch (...) {
      // Nothing is left to answer to; the socket goes with this object.
      busy_ = false;
    }
  } catch (...) {
    // The peer left before its socket could be set up.
    return;
  }
}

void Connection::closeIdle() {
  try {
    socket().shutdownReceive();
  } catch (...) {
    return;  // already gone
  }
}

void Connection::cut() {
  try {
    socket().shutdown();
  } catch (...) {
    return;  // already gone
  }
}

bool Connection::headOverdue(int64_t now_ms) const {
  const int64_t since = head_since_ms_.load(std::memory_order_relaxed);
  return since >= 0 && now_ms - since >= core_.options.header_timeout_ms;
}

namespace {

// Instead of HTTPServerSession::hasMoreRequests(), which polls first: one system call more for each
// request. A drain wakes the read by shutting the socket's receiving side.
bool awaitRequest(Session& session) {
  try {
    return session.peek() >= 0;
  } catch (const Poco::Exception&) {  // nothing came in time, or the peer has left
    return false;
  }
}

}  // namespace

void Connection::setReceiveTimeout(int ms) {
  if (receive_timeout_ms_ == ms) return;
  socket().setReceiveTimeout(millis(ms));
  receive_timeout_ms_ = ms;
}

void Connection::serve(Session& session) {
  setReceiveTimeout(core_.options.receive_timeout_ms);
  while (!core_.draining && awaitRequest(session)) {
    busy_ = true;
    const bool again = serveOne(session);
    busy_ = false;
    if (!again) return;
    setReceiveTimeout(core_.options.keep_alive_ms);
  }
}

bool Connection::serveOne(Session& session) {
  const auto started = std::chrono::steady_clock::now();
  Exchange x;
  bool readable = true;
  head_since_ms_.store(core_.ticker.nowMs(), std::memory_order_relaxed);
  try {
    Poco::Net::HTTPHeaderInputStream in(session);
    x.head.read(in);
    // Poco takes a header that was cut off for a whole one.
    if (!in.good()) return false;
  } catch (const Poco::Net::NoMessageException&) {
    return false;
  } catch (const Poco::Net::MessageException&) {
    readable = false;
  } catch (const Poco::Exception&) {
    readable = false;
  }
  head_since_ms_.store(-1, std::memory_order_relaxed);
  if (session.networkException()) return false;

  // No keep-alive when threads run short: an idle connection would hold one.
  bool crowded = false;
  {
    std::lock_guard lock(core_.mutex);
    crowded = core_.connections.size() * 4 > static_cast<size_t>(core_.maxThreads()) * 3;
    ++core_.active;
  }
  struct Active {
    ServerCore& core;
    ~Active() {
      std::lock_guard lock(core.mutex);
      --core.active;
      core.changed.notify_all();
    }
  } active{core_};

  SocketWriter::Setup setup;
  const bool http11 = x.head.getVersion() == "HTTP/1.1";
  setup.head = x.head.getMethod() == "HEAD";
  setup.http10 = !http11;
  setup.keep_alive = readable && !crowded && !core_.draining && x.head.getKeepAlive();
  setup.keep_alive_comment_ms = core_.options.keep_alive_comment_ms;
  setup.commit_after_ms = core_.options.commit_after_ms;
  SocketWriter writer(session.socket(), core_.ticker, core_.cancel_all, setup);
  x.writer = &writer;
  writer.onLastBytes([&x] { x.slot.release(); });
  x.request.request_id = requestId(readable ? x.head.get("x-request-id", "") : "", core_.random);
  writer.setHeader("x-request-id", x.request.request_id);
  writer.setHeader("X-Content-Type-Options", "nosniff");

  if (readable) {
    answer(x, session);
  } else {
    x.body_unread = true;
    x.refuse(400, "malformed_request",
             "The request could not be parsed: a header value may have 8192 bytes, a target 16384, "
             "and 100 headers are read.");
  }
  const bool whole = writer.finish();
  x.slot.release();
  if (core_.draining) writer.closeAfterwards();

  if (core_.options.access_log) {
    AccessLogEntry entry;
    entry.method = x.head.getMethod();
    entry.path = x.head.getURI().substr(0, x.head.getURI().find('?'));
    entry.remote_address = x.request.remote_address;
    entry.request_id = x.request.request_id;
    entry.door = x.door;
    entry.status = writer.status();
    entry.bytes_sent = writer.bytesSent();
    entry.duration_us = std::chrono::duration_cast<std::chrono::microseconds>(
                            std::chrono::steady_clock::now() - started)
                            .count();
    entry.aborted = !whole;
    try {
      core_.options.access_log(entry);
    } catch (...) {
      writer.closeAfterwards();  // the client has its answer; a log that fails is the log's own
                                 // matter
    }
  }
  if (whole && x.body_unread) {
    lingerUntilRead(session);
    return false;
  }
  if (!whole) {
    if (!writer.endsWithReset()) cut();  // a shutdown first would be an orderly end
    return false;
  }
  // What counts is what the client was told: without "Connection: close" it may send the next
  // request.
  session.setKeepAlive(writer.keepAlive());
  return writer.keepAlive();
}

void Connection::answer(Exchange& x, Session& session) {
  Request& request = x.request;
  const std::string& method = x.head.getMethod();
  x.framing = framingOf(x.head);
  x.body_unread = x.framing.hasBody() || !x.framing.valid;

  if (!x.framing.valid) {
    return x.refuse(400, "malformed_request",
                    "Content-Length and Transfer-Encoding do not say where the body ends.");
  }
  const std::string& version = x.head.getVersion();
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    x.writer->closeAfterwards();
    return x.refuse(505, "http_version", "This server speaks HTTP/1.1.");
  }
  if (headerBytes(x.head) > core_.options.max_header_bytes) {
    return x.refuse(431, "headers_too_large", "The headers of the request are too large.");
  }
  if (!isHttpToken(method))
    return x.refuse(400, "malformed_request", "The method is not a valid name.");

  if (!peer_) {
    const auto address = session.clientAddress().host();
    peer_ = Peer{address.toString(), isLoopback(address)};
  }
  request.remote_address = peer_->address;
  request.secure = session.socket().secure();
  request.method = method;
  request.header = [&head = x.head](std::string_view name) {
    for (const auto& [known, value] : head)
      if (equalsIgnoringCase(known, name)) return value;
    return std::string();
  };

  const auto hosts = std::count_if(x.head.begin(), x.head.end(), [](const auto& h) {
    return equalsIgnoringCase(h.first, "Host");
  });
  if (hosts != 1)
    return x.refuse(400, "malformed_request", "The request needs exactly one Host header.");
  const std::string& host = x.head.get("Host");
  if (!core_.hosts.hostAllowed(host)) {
    return x.refuse(
        403, "host_not_allowed",
        "This host name is not served here. Use localhost or 127.0.0.1, or add the name to the "
        "allowed hosts in the configuration.");
  }
  request.loopback = peer_->loopback && !isForwarded(x.head) && HostGuard::isLocalName(host);

  auto target = parseTarget(x.head.getURI());
  if (!target) {
    return x.refuse(400, "malformed_request", "The target of the request is not a valid path.");
  }
  request.path = target->path;
  if (request.path == "/api" || request.path.starts_with("/api/")) {
    x.writer->setHeader("Cache-Control", "no-store");
  }
  auto match = core_.router.match(method, *target);
  x.door = match.door;
  if (!match.route) {
    if (match.allow.empty()) {
      return x.refuse(404, "unknown_path", "There is nothing at this path.");
    }
    x.writer->setHeader("Allow", match.allow);
    return x.refuse(405, "method_not_allowed",
                    "This method is not possible here. Allowed: " + match.allow + ".");
  }
  x.route = match.route;
  request.params = std::move(match.params);
  request.query = std::move(target->query);

  const bool safe = method == "GET" || method == "HEAD";
  if (!safe && x.head.has("Origin") && !core_.hosts.originAllowed(x.head.get("Origin"), host)) {
    return x.refuse(403, "origin_not_allowed",
                    "A page of another site sent this. Open the page from this server, or add its "
                    "origin to the "
                    "allowed origins in the configuration.");
  }

  const bool admitted = x.door == Door::Health ||
                        x.slot.enter(x.door == Door::Inference ? core_.streams : core_.admin);
  if (!admitted) {
    x.writer->setHeader("Retry-After", "1");
    return x.refuse(503, "overloaded", "All request slots are in use. Try again in a moment.");
  }

  const bool needs_length = method == "POST" || method == "PUT" || method == "PATCH";
  if (needs_length && !x.framing.chunked && !x.framing.length) {
    // Without a length there is no body (RFC 9112, 6.3), as `curl -X POST` sends it. Bytes may
    // follow all the same, and must not be read as the next request.
    x.writer->closeAfterwards();
    if (x.route->needs_json) {
      x.body_unread = true;
      return x.refuse(411, "length_required",
                      "The request needs a body and a Content-Length header.");
    }
    x.framing.length = 0;
  }
  if (x.route->needs_json && !safe && !isJson(x.head.get("Content-Type", ""))) {
    return x.refuse(415, "unsupported_media_type",
                    "Send the body as Content-Type: application/json.");
  }
  const auto too_large = [&] {
    x.refuse(413, "payload_too_large",
             "The body is larger than the " + std::to_string(x.route->max_body) +
                 " bytes that are read here.");
  };
  if (x.framing.length.value_or(0) > x.route->max_body) return too_large();

  if (core_.options.authorize) {
    Result<> verdict;
    try {
      verdict = core_.options.authorize(request, *x.route);
    } catch (...) {
      verdict = makeError(FailureKind::Internal, "The request could not be checked.");
    }
    if (!verdict) {
      const int status = statusOf(verdict.error().kind);
      if (status == 401) x.writer->setHeader("WWW-Authenticate", "Bearer");
      if (verdict.error().retry_after_ms >= 0) {
        x.writer->setHeader("Retry-After",
                            std::to_string((verdict.error().retry_after_ms + 999) / 1000));
      }
      if (x.route->refuse) {
        if (x.body_unread) x.writer->closeAfterwards();
        return x.route->refuse(verdict.error(), request, *x.writer);
      }
      return x.refuse(status, verdict.error().reason.empty() ? "refused" : verdict.error().reason,
                      verdict.error().message);
    }
  }

  const std::string expect = x.head.get("Expect", "");
  if (!expect.empty() && !equalsIgnoringCase(expect, "100-continue")) {
    return x.refuse(417, "expectation_failed", "The Expect header is not understood.");
  }
  if (x.framing.hasBody()) {
    const BodyPace pace([this] { return core_.ticker.nowMs(); }, core_.options.receive_timeout_ms);
    // Bytes that are here already need no invitation.
    if (!expect.empty() && session.buffered() == 0 && !x.writer->sendContinue()) return;
    if (x.framing.chunked ||
        session.buffered() < static_cast<int>(std::min<uint64_t>(*x.framing.length, INT_MAX)))
      setReceiveTimeout(core_.options.receive_timeout_ms);
    const BodyStatus status = x.framing.chunked
                                  ? readChunkedBody(session, x.route->max_body, pace, request.body)
                                  : readFixedBody(session, *x.framing.length, pace, request.body);
    switch (status) {
      case BodyStatus::Ok:
        x.body_unread = false;
        break;
      case BodyStatus::TooLarge:
        return too_large();
      case BodyStatus::Malformed:
        return x.refuse(400, "malformed_request", "The chunks of the body are not well formed.");
      case BodyStatus::TimedOut:
        return x.refuse(408, "request_timeout", "The body did not arrive in time.");
      case BodyStatus::Truncated:
        return x.refuse(400, "malformed_request", "The body ended before its declared length.");
    }
  }
  runHandler(x);
}

// The outer guard of every handler: whatever it does, the client gets a 500 or a visibly cut
// stream.
void Connection::runHandler(Exchange& x) {
  bool failed = false;
  try {
    x.route->handler(x.request, *x.writer);
  } catch (...) {
    failed = true;
  }
  if (!x.writer->committed()) {
    x.refuse(500, "internal_error",
             "The request failed inside the service. Its id is " + x.request.request_id + ".");
  } else if (failed) {
    x.writer->closeAfterwards();
  }
}

// Closing with bytes unread makes the kernel send a reset, which can destroy the answer before the
// client has read it.
void Connection::lingerUntilRead(Session& session) {
  try {
    StreamSocket& s = session.socket();
    s.shutdownSend();
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(core_.options.linger_ms);
    std::string sink(16384, '\0');
    uint64_t total = 0;
    while (total < kMaxLingerBytes) {
      const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
          end - std::chrono::steady_clock::now());
      if (left.count() <= 0 || !platform::waitSocket(s, platform::Wait::Readable, left)) return;
      const int n = s.receiveBytes(sink.data(), static_cast<int>(sink.size()));
      if (n <= 0) return;
      total += static_cast<uint64_t>(n);
    }
  } catch (...) {
    return;  // the client left: nothing to wait for
  }
}

ConnectionFactory::ConnectionFactory(ServerCore& core, Poco::Net::HTTPServerParams::Ptr params,
                                     const TlsIdentity* tls)
    : core_(core), params_(std::move(params)), tls_(tls) {}

Poco::Net::TCPServerConnection* ConnectionFactory::createConnection(const StreamSocket& s) {
  return new Connection(s, core_, params_, tls_);
}

}  // namespace omni::http
