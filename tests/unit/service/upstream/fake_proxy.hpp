#pragma once
// A small proxy on a free local port that really relays: CONNECT and absolute-form HTTP, or SOCKS
// 5; over TLS when it has an identity. It writes down what it was asked for.

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/SocketImpl.h>
#include <Poco/Net/StreamSocket.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/ports/proxy.hpp"
#include "tls_server.hpp"

namespace omni::upstream::testing {

struct FakeProxyOptions {
  ProxyScheme scheme = ProxyScheme::Http;
  const Identity* identity = nullptr;  // Https
  std::string username = {};           // empty: lets everybody in
  std::string password = {};
  // Where every name leads ("proxy side DNS"); addresses are taken as they are.
  std::string names_are = "127.0.0.1";
};

class FakeProxy {
 public:
  explicit FakeProxy(FakeProxyOptions options)
      : options_(std::move(options)),
        context_(options_.identity != nullptr ? options_.identity->serverContext() : nullptr),
        listener_(Poco::Net::SocketAddress("127.0.0.1", 0)),
        thread_([this] { run(); }) {}
  ~FakeProxy() {
    stop_ = true;
    thread_.join();
    for (auto& worker : workers_) worker.join();
    SSL_CTX_free(context_);
  }

  ProxyRoute route(const std::string& id = "p1") const {
    ProxyRoute route;
    route.id = id;
    route.name = "office";
    route.scheme = options_.scheme;
    route.host = "127.0.0.1";
    route.port = listener_.address().port();
    route.username = options_.username;
    route.password = options_.password;
    return route;
  }
  int accepted() const { return accepted_; }
  // "CONNECT host:port", "GET http://host:port/path" or "SOCKS name host:port", oldest first.
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::string lastHead() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }

 private:
  struct Side {
    Poco::Net::StreamSocket socket;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, &SSL_free};
    int fd() const { return static_cast<int>(socket.impl()->sockfd()); }
    int read(char* out, int size) {
      return ssl ? SSL_read(ssl.get(), out, size) : socket.receiveBytes(out, size);
    }
    void write(std::string_view bytes) {
      if (ssl)
        SSL_write(ssl.get(), bytes.data(), static_cast<int>(bytes.size()));
      else
        socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
    }
    // Exactly so many bytes; throws when the peer is gone.
    std::string take(size_t size) {
      std::string out(size, '\0');
      size_t have = 0;
      while (have < size) {
        const int got = read(out.data() + have, static_cast<int>(size - have));
        if (got <= 0) throw Poco::IOException("gone");
        have += static_cast<size_t>(got);
      }
      return out;
    }
    std::string takeHead() {
      std::string head;
      while (!head.ends_with("\r\n\r\n")) head += take(1);
      return head;
    }
  };

  void run() {
    while (!stop_) {
      if (!listener_.poll(Poco::Timespan(0, 20'000), Poco::Net::Socket::SELECT_READ)) continue;
      auto side = std::make_shared<Side>();
      side->socket = listener_.acceptConnection();
      side->socket.setReceiveTimeout(Poco::Timespan(5, 0));
      ++accepted_;
      workers_.emplace_back([this, side] {
        try {
          serve(*side);
        } catch (const Poco::Exception&) {
        }
      });
    }
  }

  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::move(what));
  }

  void serve(Side& client) {
    if (context_ != nullptr) {
      client.ssl.reset(SSL_new(context_));
      SSL_set_fd(client.ssl.get(), client.fd());
      if (SSL_accept(client.ssl.get()) != 1) return;
    }
    if (options_.scheme == ProxyScheme::Socks5)
      serveSocks(client);
    else
      serveHttp(client);
  }

  void serveHttp(Side& client) {
    const std::string head = client.takeHead();
    {
      const std::lock_guard lock(mutex_);
      head_ = head;
    }
    const std::string line = head.substr(0, head.find(" HTTP/"));
    const std::string method = line.substr(0, line.find(' '));
    std::string target = line.substr(line.find(' ') + 1);
    note(line);
    // "user:secret" is the only log-in that the tests use.
    if (!options_.username.empty() &&
        head.find("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n") == std::string::npos) {
      client.write(
          "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
          "Content-Length: 4\r\n\r\nshut");
      return;
    }
    Side upstream;
    if (method == "CONNECT") {
      if (!connect(upstream, target)) {
        client.write("HTTP/1.1 502 Cannot \x01reach\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      client.write("HTTP/1.0 200 Connection established\r\nProxy-agent: fake\r\n\r\n");
    } else {
      target.erase(0, 7);  // http://
      const size_t slash = target.find('/');
      if (!connect(upstream, target.substr(0, slash))) {
        client.write("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      upstream.write(method + " " + target.substr(slash) + head.substr(line.size()));
    }
    relay(client, upstream);
  }

  void serveSocks(Side& client) {
    const std::string greeting = client.take(2);
    const std::string methods = client.take(static_cast<unsigned char>(greeting[1]));
    const char wanted = options_.username.empty() ? 0 : 2;
    if (methods.find(wanted) == std::string::npos) return client.write("\x05\xff");
    client.write(std::string{5, wanted});
    if (wanted == 2) {
      client.take(1);
      const std::string user = client.take(static_cast<unsigned char>(client.take(1)[0]));
      const std::string password = client.take(static_cast<unsigned char>(client.take(1)[0]));
      const bool fine = user == options_.username && password == options_.password;
      client.write(std::string{1, static_cast<char>(fine ? 0 : 1)});
      if (!fine) return;
    }
    const std::string request = client.take(4);
    std::string host;
    if (request[3] == 3) {
      host = client.take(static_cast<unsigned char>(client.take(1)[0]));
    } else {
      const std::string raw = client.take(request[3] == 1 ? 4 : 16);
      host = Poco::Net::IPAddress(raw.data(), static_cast<poco_socklen_t>(raw.size())).toString();
    }
    const std::string port = client.take(2);
    const int number =
        static_cast<unsigned char>(port[0]) * 256 + static_cast<unsigned char>(port[1]);
    const std::string target = host + ":" + std::to_string(number);
    note(std::string("SOCKS ") + (request[3] == 3 ? "name " : "address ") + target);
    Side upstream;
    if (!connect(upstream, target)) {
      client.write(std::string("\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", 10));
      return;
    }
    client.write(std::string("\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x01", 10));
    relay(client, upstream);
  }

  bool connect(Side& upstream, const std::string& target) try {
    const size_t colon = target.rfind(':');
    std::string host = target.substr(0, colon);
    Poco::Net::IPAddress literal;
    if (!Poco::Net::IPAddress::tryParse(host, literal)) host = options_.names_are;
    upstream.socket.connect(Poco::Net::SocketAddress(
        host, static_cast<Poco::UInt16>(std::stoi(target.substr(colon + 1)))));
    return true;
  } catch (const Poco::Exception&) {
    return false;
  }

  void relay(Side& client, Side& upstream) {
    while (!stop_) {
      pollfd fds[2] = {{client.fd(), POLLIN, 0}, {upstream.fd(), POLLIN, 0}};
      const bool pending = client.ssl && SSL_pending(client.ssl.get()) > 0;
      if (!pending && poll(fds, 2, 20) <= 0) continue;
      char buffer[8192];
      if (pending || fds[0].revents != 0) {
        const int got = client.read(buffer, sizeof(buffer));
        if (got <= 0) return;
        upstream.write({buffer, static_cast<size_t>(got)});
      }
      if (fds[1].revents != 0) {
        const int got = upstream.read(buffer, sizeof(buffer));
        if (got <= 0) return;
        client.write({buffer, static_cast<size_t>(got)});
      }
    }
  }

  FakeProxyOptions options_;
  SSL_CTX* context_;
  Poco::Net::ServerSocket listener_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::string head_;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stop_{false};
  std::list<std::thread> workers_;
  std::thread thread_;
};

}  // namespace omni::upstream::testing
