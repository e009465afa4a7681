#include "service/upstream/transport.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <Poco/Error.h>
#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/SocketImpl.h>
#include <Poco/Net/StreamSocket.h>

#include <algorithm>

#include "service/platform/socket_wait.hpp"
#include "service/upstream/resolve_host.hpp"
#include "service/upstream/tls_layer.hpp"

namespace omni::upstream {

namespace {

using platform::Wait;
using Poco::Net::StreamSocket;
constexpr std::chrono::milliseconds kCancelPoll{250};
// OpenSSL and sockets count in int; 1 GiB is far above any request.
constexpr size_t kMaxWrite = 1u << 30;

std::unexpected<Error> cancelledError() {
  return makeError(FailureKind::Cancelled, "the request was cancelled");
}
std::unexpected<Error> timeoutError() {
  return makeError(FailureKind::Timeout, "the upstream did not answer in time");
}
std::unexpected<Error> networkError(std::string why) {
  return makeError(FailureKind::Network, std::move(why));
}

std::string describe(const Poco::Exception& error) {
  // displayText() of Poco repeats itself for plain socket errors; the message alone says little for
  // others.
  return error.message().empty() ? std::string(error.name()) : error.displayText();
}

Result<> waitFor(StreamSocket& socket, Wait what, Deadline deadline, const CancelToken& cancel) {
  for (;;) {
    if (cancel.cancelled()) return cancelledError();
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return timeoutError();
    auto slice = std::min<std::chrono::microseconds>(
        kCancelPoll, std::chrono::duration_cast<std::chrono::microseconds>(deadline - now));
    if (platform::waitSocket(socket, what, slice)) return {};
  }
}

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(const StreamSocket& socket) : socket_(socket) {}

  Result<> write(std::string_view bytes, int64_t idle_ms, const CancelToken& cancel) override try {
    while (!bytes.empty()) {
      if (cancel.cancelled()) return cancelledError();
      const int sent =
          socket_.sendBytes(bytes.data(), static_cast<int>(std::min(bytes.size(), kMaxWrite)));
      if (sent > 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (auto ready = waitFor(socket_, Wait::Writable, after(idle_ms), cancel); !ready) {
        return ready;
      }
    }
    return {};
  } catch (const Poco::Exception& error) {
    return networkError("the connection broke while sending: " + describe(error));
  }

  Result<size_t> read(char* out, size_t size, Deadline deadline, const CancelToken& cancel) override
      try {
    for (;;) {
      if (auto ready = waitFor(socket_, Wait::Readable, deadline, cancel); !ready)
        return std::unexpected(std::move(ready.error()));
      const int got = socket_.receiveBytes(out, static_cast<int>(std::min(size, kMaxWrite)));
      if (got >= 0) return static_cast<size_t>(got);
    }
  } catch (const Poco::Exception& error) {
    return networkError("the connection broke: " + describe(error));
  }

  bool looksAlive() override try {
    return !platform::waitSocket(socket_, Wait::Readable, std::chrono::microseconds(0));
  } catch (const Poco::Exception&) {
    return false;
  }

  const StreamSocket& socket() const { return socket_; }

 private:
  StreamSocket socket_;
};

class TlsTransport : public Transport {
 public:
  TlsTransport(const StreamSocket& socket, SslHandle ssl) : socket_(socket), ssl_(std::move(ssl)) {}

  ~TlsTransport() override {
    if (usable_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  Result<> handshake(Deadline deadline, const CancelToken& cancel) {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      if (done == 1) {
        usable_ = true;
        return {};
      }
      const int why = SSL_get_error(ssl_.get(), done);
      if (auto ready = waitWanted(why, deadline, cancel, "TLS handshake failed"); !ready)
        return ready;
    }
  }

  Result<> write(std::string_view bytes, int64_t idle_ms, const CancelToken& cancel) override try {
    while (!bytes.empty()) {
      if (cancel.cancelled()) return cancelledError();
      ERR_clear_error();
      size_t sent = 0;
      const int done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
      if (done == 1) {
        bytes.remove_prefix(sent);
        continue;
      }
      auto ready = waitWanted(SSL_get_error(ssl_.get(), done), after(idle_ms), cancel,
                              "the connection broke while sending");
      if (!ready) return ready;
    }
    return {};
  } catch (const Poco::Exception& error) {
    return networkError("the connection broke while sending: " + describe(error));
  }

  Result<size_t> read(char* out, size_t size, Deadline deadline, const CancelToken& cancel) override
      try {
    for (;;) {
      if (cancel.cancelled()) return cancelledError();
      ERR_clear_error();
      size_t got = 0;
      const int done = SSL_read_ex(ssl_.get(), out, size, &got);
      if (done == 1) return got;
      const int why = SSL_get_error(ssl_.get(), done);
      if (why == SSL_ERROR_ZERO_RETURN) return size_t{0};
      if (auto ready = waitWanted(why, deadline, cancel, "the connection broke"); !ready)
        return std::unexpected(std::move(ready.error()));
    }
  } catch (const Poco::Exception& error) {
    return networkError("the connection broke: " + describe(error));
  }

  bool looksAlive() override try {
    if (!usable_ || SSL_pending(ssl_.get()) > 0) return false;
    if (!platform::waitSocket(socket_, Wait::Readable, std::chrono::microseconds(0))) return true;
    // TLS 1.3 session tickets arrive unasked and are no sign of a close: let OpenSSL take in the
    // record.
    char byte;
    size_t got = 0;
    ERR_clear_error();
    const int done = SSL_peek_ex(ssl_.get(), &byte, 1, &got);
    return done != 1 && SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ;
  } catch (const Poco::Exception&) {
    return false;
  }

 private:
  Result<> waitWanted(int why, Deadline deadline, const CancelToken& cancel, const char* what) {
    if (why == SSL_ERROR_WANT_READ) return waitFor(socket_, Wait::Readable, deadline, cancel);
    if (why == SSL_ERROR_WANT_WRITE) return waitFor(socket_, Wait::Writable, deadline, cancel);
    usable_ = false;
    return networkError(std::string(what) + ": " + tlsFailure(ssl_.get()));
  }

  StreamSocket socket_;
  SslHandle ssl_;
  bool usable_ = false;
};

Result<StreamSocket> connectOne(const Poco::Net::SocketAddress& address, Deadline deadline,
                                const CancelToken& cancel) try {
  StreamSocket socket;
  socket.connectNB(address);
  if (auto ready = waitFor(socket, Wait::Writable, deadline, cancel); !ready)
    return std::unexpected(std::move(ready.error()));
  if (const int code = socket.impl()->socketError(); code != 0)
    return networkError(Poco::Error::getMessage(code));
  socket.setBlocking(false);
  socket.setNoDelay(true);
  return socket;
} catch (const Poco::Exception& error) {
  return networkError(describe(error));
}

}  // namespace

Result<std::unique_ptr<Transport>> connectTcp(const std::string& host, uint16_t port,
                                              Deadline deadline, const CancelToken& cancel) try {
  auto addresses = resolveHost(host, deadline, cancel);
  if (!addresses) return std::unexpected(std::move(addresses.error()));
  Result<StreamSocket> socket = networkError("the name has no address");
  for (size_t left = addresses->size(); left > 0; --left) {
    // A share of the time for each: one that swallows packets must not cost the others theirs.
    const auto now = std::chrono::steady_clock::now();
    Deadline until = deadline;
    if (now < deadline) until = now + (deadline - now) / left;
    const std::string& address = (*addresses)[addresses->size() - left];
    socket = connectOne(Poco::Net::SocketAddress(address, port), until, cancel);
    if (socket || socket.error().kind == FailureKind::Cancelled) break;
  }
  if (!socket) return std::unexpected(std::move(socket.error()));
  return std::make_unique<PlainTransport>(*socket);
} catch (const Poco::Exception& error) {
  return networkError(describe(error));
}

Result<std::unique_ptr<Transport>> startTls(std::unique_ptr<Transport> inner,
                                            const std::string& host, const TlsContext& tls,
                                            Deadline deadline, const CancelToken& cancel) try {
  auto* plain = dynamic_cast<PlainTransport*>(inner.get());
  if (plain == nullptr) return startInnerTls(std::move(inner), host, tls, deadline, cancel);
  StreamSocket socket = plain->socket();
  auto session = tls.session(static_cast<int>(socket.impl()->sockfd()), host);
  if (!session) return std::unexpected(std::move(session.error()));
  auto transport = std::make_unique<TlsTransport>(socket, std::move(*session));
  if (auto done = transport->handshake(deadline, cancel); !done)
    return std::unexpected(std::move(done.error()));
  return transport;
} catch (const Poco::Exception& error) {
  return networkError(describe(error));
}

}  // namespace omni::upstream
