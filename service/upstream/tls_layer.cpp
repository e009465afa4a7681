#include "service/upstream/tls_layer.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <climits>

namespace omni::upstream {

namespace {

constexpr size_t kReadBuffer = 16 * 1024;
// A handshake message waits for the peer to take it no longer than this.
constexpr int64_t kSendIdleMs = 30'000;

class TlsLayer final : public Transport {
 public:
  TlsLayer(std::unique_ptr<Transport> inner, SslHandle ssl, BIO* in, BIO* out)
      : inner_(std::move(inner)), ssl_(std::move(ssl)), in_(in), out_(out) {}

  ~TlsLayer() override {
    // The close_notify is not sent: writing could wait, and the outer layer's close is enough for a
    // connection whose answers carry their own length.
    ERR_clear_error();
  }

  Result<> handshake(Deadline deadline, const CancelToken& cancel) {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      if (done != 1 && SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ) {
        Result<> failed = broken("TLS handshake failed");
        (void)flush(kSendIdleMs, cancel);  // the alert that tells the peer why
        return failed;
      }
      if (auto sent = flush(kSendIdleMs, cancel); !sent) return sent;
      if (done == 1) {
        usable_ = true;
        return {};
      }
      auto got = fill(deadline, cancel);
      if (!got) return std::unexpected(std::move(got.error()));
      if (*got == 0) return broken("TLS handshake failed");
    }
  }

  Result<> write(std::string_view bytes, int64_t idle_ms, const CancelToken& cancel) override {
    while (!bytes.empty()) {
      ERR_clear_error();
      size_t sent = 0;
      // One record's worth at a time, so that the copy in the memory BIO stays small.
      const std::string_view piece = bytes.substr(0, kReadBuffer);
      const int done = SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &sent);
      // Renegotiation does not exist in TLS 1.3 and is refused in 1.2: nothing but failure is left.
      if (done != 1) return broken("the connection broke while sending");
      bytes.remove_prefix(sent);
      if (auto flushed = flush(idle_ms, cancel); !flushed) {
        usable_ = false;
        return flushed;
      }
    }
    return {};
  }

  Result<size_t> read(char* out, size_t size, Deadline deadline,
                      const CancelToken& cancel) override {
    for (;;) {
      ERR_clear_error();
      size_t got = 0;
      const int done = SSL_read_ex(ssl_.get(), out, size, &got);
      if (done == 1) return got;
      const int why = SSL_get_error(ssl_.get(), done);
      if (why == SSL_ERROR_ZERO_RETURN) return size_t{0};
      if (why != SSL_ERROR_WANT_READ) {
        Result<> failed = broken("the connection broke");
        return std::unexpected(std::move(failed.error()));
      }
      if (auto sent = flush(kSendIdleMs, cancel); !sent)
        return std::unexpected(std::move(sent.error()));
      auto filled = fill(deadline, cancel);
      if (!filled) return filled;
      if (*filled == 0) {
        // No close_notify came: the body may have been cut short.
        usable_ = false;
        return makeError(FailureKind::Network, "the connection broke: closed by the peer");
      }
    }
  }

  bool looksAlive() override {
    return usable_ && SSL_pending(ssl_.get()) == 0 && BIO_ctrl_pending(in_) == 0 &&
           inner_->looksAlive();
  }

 private:
  // Sends what OpenSSL has encrypted.
  Result<> flush(int64_t idle_ms, const CancelToken& cancel) {
    std::array<char, kReadBuffer> buffer;
    for (;;) {
      const int got = BIO_read(out_, buffer.data(), static_cast<int>(buffer.size()));
      if (got <= 0) return {};
      if (auto sent = inner_->write({buffer.data(), static_cast<size_t>(got)}, idle_ms, cancel);
          !sent)
        return sent;
    }
  }

  // Gives OpenSSL what has arrived; 0: the inner connection ended.
  Result<size_t> fill(Deadline deadline, const CancelToken& cancel) {
    std::array<char, kReadBuffer> buffer;
    auto got = inner_->read(buffer.data(), buffer.size(), deadline, cancel);
    if (!got || *got == 0) return got;
    if (BIO_write(in_, buffer.data(), static_cast<int>(*got)) != static_cast<int>(*got))
      return makeError(FailureKind::Internal, "no memory is left for the TLS layer");
    return got;
  }

  Result<> broken(const char* what) {
    usable_ = false;
    return makeError(FailureKind::Network, std::string(what) + ": " + tlsFailure(ssl_.get()));
  }

  std::unique_ptr<Transport> inner_;
  SslHandle ssl_;
  BIO* in_;   // owned by ssl_
  BIO* out_;  // owned by ssl_
  bool usable_ = false;
};

}  // namespace

Result<std::unique_ptr<Transport>> startInnerTls(std::unique_ptr<Transport> inner,
                                                 const std::string& host, const TlsContext& tls,
                                                 Deadline deadline, const CancelToken& cancel) {
  auto session = tls.session(TlsContext::kNoSocket, host);
  if (!session) return std::unexpected(std::move(session.error()));
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (in == nullptr || out == nullptr) {
    BIO_free(in);
    BIO_free(out);
    return makeError(FailureKind::Internal, "TLS could not be set up: " + takeTlsErrors());
  }
  // An empty memory BIO reads as "later", not as the end.
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(session->get(), in, out);
  auto layer = std::make_unique<TlsLayer>(std::move(inner), std::move(*session), in, out);
  if (auto done = layer->handshake(deadline, cancel); !done)
    return std::unexpected(std::move(done.error()));
  return layer;
}

}  // namespace omni::upstream
