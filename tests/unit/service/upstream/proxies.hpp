#pragma once
// Resolvers for tests: nobody has a proxy, or accounts have the ones that the test gives them.

#include <map>
#include <mutex>
#include <string>

#include "core/ports/proxy.hpp"

namespace omni::upstream::testing {

class FixedProxies final : public ProxyResolver {
 public:
  Result<std::optional<ProxyRoute>> proxyFor(std::string_view provider,
                                             std::string_view connection_id) override {
    const std::lock_guard lock(mutex_);
    asked_ = std::string(provider) + "|" + std::string(connection_id);
    const auto found = routes_.find(connection_id);
    return found == routes_.end() ? Result<std::optional<ProxyRoute>>(std::nullopt) : found->second;
  }
  void set(const std::string& connection_id, Result<std::optional<ProxyRoute>> route) {
    const std::lock_guard lock(mutex_);
    routes_.insert_or_assign(connection_id, std::move(route));
  }
  std::string asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Result<std::optional<ProxyRoute>>, std::less<>> routes_;
  std::string asked_;
};

}  // namespace omni::upstream::testing
