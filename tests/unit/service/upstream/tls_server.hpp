#pragma once
// A TLS server on a free local port.

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/SocketImpl.h>
#include <Poco/Net/StreamSocket.h>
#include <openssl/ssl.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "unit/service/test_certificate.hpp"

namespace omni::upstream::testing {

using omni::testing::Identity;

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
