#pragma once
// What the handlers of this folder share. Private to service/admin.

#include <boost/json/object.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "service/admin/routes.hpp"

namespace omni::admin {

struct Context {
  explicit Context(AdminDeps given) : deps(std::move(given)), started_ms(deps.clock.steadyMs()) {}

  AdminDeps deps;
  const int64_t started_ms;
  // Writes down who changed a connection. A log that fails must not fail the change.
  void note(const http::Request& request, std::string action, const Connection& connection,
            const boost::json::object& detail = {});

  std::mutex connection_writes;  // version, change and answer of a PATCH must not interleave
  std::mutex combo_writes;       // read, change and put of a combo must not interleave
};
using ContextPtr = std::shared_ptr<Context>;

void addAccountRoutes(http::RouteTable& table, const ContextPtr& context);
void addAccountCheckRoutes(http::RouteTable& table, const ContextPtr& context);
void addTokenHealthRoutes(http::RouteTable& table, const ContextPtr& context);
void addComboRoutes(http::RouteTable& table, const ContextPtr& context);
void addOverviewRoutes(http::RouteTable& table, const ContextPtr& context);

}  // namespace omni::admin
