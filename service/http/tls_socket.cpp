#include "service/http/tls_socket.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string_view>

#include "service/platform/socket_wait.hpp"

namespace omni::http {
namespace {

using Poco::Net::StreamSocket;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kPlainAnswer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 53\r\nConnection: close\r\n\r\n"
    "This port speaks TLS: begin the address with https://";

class TlsSocket final : public Poco::Net::StreamSocketImpl {
 public:
  TlsSocket(const StreamSocket& plain, std::shared_ptr<ssl_ctx_st> context, int handshake_ms)
      : StreamSocketImpl(plain.impl()->sockfd()),
        plain_(plain),
        context_(std::move(context)),
        ssl_(SSL_new(context_.get()), SSL_free),
        handshake_ms_(handshake_ms) {
    if (!ssl_ || SSL_set_fd(ssl_.get(), static_cast<int>(sockfd())) != 1) {
      reset();
      throw Poco::Net::NetException("no memory is left for TLS");
    }
    SSL_set_accept_state(ssl_.get());
  }
  ~TlsSocket() override { TlsSocket::close(); }

  void close() override {
    try {
      // Waits like any other write for a client that is still reading, and no longer.
      if (canSay()) notifyClose();
      state_ = State::Failed;
      ERR_clear_error();
      reset();  // the descriptor is plain_'s
      plain_.close();
    } catch (...) {
      state_ = State::Failed;  // the peer is gone
    }
  }

  bool secure() const override { return true; }

  int receiveBytes(void* buffer, int length, int) override {
    if (!handshake() || length <= 0) return 0;
    ERR_clear_error();
    size_t got = 0;
    const int done = SSL_read_ex(ssl_.get(), buffer, static_cast<size_t>(length), &got);
    if (done == 1) return static_cast<int>(got);
    switch (SSL_get_error(ssl_.get(), done)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        throw Poco::TimeoutException();  // the socket's own, SO_RCVTIMEO
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        broken_ = true;
        return 0;
    }
  }

  int sendBytes(const void* buffer, int length, int) override {
    if (!handshake() || broken_) throw Poco::Net::ConnectionResetException();
    if (length <= 0) return 0;
    ERR_clear_error();
    size_t sent = 0;
    const int done = SSL_write_ex(ssl_.get(), buffer, static_cast<size_t>(length), &sent);
    if (done == 1) return static_cast<int>(sent);
    const int why = SSL_get_error(ssl_.get(), done);
    broken_ = true;  // a record that was begun cannot be taken back
    if (why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ) throw Poco::TimeoutException();
    throw Poco::Net::ConnectionResetException();
  }

  void shutdownSend() override {
    if (canSay()) notifyClose();
    StreamSocketImpl::shutdownSend();
  }
  void shutdown() override {
    cut_ = true;
    StreamSocketImpl::shutdown();
  }
  void setRawOption(int level, int option, const void* value, poco_socklen_t length) override {
    if (level == SOL_SOCKET && option == SO_LINGER) cut_ = true;  // set only to reset, see finish()
    StreamSocketImpl::setRawOption(level, option, value, length);
  }

 private:
  enum class State { New, Ready, Failed };

  bool canSay() const { return state_ == State::Ready && !broken_ && !cut_ && !said_close_; }
  void notifyClose() {
    said_close_ = true;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }

  bool handshake() {
    if (state_ != State::New) return state_ == State::Ready;
    state_ = State::Failed;
    const auto end = steady_clock::now() + milliseconds(handshake_ms_);
    setBlocking(false);  // a deadline for the whole, however slowly the bytes come
    for (;;) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      if (done == 1) break;
      const int why = SSL_get_error(ssl_.get(), done);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) answerPlainly();
        return false;
      }
      const auto left =
          std::chrono::duration_cast<std::chrono::microseconds>(end - steady_clock::now());
      if (left.count() <= 0 ||
          !platform::waitSocket(
              plain_,
              why == SSL_ERROR_WANT_READ ? platform::Wait::Readable : platform::Wait::Writable,
              left))
        return false;
    }
    setBlocking(true);
    state_ = State::Ready;
    return true;
  }

  // Reads what the client still sends, for a moment: closing before would reset the answer away.
  void answerPlainly() {
    constexpr milliseconds kPatience{300};
    char unread[4096];
    if (plain_.sendBytes(kPlainAnswer.data(), static_cast<int>(kPlainAnswer.size())) <= 0) return;
    plain_.shutdownSend();
    const auto end = steady_clock::now() + kPatience;
    while (steady_clock::now() < end &&
           platform::waitSocket(plain_, platform::Wait::Readable, kPatience))
      if (plain_.receiveBytes(unread, sizeof unread) <= 0) return;
  }

  StreamSocket plain_;
  std::shared_ptr<ssl_ctx_st> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  const int handshake_ms_;
  State state_ = State::New;
  bool broken_ = false;
  bool said_close_ = false;
  std::atomic<bool> cut_{false};
};

class Wrapped final : public StreamSocket {
 public:
  explicit Wrapped(Poco::Net::SocketImpl* impl) : StreamSocket(impl) {}
};

}  // namespace

StreamSocket overTls(const StreamSocket& plain, std::shared_ptr<ssl_ctx_st> context,
                     int handshake_ms) {
  return Wrapped(new TlsSocket(plain, std::move(context), handshake_ms));
}

}  // namespace omni::http
