#include "service/admin/context.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "service/admin/lookup.hpp"

namespace omni::admin {

void Context::note(const http::Request& request, std::string action, const Connection& connection,
                   const boost::json::object& detail) {
  if (deps.audit == nullptr) return;
  AuditEntry entry;
  entry.at_ms = deps.clock.nowMs();
  entry.actor = actorOf(request);
  entry.action = std::move(action);
  entry.subject = "connection";
  entry.subject_id = connection.id;
  entry.subject_name = fmt::format("{}/{}", connection.provider, connection.name);
  entry.detail = boost::json::serialize(detail);
  (void)deps.audit->record(entry);
}

}  // namespace omni::admin
