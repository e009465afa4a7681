#pragma once
// The HTTP listener that serves every door: OpenAI API, admin API and health; where a certificate
// is given, with a second one beside it that speaks TLS.
//
// Threads: start(), stopAccepting(), drain() and the destructor belong to one owner thread; the
// counters are thread-safe. Handlers run on the server's own pool, one thread per connection.
// Inference and admin requests have separate admission counts, both smaller than the pool, so that
// neither can starve the other or the health routes. Ownership: handlers are called until drain()
// has returned; what they refer to must outlive that.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/clock.hpp"
#include "service/http/route.hpp"

namespace omni::http {

class TlsIdentity;

struct AccessLogEntry {
  std::string method;
  std::string path;  // as sent, without the query, which may hold secrets
  std::string remote_address;
  std::string request_id;
  Door door = Door::Admin;
  int status = 0;  // 0: the connection was closed without an answer
  uint64_t bytes_sent = 0;
  int64_t duration_us = 0;
  bool aborted = false;  // the client left, or the stream did not end cleanly
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 20128;  // 0: any free one, see Server::port()
  int listen_fd = -1;     // a listening socket to take over instead of address and port (POSIX)
  std::shared_ptr<TlsIdentity> tls;  // empty: no TLS listener
  std::string tls_address;           // empty: as `address`
  uint16_t tls_port = 0;             // 0: any free one, see Server::tlsPort()
  int tls_handshake_ms = 10000;      // a handshake that takes longer is dropped
  int max_streams = 1024;            // inference requests at once; above: 503
  int max_admin = 16;                // admin requests at once; above: 503
  int spare_threads = 32;            // for health, refusals and idle keep-alive connections
  int max_queued = 256;              // accepted connections that wait for a thread
  int send_timeout_ms = 30000;       // a client that takes no byte for this long is dropped
  int receive_timeout_ms = 30000;    // between two reads of a request; see BodyPace for all of it
  int header_timeout_ms = 30000;     // a request's whole header; above: the connection is cut
  int keep_alive_ms = 5000;          // idle time between two requests
  int keep_alive_comment_ms =
      15000;  // silence on an event stream before ": keep-alive" or the like is sent; 0: never
  int commit_after_ms = 10000;  // silence before a planned stream begins without content; 0: never
  int linger_ms = 2000;  // how long an unread body is drained after a refusal, before the close
  int cancel_grace_ms = 2000;  // drain(): time between cancelling and cutting the connections
  size_t max_header_bytes = 65536;
  int thread_stack_bytes = 256 * 1024;
  std::vector<std::string> allowed_hosts;  // names besides localhost, 127.0.0.1 and [::1]; any port
  std::vector<std::string>
      allowed_origins;  // "https://panel.example", besides the request's own host
  // Called before the body is read (Request::body is empty). An error is sent as the answer. Empty:
  // everybody may.
  // It may set Request::caller.
  std::function<Result<>(Request&, const Route&)> authorize;
  std::function<void(const AccessLogEntry&)> access_log;  // from handler threads
  std::function<int64_t()> steady_ms;  // what silence is measured by; empty: the machine's clock
};

struct ServerCore;

class Server {
 public:
  // `random` makes request ids and must outlive the server.
  Server(ServerOptions options, RouteTable routes, Random& random);
  ~Server();  // stops at once: drain(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // FailureKind::Unavailable when the address cannot be bound, BadRequest when an option makes no
  // sense.
  Result<> start();
  uint16_t port() const;     // 0 before start()
  uint16_t tlsPort() const;  // 0 before start(), and without a TLS listener

  // No new connection; idle ones are closed, running requests go on and end with "Connection:
  // close".
  void stopAccepting();
  // stopAccepting, then waits for running requests; after `deadline` their CancelTokens say
  // cancelled, after cancel_grace_ms more their sockets are shut down. Returns when no handler runs
  // any more.
  void drain(std::chrono::milliseconds deadline);

  // What the server does by itself every quarter second, looks for silent streams, and every
  // second, for headers that take too long. For tests with a clock of their own.
  void tickNow();

  size_t activeRequests() const;  // between the last byte of the request and the last of the answer
  size_t activeInference() const;
  size_t openConnections() const;
  size_t queuedConnections() const;
  uint64_t refusedConnections() const;  // closed because the queue was full

 private:
  struct Listener;
  void watchHeads(const std::stop_token& stop);
  Result<> open(const std::string& address, uint16_t port, int listen_fd, const TlsIdentity* tls);

  std::unique_ptr<ServerCore> core_;
  std::vector<std::unique_ptr<Listener>> listeners_;  // the plain one first
  std::jthread overdue_;
};

}  // namespace omni::http
