#include "simulator/server.hpp"

#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Thread.h>

#include <cstdio>
#include <exception>

namespace omni::sim {
namespace {

constexpr int kThreads = 1200;
constexpr int kQueued = 512;
constexpr int kStack = 256 * 1024;
constexpr std::size_t kMaximumBody = 64 * 1024 * 1024;

// Reads to the end of the body, whatever the answer will be: what is left would be taken for the
// next request.
std::string readBody(Poco::Net::HTTPServerRequest& request) {
  std::string body;
  const bool chunked = request.getChunkedTransferEncoding();
  if (!chunked && !request.hasContentLength()) return body;
  if (!chunked)
    body.reserve(static_cast<std::size_t>(std::max<Poco::Int64>(0, request.getContentLength64())));
  auto& in = request.stream();
  char buffer[8192];
  while (in.good() && body.size() < kMaximumBody) {
    in.read(buffer, sizeof buffer);
    body.append(buffer, static_cast<std::size_t>(in.gcount()));
  }
  return body;
}

class Handler : public Poco::Net::HTTPRequestHandler {
 public:
  explicit Handler(World& world) : world_(world) {}

  void handleRequest(Poco::Net::HTTPServerRequest& request,
                     Poco::Net::HTTPServerResponse& response) override {
    auto& socket = static_cast<Poco::Net::HTTPServerRequestImpl&>(request).socket();
    Exchange exchange(socket, request.getKeepAlive(), request.getMethod() == "HEAD");
    try {
      socket.setSendTimeout(Poco::Timespan(60, 0));
      Request in;
      in.peer = request.clientAddress().host().toString();
      in.method = request.getMethod();
      const auto& target = request.getURI();
      const auto question = target.find('?');
      in.path = target.substr(0, question);
      if (question != std::string::npos) in.query = target.substr(question + 1);
      for (const auto& [name, value] : request) in.headers.emplace_back(name, value);
      in.body = readBody(request);
      serve(world_, in, exchange);
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "kiro-sim: %s %s: %s\n", request.getMethod().c_str(),
                   request.getURI().c_str(), problem.what());
      if (exchange.started()) {
        exchange.reset();
      } else {
        exchange.send(jsonReply(500, {{"message", "kiro-sim failed"}}));
      }
    }
    response.setKeepAlive(exchange.keepAlive());
  }

 private:
  World& world_;
};

class Factory : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  explicit Factory(World& world) : world_(world) {}
  Poco::Net::HTTPRequestHandler* createRequestHandler(
      const Poco::Net::HTTPServerRequest& /*request*/) override {
    return new Handler(world_);
  }

 private:
  World& world_;
};

Poco::Net::ServerSocket listenOn(std::uint16_t port, const std::string& tls_dir) {
  const Poco::Net::SocketAddress address("127.0.0.1", port);
  if (tls_dir.empty()) return Poco::Net::ServerSocket(address, 1024);
  const Poco::Net::Context::Ptr context =
      new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, tls_dir + "/server.key",
                             tls_dir + "/server.pem", "", Poco::Net::Context::VERIFY_NONE);
  return Poco::Net::SecureServerSocket(address, 1024, context);
}

}  // namespace

Server::Server(World& world, std::uint16_t port, const std::string& tls_dir)
    : threads_("kiro-sim", 8, kThreads, 30, kStack) {
  Poco::Net::HTTPServerParams::Ptr parameters = new Poco::Net::HTTPServerParams;
  parameters->setMaxThreads(kThreads);
  parameters->setMaxQueued(kQueued);
  parameters->setKeepAlive(true);
  parameters->setKeepAliveTimeout(Poco::Timespan(120, 0));
  parameters->setThreadIdleTime(Poco::Timespan(1, 0));
  server_ = std::make_unique<Poco::Net::HTTPServer>(new Factory(world), threads_,
                                                    listenOn(port, tls_dir), parameters);
}

Server::~Server() = default;

void Server::start() {
  server_->start();
}

void Server::stop() {
  // Once is not enough: a connection that is just being made while the others are told to end has
  // not heard it, and would wait for its client.
  server_->stopAll(true);
  while (server_->currentThreads() > 0) {
    Poco::Thread::sleep(5);
    server_->stopAll(true);
  }
}

std::uint16_t Server::port() const {
  return server_->port();
}

}  // namespace omni::sim
