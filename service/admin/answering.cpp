#include "service/admin/answering.hpp"

#include <boost/json/serialize.hpp>

#include "service/admin/lookup.hpp"

namespace omni::admin {

void noteChange(AuditLog* audit, const Clock& clock, const http::Request& request,
                const Changed& changed) {
  if (audit == nullptr) return;
  AuditEntry entry;
  entry.at_ms = clock.nowMs();
  entry.actor = actorOf(request);
  entry.action = changed.action;
  entry.subject = changed.subject;
  entry.subject_id = changed.id;
  entry.subject_name = changed.name;
  entry.detail = boost::json::serialize(changed.detail);
  (void)audit->record(entry);
}

}  // namespace omni::admin
