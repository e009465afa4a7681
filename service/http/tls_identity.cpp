#include "service/http/tls_identity.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string_view>
#include <system_error>

namespace omni::http {
namespace {

using Context = std::shared_ptr<ssl_ctx_st>;

std::string lastReason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason ? reason : "unknown reason";
}

constexpr std::string_view kCertificate = "server.tls.certificate";
constexpr std::string_view kKey = "server.tls.key";

std::unexpected<Error> refused(std::string_view key, const std::filesystem::path& file,
                               std::string_view why) {
  return makeError(FailureKind::BadRequest, fmt::format("{} = {}: {}", key, file.string(), why),
                   std::string(key));
}

Result<> readable(const std::filesystem::path& file, std::string_view key) {
  std::error_code code;
  if (std::filesystem::is_regular_file(file, code)) return {};
  return refused(
      key, file,
      (code ? code.message() : "is not a file") + "; name a PEM file that the service may read");
}

// A passphrase would have to be typed at each start of a service that nobody watches.
int noPassphrase(char*, int, int, void*) {
  return -1;
}

// Clients that offer h2 first get HTTP/1.1, as the plain port speaks.
int selectHttp11(SSL*, const unsigned char** out, unsigned char* out_size,
                 const unsigned char* offered, unsigned int size, void*) {
  static constexpr unsigned char kOurs[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs, offered, size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int64_t unixMs(const ASN1_TIME* time) {
  int days = 0, seconds = 0;
  ASN1_TIME* epoch = ASN1_TIME_set(nullptr, 0);
  const bool good = epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
  ASN1_TIME_free(epoch);
  return good ? (static_cast<int64_t>(days) * 86400 + seconds) * 1000 : 0;
}

Result<Context> make(const std::filesystem::path& certificate, const std::filesystem::path& key) {
  if (auto good = readable(certificate, kCertificate); !good)
    return std::unexpected(std::move(good.error()));
  if (auto good = readable(key, kKey); !good) return std::unexpected(std::move(good.error()));
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return makeError(FailureKind::Internal, "TLS could not be set up: " + lastReason());
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // What a client is slow to take counts record by record, and idle connections hold no buffers.
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_passwd_cb(raw, noPassphrase);
  SSL_CTX_set_alpn_select_cb(raw, selectHttp11, nullptr);
  if (SSL_CTX_use_certificate_chain_file(raw, certificate.string().c_str()) != 1)
    return refused(kCertificate, certificate,
                   lastReason() +
                       "; it must be PEM, the service's own certificate first, then "
                       "those between it and the root");
  if (SSL_CTX_use_PrivateKey_file(raw, key.string().c_str(), SSL_FILETYPE_PEM) != 1)
    return refused(kKey, key,
                   lastReason() +
                       "; it must be a PEM private key without a passphrase that "
                       "belongs to the certificate");
  return context;
}

}  // namespace

TlsIdentity::TlsIdentity(std::filesystem::path certificate, std::filesystem::path key)
    : certificate_(std::move(certificate)), key_(std::move(key)) {}

Result<std::shared_ptr<TlsIdentity>> TlsIdentity::load(std::filesystem::path certificate,
                                                       std::filesystem::path key) {
  std::shared_ptr<TlsIdentity> identity(new TlsIdentity(std::move(certificate), std::move(key)));
  if (auto good = identity->reload(); !good) return std::unexpected(std::move(good.error()));
  return identity;
}

Result<> TlsIdentity::reload() {
  auto made = make(certificate_, key_);
  if (!made) return std::unexpected(std::move(made.error()));
  const X509* own = SSL_CTX_get0_certificate(made->get());
  expires_ms_ = own ? unixMs(X509_get0_notAfter(own)) : 0;
  context_.store(std::move(*made));
  return {};
}

}  // namespace omni::http
