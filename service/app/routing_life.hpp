#pragma once
// What routing does besides serving requests: it learns in the background which models each account
// has and how much quota is left, and answers who would serve.

#include <memory>

#include "core/ports/clock.hpp"
#include "core/ports/store.hpp"
#include "core/routing/quota_book.hpp"
#include "core/routing/router.hpp"
#include "service/http/route.hpp"
#include "service/telemetry/log.hpp"

namespace omni::app {

struct RoutingLifeDeps {
  routing::Router& router;
  routing::QuotaBook& quota;
  ComboStore& combos;
  Clock& clock;
  telemetry::Logger& log;
};

// What deps refer to must outlive it. addRoutes() and start() are called once, from one thread.
class RoutingLife {
 public:
  explicit RoutingLife(const RoutingLifeDeps& deps);
  ~RoutingLife();  // stop()
  RoutingLife(const RoutingLife&) = delete;
  RoutingLife& operator=(const RoutingLife&) = delete;

  void addRoutes(http::RouteTable& table);
  void start();
  // Cancels what runs in the background and waits for it. Before the providers are shut down.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace omni::app
