#pragma once
// Proxies over REST: the registry, who goes through which and why, tests; and the older addresses
// for the same that scripts written for OmniRoute call.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/ports/audit.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/proxy.hpp"
#include "core/ports/store.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct ProxyDeps {
  ProxyDirectory& proxies;
  ProxyTester& tester;
  ConnectionStore& accounts;
  ProviderRegistry& providers;
  Clock& clock;
  Random& random;
  AuditLog* audit = nullptr;  // may be null
  // What a test may ask for, the first when none is named. Only these: a test must not become a way
  // of calling addresses in the service's own network.
  std::vector<std::string> test_urls;
};

// What deps refer to must outlive the routes.
void addProxyRoutes(http::RouteTable& table, ProxyDeps deps);

}  // namespace omni::admin
