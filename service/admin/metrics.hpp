#pragma once
// GET /metrics for Prometheus. Callers as for the admin API: this machine until a password is set,
// then an API key of the scope "admin" as bearer token.

#include <functional>
#include <string>

#include "service/http/route.hpp"

namespace omni::admin {

// `text` is called on the request's thread, concurrently.
void addMetricsRoute(http::RouteTable& table, std::function<std::string()> text);

}  // namespace omni::admin
