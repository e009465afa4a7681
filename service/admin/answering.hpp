#pragma once
// Routes whose handlers return their answer instead of writing it, and the note of who changed
// what. Private to service/admin.

#include <boost/json/object.hpp>
#include <memory>
#include <string_view>

#include "core/ports/audit.hpp"
#include "core/ports/cancel.hpp"
#include "core/ports/clock.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {

using Answer = Result<boost::json::object>;
template <typename Context>
using Answering = Answer (*)(Context&, const http::Request&, const CancelToken&);

// The context lives as long as the route. `status` is that of a good answer.
template <typename Context>
void addAnswering(http::RouteTable& table, const std::shared_ptr<Context>& context,
                  const char* method, const char* pattern, int status, bool needs_json,
                  Answering<Context> handle) {
  http::Route route;
  route.method = method;
  route.pattern = pattern;
  route.needs_json = needs_json;
  route.handler = guarded(
      [context, handle, status](const http::Request& request, http::ResponseWriter& writer) {
        auto answer = handle(*context, request, writer.cancel());
        if (!answer) return sendError(writer, answer.error());
        sendJson(writer, status, *answer);
      });
  table.push_back(std::move(route));
}

// What was changed. The change is in force already: a log that cannot be written must not make it
// look failed.
struct Changed {
  std::string_view action;   // "proxy.created"
  std::string_view subject;  // "proxy"
  std::string_view id;
  std::string_view name;
  boost::json::object detail{};  // never a secret
};
void noteChange(AuditLog* audit, const Clock& clock, const http::Request& request,
                const Changed& changed);  // audit may be null

}  // namespace omni::admin
