#pragma once
// Who would serve a request now, and why the others would not. No side effect: nobody is called and
// no turn is taken; POST because the question has a body.

#include <functional>

#include "core/chat/model.hpp"
#include "core/ports/store.hpp"
#include "core/routing/explain.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct RoutingDeps {
  ComboStore& combos;
  // Router::explain.
  std::function<Result<routing::Explanation>(const chat::ChatRequest&)> explain;
};

// What deps refer to must outlive the routes. Callers as for the rest of /api.
void addRoutingRoutes(http::RouteTable& table, RoutingDeps deps);

}  // namespace omni::admin
