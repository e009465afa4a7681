#pragma once
// The one client TLS context: TLS 1.2 or later, chain and host name verified, no session cache.

#include <filesystem>
#include <memory>
#include <string>

#include "core/base/error.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace omni::upstream {

struct SslFree {
  void operator()(ssl_st* ssl) const;
};
using SslHandle = std::unique_ptr<ssl_st, SslFree>;

// Immutable after create(); thread-safe.
class TlsContext {
 public:
  // ca_file: more trusted certificates (PEM) beside the system's; empty: none. Internal error when
  // it cannot be read.
  static Result<std::shared_ptr<TlsContext>> create(const std::filesystem::path& ca_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A client session for the socket: SNI for names, and the certificate has to name `host`. The
  // socket stays the caller's. kNoSocket: the caller gives it BIOs.
  static constexpr int kNoSocket = -1;
  Result<SslHandle> session(int socket, const std::string& host) const;

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

// Empties the thread's OpenSSL error queue into one line.
std::string takeTlsErrors();

// Why this session failed, as far as OpenSSL knows; empties the queue.
std::string tlsFailure(ssl_st* ssl);

}  // namespace omni::upstream
