#pragma once
// The composition root: builds every part from a Config, in order, and takes them down in the
// reverse order.

#include <chrono>
#include <cstdint>
#include <memory>

#include "core/base/error.hpp"
#include "service/config/config.hpp"

namespace omni::app {

// start(), reload() and stop() are called from one thread.
class Gateway {
 public:
  // listen_fd: a listening socket to take over, -1 for one of its own.
  explicit Gateway(std::shared_ptr<const config::Config> config, int listen_fd = -1);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Opens key and store, loads the plugins, listens. On an error nothing is left running; the
  // message says what to do.
  Result<> start();
  // Does the listener still answer, within `timeout`? Asked through a connection like anybody's.
  // From any thread after start().
  bool alive(std::chrono::milliseconds timeout) const;
  // The port in use, after start().
  uint16_t port() const;
  uint16_t tlsPort() const;  // 0: no TLS listener
  // Takes over what can change while running (log level, plugin settings); the rest is named in the
  // log as needing a restart.
  void reload(const std::shared_ptr<const config::Config>& config);
  // Stops accepting, lets running requests end until the deadline, cancels the rest, closes the
  // store.
  void stop(std::chrono::milliseconds drain);

 private:
  Result<> loadPlugins();
  Result<> listen();

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace omni::app
