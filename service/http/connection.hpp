#pragma once
// One client connection: parses requests with Poco, guards, routes, runs handlers. Internal to
// service/http.
//
// In place of Poco's HTTPServerConnection, whose loop leaves unread bodies in the socket, closes
// without an answer when a handler throws a std::exception, and keeps no list of its connections.

#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>

#include <atomic>
#include <optional>
#include <string>

#include "service/http/body_reader.hpp"
#include "service/http/response_writer.hpp"
#include "service/http/server_core.hpp"

namespace omni::http {

class Connection final : public Poco::Net::TCPServerConnection, private LiveConnection {
 public:
  // `tls`: null for a plain connection; outlives the server.
  Connection(const Poco::Net::StreamSocket& socket, ServerCore& core,
             Poco::Net::HTTPServerParams::Ptr params, const TlsIdentity* tls);
  void run() override;

 private:
  struct Exchange;
  class Known;

  bool busy() const override { return busy_; }
  void closeIdle() override;
  void cut() override;
  bool headOverdue(int64_t now_ms) const override;

  void serve(Session& session);
  bool serveOne(Session& session);
  void answer(Exchange& x, Session& session);
  void runHandler(Exchange& x);
  void lingerUntilRead(Session& session);

  ServerCore& core_;
  Poco::Net::HTTPServerParams::Ptr params_;
  const TlsIdentity* const tls_;
  struct Peer {
    std::string address;
    bool loopback = false;
  };
  void setReceiveTimeout(int ms);

  int receive_timeout_ms_ = 0;  // as the socket has it
  std::optional<Peer> peer_;    // asked for once; the connection's own thread only
  std::atomic<bool> busy_{false};
  std::atomic<int64_t> head_since_ms_{-1};  // when a request's header began; -1: none is read
};

class ConnectionFactory final : public Poco::Net::TCPServerConnectionFactory {
 public:
  ConnectionFactory(ServerCore& core, Poco::Net::HTTPServerParams::Ptr params,
                    const TlsIdentity* tls);
  // Must not throw: Poco 1.11's dispatcher would lose one of its threads for good.
  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override;

 private:
  ServerCore& core_;
  Poco::Net::HTTPServerParams::Ptr params_;
  const TlsIdentity* const tls_;
};

}  // namespace omni::http
