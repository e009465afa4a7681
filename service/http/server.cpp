#include "service/http/server.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/ServerSocketImpl.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/ThreadPool.h>

#include "service/http/connection.hpp"
#include "service/http/server_core.hpp"

namespace omni::http {
namespace {

Poco::Timespan millis(int ms) {
  return {static_cast<Poco::Timespan::TimeDiff>(ms) * 1000};
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kStackFactor = 8;  // the sanitizers' frames are several times larger
#else
constexpr int kStackFactor = 1;
#endif

}  // namespace

namespace {

#ifndef _WIN32
// Poco has no way to take over a socket that somebody else has bound.
class AdoptedSocket final : public Poco::Net::ServerSocket {
 public:
  explicit AdoptedSocket(int fd) : ServerSocket(new Impl(fd), true) {}

 private:
  class Impl final : public Poco::Net::ServerSocketImpl {
   public:
    explicit Impl(int fd) { reset(fd); }
  };
};
#endif

}  // namespace

struct Server::Listener {
  Poco::Net::ServerSocket socket;
  std::unique_ptr<Poco::ThreadPool> pool;  // one each: neither can keep the other from its threads
  std::unique_ptr<Poco::Net::TCPServer> tcp;
  uint16_t port = 0;
  bool tls = false;
};

Server::Server(ServerOptions options, RouteTable routes, Random& random)
    : core_(std::make_unique<ServerCore>(std::move(options), std::move(routes), random)) {}

Server::~Server() {
  drain(std::chrono::milliseconds(0));
}

Result<> Server::start() {
  const ServerOptions& o = core_->options;
  if (o.max_streams < 1 || o.max_admin < 1 || o.spare_threads < 1 || o.max_queued < 1) {
    return makeError(FailureKind::BadRequest, "The limits of the HTTP server must be at least 1.");
  }
  if (!listeners_.empty())
    return makeError(FailureKind::Conflict, "The HTTP server has been started before.");
  auto opened = open(o.address, o.port, o.listen_fd, nullptr);
  if (opened && o.tls)
    opened = open(o.tls_address.empty() ? o.address : o.tls_address, o.tls_port, -1, o.tls.get());
  if (!opened) {
    listeners_.clear();
    return opened;
  }
  core_->ticker.start();
  overdue_ = std::jthread([this](const std::stop_token& stop) { watchHeads(stop); });
  for (const auto& listener : listeners_) listener->tcp->start();
  return {};
}

// Binds; TCPServer::start() is what begins to accept.
Result<> Server::open(const std::string& address, uint16_t port, int listen_fd,
                      const TlsIdentity* tls) {
  const ServerOptions& o = core_->options;
  const std::string where = address + ":" + std::to_string(port);
  try {
    auto listener = std::make_unique<Listener>();
    listener->tls = tls != nullptr;
#ifdef _WIN32
    constexpr bool kReuseAddress = false;  // there it would let another program take the port over
    (void)listen_fd;
#else
    constexpr bool kReuseAddress = true;
#endif
    // Poco's default also shares the port: two services would run and each get half of the
    // connections.
#ifndef _WIN32
    if (listen_fd >= 0) {
      listener->socket = AdoptedSocket(listen_fd);
    } else
#endif
    {
      listener->socket.bind(Poco::Net::SocketAddress(address, port), kReuseAddress, false);
      listener->socket.listen(512);
    }
    listener->port = listener->socket.address().port();

    Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
    params->setMaxThreads(core_->maxThreads());
    params->setMaxQueued(o.max_queued);
    params->setThreadIdleTime(millis(1000));
    params->setTimeout(millis(o.receive_timeout_ms));
    params->setKeepAlive(true);
    params->setKeepAliveTimeout(millis(o.keep_alive_ms));
    params->setMaxKeepAliveRequests(0);
    listener->pool = std::make_unique<Poco::ThreadPool>(
        tls ? "https" : "http", 2, core_->maxThreads(), 10, o.thread_stack_bytes * kStackFactor);
    listener->tcp = std::make_unique<Poco::Net::TCPServer>(
        new ConnectionFactory(*core_, params, tls), *listener->pool, listener->socket, params);
    listeners_.push_back(std::move(listener));
    return {};
  } catch (const Poco::Exception& e) {
    Error error;
    error.kind = FailureKind::Unavailable;
    error.message =
        "The HTTP server cannot listen on " + where +
        ". Is another program using the port, or does the address not belong to this machine?";
    error.detail = e.displayText();
    return std::unexpected(std::move(error));
  } catch (const std::exception& e) {
    Error error;
    error.message = "The HTTP server cannot start on " + where + ".";
    error.detail = e.what();
    return std::unexpected(std::move(error));
  }
}

uint16_t Server::port() const {
  return listeners_.empty() ? 0 : listeners_.front()->port;
}

uint16_t Server::tlsPort() const {
  for (const auto& listener : listeners_)
    if (listener->tls) return listener->port;
  return 0;
}

void Server::stopAccepting() {
  if (listeners_.empty() || core_->draining.exchange(true)) return;
  for (const auto& listener : listeners_) {
    try {
      listener->tcp->stop();
      // Poco leaves it open, and the kernel would go on accepting into its backlog.
      listener->socket.close();
    } catch (...) {
      // A socket that cannot be closed accepts nothing more either.
      core_->draining = true;
    }
  }
  std::lock_guard lock(core_->mutex);
  for (LiveConnection* connection : core_->connections) {
    if (!connection->busy()) connection->closeIdle();
  }
}

void Server::drain(std::chrono::milliseconds deadline) {
  if (listeners_.empty() || !listeners_.front()->tcp) return;
  stopAccepting();
  const auto idle = [this] { return core_->connections.empty(); };
  {
    std::unique_lock lock(core_->mutex);
    if (!core_->changed.wait_for(lock, deadline, idle)) {
      core_->cancel_all = true;
      core_->changed.wait_for(lock, std::chrono::milliseconds(core_->options.cancel_grace_ms),
                              idle);
      for (LiveConnection* connection : core_->connections) connection->cut();
    }
  }
  // Poco's stop does not wait for its threads, and a handler must not outlive what it uses.
  for (const auto& listener : listeners_) {
    listener->pool->joinAll();
    listener->tcp.reset();
  }
  core_->ticker.stop();
  overdue_ = {};
}

void Server::tickNow() {
  core_->ticker.tickAll();
  core_->cutOverdueHeads();
}

// Sleeps while there is no connection.
void Server::watchHeads(const std::stop_token& stop) {
  std::unique_lock lock(core_->mutex);
  while (core_->first.wait(lock, stop, [&] { return !core_->connections.empty(); }) &&
         !stop.stop_requested()) {
    core_->first.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    lock.unlock();
    core_->cutOverdueHeads();
    lock.lock();
  }
}

size_t Server::activeRequests() const {
  std::lock_guard lock(core_->mutex);
  return core_->active;
}

size_t Server::activeInference() const {
  return static_cast<size_t>(core_->streams.count());
}

size_t Server::openConnections() const {
  std::lock_guard lock(core_->mutex);
  return core_->connections.size();
}

size_t Server::queuedConnections() const {
  size_t sum = 0;
  for (const auto& listener : listeners_)
    if (listener->tcp) sum += static_cast<size_t>(listener->tcp->queuedConnections());
  return sum;
}

uint64_t Server::refusedConnections() const {
  uint64_t sum = 0;
  for (const auto& listener : listeners_)
    if (listener->tcp) sum += static_cast<uint64_t>(listener->tcp->refusedConnections());
  return sum;
}

}  // namespace omni::http
