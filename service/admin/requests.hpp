#pragma once
// The request log: GET /api/requests, GET /api/requests/{id} (with what was said, when that is
// kept), DELETE /api/requests/content, GET /api/requests/live (server-sent events), GET
// /api/usage/summary.

#include <functional>

#include "core/ports/audit.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/request_log.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct RequestDeps {
  RequestLogStore& log;
  RequestFeed& feed;
  Clock& clock;
  // Returns when what has finished is in the log.
  std::function<void()> written;
  bool content_kept = false;  // what is said is kept from now on
  AuditLog* audit = nullptr;  // may be null
};

// What deps refer to must outlive the routes.
void addRequestRoutes(http::RouteTable& table, RequestDeps deps);

}  // namespace omni::admin
