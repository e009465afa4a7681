#include "service/platform/service_manager.hpp"

#include <cstdint>
#include <string>

#ifdef OMNI_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

namespace omni::platform {

#ifdef OMNI_SYSTEMD

namespace {

void notify(const std::string& text) {
  sd_notify(0, text.c_str());
}

// A status is one line; what follows a line break would be read as another variable.
std::string oneLine(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}

}  // namespace

ServiceManager::ServiceManager() {
  uint64_t period_us = 0;
  // 1: unset the variables. $NOTIFY_SOCKET itself stays, sd_notify needs it.
  if (sd_watchdog_enabled(1, &period_us) > 0)
    watchdog_ =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(period_us));
  // With several sockets the first is the listener; the unit that is installed has one.
  if (sd_listen_fds(1) >= 1 && sd_is_socket(SD_LISTEN_FDS_START, 0, 0, 1) > 0)
    listener_ = SD_LISTEN_FDS_START;
}

void ServiceManager::ready(std::string_view text) const {
  notify("READY=1\nSTATUS=" + oneLine(text));
}
void ServiceManager::reloading() const {
  notify("RELOADING=1\nSTATUS=Reloading the configuration");
}
void ServiceManager::stopping(std::string_view text) const {
  notify("STOPPING=1\nSTATUS=" + oneLine(text));
}
void ServiceManager::status(std::string_view text) const {
  notify("STATUS=" + oneLine(text));
}
void ServiceManager::alive() const {
  notify("WATCHDOG=1");
}

#else

ServiceManager::ServiceManager() = default;
void ServiceManager::ready(std::string_view) const {}
void ServiceManager::reloading() const {}
void ServiceManager::stopping(std::string_view) const {}
void ServiceManager::status(std::string_view) const {}
void ServiceManager::alive() const {}

#endif

}  // namespace omni::platform
