#pragma once
// Webhooks in the running service: what happens becomes an event, a thread of its own delivers.

#include <memory>
#include <string_view>

#include "core/accounts/connection.hpp"
#include "core/accounts/keeper.hpp"
#include "core/ports/audit.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/sealer.hpp"
#include "core/ports/upstream.hpp"
#include "core/webhooks/dispatcher.hpp"
#include "service/http/route.hpp"
#include "service/storage/sqlite_store.hpp"
#include "service/telemetry/log.hpp"

namespace omni::app {

struct WebhookLifeDeps {
  storage::SqliteStore& store;
  Sealer& sealer;
  UpstreamClient& client;
  Clock& clock;
  Random& random;
  telemetry::Logger& log;
};

// Thread-safe after load(). What deps refer to must outlive it.
class WebhookLife {
 public:
  explicit WebhookLife(const WebhookLifeDeps& deps);
  ~WebhookLife();  // stop()
  WebhookLife(const WebhookLife&) = delete;
  WebhookLife& operator=(const WebhookLife&) = delete;

  Result<> load();
  void addRoutes(http::RouteTable& table, AuditLog& audit);
  void start();
  void stop();  // cancels what is under way; it is taken up again by the next load()

  // What may be told. None of them waits for anything.
  void stateChanged(const Connection& before, const StateRecord& after);
  void refreshFailed(const Connection& connection, const Error& failure);
  void registrationEnds(const Connection& connection, RegistrationLevel level, int64_t days_left);

  webhooks::Dispatcher::Counts counts() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace omni::app
