#include "service/platform/service_manager.hpp"
#include "service/platform/windows_service.hpp"

namespace omni::platform {

// The SCM has neither a status text nor a watchdog, and opens no sockets.
ServiceManager::ServiceManager() = default;
void ServiceManager::ready(std::string_view) const {
  reportRunning();
}
void ServiceManager::reloading() const {}
void ServiceManager::stopping(std::string_view) const {
  reportStopping();
}
void ServiceManager::status(std::string_view) const {}
void ServiceManager::alive() const {}

}  // namespace omni::platform
