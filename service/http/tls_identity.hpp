#pragma once
// The certificate and key that the HTTPS listener shows to clients.
//
// Thread-safe: connections take the present context, a reload puts a new one in its place, and
// connections that are open keep theirs.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/error.hpp"

struct ssl_ctx_st;

namespace omni::http {

class TlsIdentity {
 public:
  // PEM: `certificate` holds the chain, the service's own first; `key` its private key, without a
  // passphrase. FailureKind::BadRequest, naming the file and the remedy, when they cannot be used.
  static Result<std::shared_ptr<TlsIdentity>> load(std::filesystem::path certificate,
                                                   std::filesystem::path key);
  // Reads both files again. After an error the ones before stay in use.
  Result<> reload();

  std::shared_ptr<ssl_ctx_st> context() const { return context_.load(); }
  int64_t expiresMs() const { return expires_ms_; }  // Unix ms, of the service's own certificate

 private:
  TlsIdentity(std::filesystem::path certificate, std::filesystem::path key);

  const std::filesystem::path certificate_;
  const std::filesystem::path key_;
  std::atomic<std::shared_ptr<ssl_ctx_st>> context_;
  std::atomic<int64_t> expires_ms_{0};
};

}  // namespace omni::http
