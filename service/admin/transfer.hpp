#pragma once
// Accounts out and in: encrypted bundles of this service, and what OmniRoute, 9router and account
// managers have written. Each import answers for every item: imported, skipped or refused, and why.

#include <functional>

#include "core/ports/audit.hpp"
#include "core/ports/bundle.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/proxy.hpp"
#include "core/ports/store.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct TransferDeps {
  ConnectionStore& accounts;
  ProviderRegistry& providers;
  ProxyDirectory& proxies;
  ProxyAssigner& assigner;
  BundleCipher& bundles;
  LegacyFields& fields;
  ForeignDatabase& databases;
  Clock& clock;
  AuditLog* audit = nullptr;             // may be null
  ComboStore* combos = nullptr;          // may be null: bundles hold accounts and proxies only
  std::function<void()> combos_changed;  // may be empty
};

// What deps refer to must outlive the routes.
void addTransferRoutes(http::RouteTable& table, TransferDeps deps);

}  // namespace omni::admin
