#pragma once
// The admin API (/api/...), the liveness routes and the page at "/". docs/api/openapi.yaml
// describes every route; a test compares the two.
//
// Threads: handlers run concurrently. Ownership: what AdminDeps refers to must outlive the routes.
// Errors: every answer outside 2xx is core's adminErrorBody(). No answer carries a secret: what is
// set is shown by name, as "••••". Until there is an admin password, callers that are not on this
// machine get 403, and every /api answer says "x-omniroute-admin: open-on-loopback".

#include <functional>
#include <string>

#include "core/accounts/directory.hpp"
#include "core/accounts/keeper.hpp"
#include "core/ports/audit.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/proxy.hpp"
#include "core/ports/quota.hpp"
#include "core/ports/store.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct AdminDeps {
  AccountDirectory& accounts;
  ProviderRegistry& providers;
  ComboStore& combos;
  Clock& clock;
  Random& random;
  std::string version;
  // The plugins, loaded and refused, as a JSON array of objects with "id" and "status", or
  // {"plugins": that array}.
  std::function<std::string()> plugins_json;
  std::function<void()>
      combos_changed;               // called after each successful write of a combo; may be empty
  std::function<Result<>()> ready;  // may be empty: ready when the store answers
  // Can changes be stored? What fails is shown by /api/health; requests go on. May be empty.
  std::function<Result<>()> storable = {};
  AuditLog* audit = nullptr;         // nullptr: changes are not written down
  Keeper* keeper = nullptr;          // nullptr: nothing is known of checks
  ProxyAssigner* proxies = nullptr;  // nullptr: an import cannot ask for a proxy
  const QuotaView* quota = nullptr;  // nullptr: nothing is known of quotas
  // Called after an account ("kiro/name") or a combo got another name; may be empty.
  std::function<void(std::string_view from, std::string_view to, bool is_combo)> renamed = {};
};

void addAdminRoutes(http::RouteTable& table, AdminDeps deps);

}  // namespace omni::admin
