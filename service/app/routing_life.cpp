#include "service/app/routing_life.hpp"

#include <optional>

#include "service/admin/routing_routes.hpp"
#include "service/app/background_pool.hpp"

namespace omni::app {

struct RoutingLife::Parts {
  RoutingLifeDeps deps;
  std::optional<BackgroundPool> models;
  std::optional<BackgroundPool> quota;
};

RoutingLife::RoutingLife(const RoutingLifeDeps& deps)
    : parts_(new Parts{deps, std::nullopt, std::nullopt}) {}

RoutingLife::~RoutingLife() {
  stop();
}

void RoutingLife::addRoutes(http::RouteTable& table) {
  admin::addRoutingRoutes(
      table, {.combos = parts_->deps.combos,
              .explain = [&router = parts_->deps.router](const chat::ChatRequest& request) {
                return router.explain(request);
              }});
}

void RoutingLife::start() {
  Parts& p = *parts_;
  const auto failed = [&log = p.deps.log](const std::string& what) {
    log.log(telemetry::Level::Error, "background work failed", {{"error", what}});
  };
  p.models.emplace(p.deps.router.modelLists(), p.deps.clock, 1, failed);
  p.quota.emplace(p.deps.quota, p.deps.clock, 1, failed);
}

void RoutingLife::stop() {
  parts_->quota.reset();
  parts_->models.reset();
}

}  // namespace omni::app
