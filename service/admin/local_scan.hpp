#pragma once
// Accounts of other tools on the service's own machine: what there is (no side effect), and
// importing the chosen ones.

#include "core/ports/audit.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/store.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct LocalScanDeps {
  ConnectionStore& accounts;
  ProviderRegistry& providers;
  Clock& clock;
  AuditLog* audit = nullptr;  // nullptr: nothing is written down
};

// What deps refer to must outlive the routes. Callers as for the rest of /api.
void addLocalScanRoutes(http::RouteTable& table, LocalScanDeps deps);

}  // namespace omni::admin
