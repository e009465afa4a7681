#pragma once
// An account's life beyond single requests: sign-ins, the keeper of tokens, the audit log, and
// their background threads.

#include <memory>

#include "core/accounts/directory.hpp"
#include "core/accounts/keeper.hpp"
#include "core/ports/audit.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/proxy.hpp"
#include "core/ports/sealer.hpp"
#include "service/http/route.hpp"
#include "service/storage/sqlite_store.hpp"
#include "service/telemetry/log.hpp"
#include "service/telemetry/metrics.hpp"

namespace omni::app {

class WebhookLife;

struct AccountLifeDeps {
  AccountDirectory& accounts;
  ProviderRegistry& providers;
  ProxyAssigner& proxies;
  storage::SqliteStore& store;
  Sealer& sealer;
  Clock& clock;
  Random& random;
  telemetry::Logger& log;
  WebhookLife* webhooks = nullptr;                 // told of what happens; may be null
  telemetry::RefreshMetrics* refreshes = nullptr;  // counts the keeper's failures; may be null
};

// What deps refer to must outlive it. addRoutes() and start() are called once, from one thread.
class AccountLife {
 public:
  explicit AccountLife(const AccountLifeDeps& deps);
  ~AccountLife();  // stop()
  AccountLife(const AccountLife&) = delete;
  AccountLife& operator=(const AccountLife&) = delete;

  Keeper& keeper();
  AuditLog& audit();
  // What was remembered of checks, and the sign-ins under way; before start(), with the plugins
  // there.
  Result<> load();
  // The ids that accounts of sign-ins under way have or will get.
  std::vector<std::string> pendingAccounts() const;
  void addRoutes(http::RouteTable& table);
  void start();
  // Cancels what runs in the background and waits for it. Before the providers are shut down.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace omni::app
