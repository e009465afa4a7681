#include "service/admin/metrics.hpp"

#include <utility>

#include "service/admin/reply.hpp"

namespace omni::admin {

void addMetricsRoute(http::RouteTable& table, std::function<std::string()> text) {
  http::Route route;
  route.method = "GET";
  route.pattern = "/metrics";
  route.handler =
      guarded([text = std::move(text)](const http::Request&, http::ResponseWriter& writer) {
        writer.setHeader("Cache-Control", "no-store");
        writer.send(200, "text/plain; version=0.0.4; charset=utf-8", text());
      });
  table.push_back(std::move(route));
}

}  // namespace omni::admin
