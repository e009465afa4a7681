#pragma once

#include <Poco/Net/HTTPServer.h>
#include <Poco/ThreadPool.h>

#include <cstdint>
#include <memory>
#include <string>

#include "simulator/world.hpp"

namespace omni::sim {

// One listening socket with its own threads: a connection holds a thread for as long as it lives.
class Server {
 public:
  // tls_dir empty: plain HTTP. Listens on the loopback address only.
  Server(World& world, std::uint16_t port, const std::string& tls_dir = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();
  void stop();
  std::uint16_t port() const;

 private:
  Poco::ThreadPool threads_;
  std::unique_ptr<Poco::Net::HTTPServer> server_;
};

}  // namespace omni::sim
