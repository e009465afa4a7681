#pragma once
// What can be seen of the service from outside: the request log, its live view and the metrics.

#include <memory>

#include "core/accounts/directory.hpp"
#include "core/ports/audit.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/quota.hpp"
#include "core/ports/sealer.hpp"
#include "service/config/config.hpp"
#include "service/http/inference.hpp"
#include "service/http/route.hpp"
#include "service/storage/sqlite_store.hpp"
#include "service/telemetry/log.hpp"
#include "service/telemetry/metrics.hpp"

namespace omni::app {

struct InsightDeps {
  storage::SqliteStore& store;
  Sealer& sealer;
  AccountDirectory& accounts;
  const QuotaView& quota;
  Clock& clock;
  telemetry::Logger& log;
  std::function<void()> after_batch{};  // on the writer's thread, about every half second of use
  std::function<void(telemetry::MetricText&)> more_metrics{};  // what the other parts count
};

// Thread-safe. What deps refer to must outlive it.
class Insight {
 public:
  Insight(const InsightDeps& deps, const config::Config& config);
  ~Insight();
  Insight(const Insight&) = delete;
  Insight& operator=(const Insight&) = delete;

  void addRoutes(http::RouteTable& table, AuditLog& audit);
  void finished(const http::InferenceRecord& record);  // for InferenceHooks
  void closeViews();  // before the server is drained: live views end
  void stop();        // writes what waits

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace omni::app
