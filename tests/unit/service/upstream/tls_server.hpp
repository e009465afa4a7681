#pragma once
// A TLS server on a free local port, and the certificate it shows.

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/SocketImpl.h>
#include <Poco/Net/StreamSocket.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

namespace omni::upstream::testing {

// A self-signed certificate for one name, and the TLS side of a server that uses it.
class Identity {
 public:
  explicit Identity(const std::string& subject_alt_name)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate_, name);
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate_, certificate_, nullptr, nullptr, 0);
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, subject_alt_name.c_str());
    X509_add_ext(certificate_, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate_, key_, EVP_sha256());
  }
  ~Identity() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  void writePem(const std::string& path) const {
    FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate_);
    std::fclose(file);
  }
  SSL_CTX* serverContext() const {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, certificate_);
    SSL_CTX_use_PrivateKey(context, key_);
    return context;
  }

 private:
  EVP_PKEY* key_;
  X509* certificate_;
};

// Answers each request of each connection with `answer`; `orderly` sends close_notify at the end.
class TlsServer {
 public:
  TlsServer(const Identity& identity, std::string answer, bool orderly)
      : context_(identity.serverContext()),
        listener_(Poco::Net::SocketAddress("127.0.0.1", 0)),
        answer_(std::move(answer)),
        orderly_(orderly),
        thread_([this] { run(); }) {}
  ~TlsServer() {
    stop_ = true;
    thread_.join();
    SSL_CTX_free(context_);
  }
  std::string url() const {
    return "https://127.0.0.1:" + std::to_string(listener_.address().port()) + "/";
  }

 private:
  void run() {
    while (!stop_) {
      if (!listener_.poll(Poco::Timespan(0, 20'000), Poco::Net::Socket::SELECT_READ)) continue;
      Poco::Net::StreamSocket socket = listener_.acceptConnection();
      std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_), &SSL_free);
      SSL_set_fd(ssl.get(), static_cast<int>(socket.impl()->sockfd()));
      char buffer[4096];
      if (SSL_accept(ssl.get()) != 1 || SSL_read(ssl.get(), buffer, sizeof(buffer)) <= 0) continue;
      SSL_write(ssl.get(), answer_.data(), static_cast<int>(answer_.size()));
      if (orderly_) SSL_shutdown(ssl.get());
    }
  }

  SSL_CTX* context_;
  Poco::Net::ServerSocket listener_;
  std::string answer_;
  bool orderly_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace omni::upstream::testing
