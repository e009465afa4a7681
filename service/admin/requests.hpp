#pragma once
// The request log: GET /api/requests, GET /api/requests/live (server-sent events), GET
// /api/usage/summary.

#include "core/ports/clock.hpp"
#include "core/ports/request_log.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct RequestDeps {
  RequestLogStore& log;
  RequestFeed& feed;
  Clock& clock;
};

// What deps refer to must outlive the routes.
void addRequestRoutes(http::RouteTable& table, RequestDeps deps);

}  // namespace omni::admin
