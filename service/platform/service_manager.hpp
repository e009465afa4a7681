#pragma once
// What the service manager that started this process wants to hear. systemd where libsystemd was
// there at build time and $NOTIFY_SOCKET is set; elsewhere every call does nothing.
// Sources: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).

#include <chrono>
#include <string_view>

namespace omni::platform {

// Thread-safe. Failures to notify are not errors of the service and are ignored.
class ServiceManager {
 public:
  // Takes what the manager left in the environment, so that no child process inherits it.
  ServiceManager();

  void ready(std::string_view status) const;
  void reloading() const;
  void stopping(std::string_view status) const;
  void status(std::string_view text) const;
  void alive() const;  // feeds the watchdog

  // How often the manager wants to hear alive(); 0: it does not.
  std::chrono::milliseconds watchdog() const { return watchdog_; }
  // The listening socket that the manager opened for us (socket activation); -1: none. The caller
  // owns it.
  int listener() const { return listener_; }

 private:
  std::chrono::milliseconds watchdog_{0};
  int listener_ = -1;
};

}  // namespace omni::platform
