#pragma once
// What the handlers of this folder share. Private to service/admin.

#include <memory>
#include <mutex>

#include "service/admin/routes.hpp"

namespace omni::admin {

struct Context {
  explicit Context(AdminDeps given) : deps(std::move(given)), started_ms(deps.clock.steadyMs()) {}

  AdminDeps deps;
  const int64_t started_ms;
  std::mutex combo_writes;  // read, change and put of a combo must not interleave
};
using ContextPtr = std::shared_ptr<Context>;

void addAccountRoutes(http::RouteTable& table, const ContextPtr& context);
void addComboRoutes(http::RouteTable& table, const ContextPtr& context);
void addOverviewRoutes(http::RouteTable& table, const ContextPtr& context);

}  // namespace omni::admin
