#include "service/upstream/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <Poco/Net/IPAddress.h>

#include "service/upstream/system_roots.hpp"

namespace omni::upstream {

void SslFree::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

std::string takeTlsErrors() {
  std::string out;
  while (unsigned long code = ERR_get_error()) {
    char text[256];
    ERR_error_string_n(code, text, sizeof(text));
    if (!out.empty()) out += "; ";
    out += text;
  }
  return out;
}

std::string tlsFailure(ssl_st* ssl) {
  std::string detail;
  if (const long verify = SSL_get_verify_result(ssl); verify != X509_V_OK) {
    detail = X509_verify_cert_error_string(verify);
    ERR_clear_error();
  } else {
    detail = takeTlsErrors();
  }
  return detail.empty() ? "closed by the peer" : detail;
}

Result<std::shared_ptr<TlsContext>> TlsContext::create(const std::filesystem::path& ca_file) {
  SSL_CTX* raw = SSL_CTX_new(TLS_client_method());
  if (!raw) return makeError(FailureKind::Internal, "TLS could not be set up: " + takeTlsErrors());
  std::shared_ptr<TlsContext> context(new TlsContext(raw));
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  // A write that is tried again after WANT_WRITE comes from the same, still unsent bytes.
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  addSystemRoots(raw);
  ERR_clear_error();
  if (!ca_file.empty() &&
      SSL_CTX_load_verify_locations(raw, ca_file.string().c_str(), nullptr) != 1) {
    ERR_clear_error();
    return makeError(FailureKind::Internal,
                     "the CA file " + ca_file.string() +
                         " could not be read; it must hold certificates in PEM form");
  }
  return context;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

Result<SslHandle> TlsContext::session(int socket, const std::string& host) const {
  SslHandle ssl(SSL_new(context_));
  Poco::Net::IPAddress address;
  const bool is_address = Poco::Net::IPAddress::tryParse(host, address);
  bool ok = ssl && (socket == kNoSocket || SSL_set_fd(ssl.get(), socket) == 1);
  if (ok && is_address) {
    ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str()) == 1;
  } else if (ok) {
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ok = SSL_set1_host(ssl.get(), host.c_str()) == 1 &&
         SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;
  }
  if (!ok) return makeError(FailureKind::Internal, "TLS could not be set up: " + takeTlsErrors());
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace omni::upstream
