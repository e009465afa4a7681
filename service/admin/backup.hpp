#pragma once
// POST /api/backup, and POST, GET, DELETE /api/restore. A restore is laid beside the database and
// put in place by the next start; until then everything goes on with what is there.

#include "core/ports/audit.hpp"
#include "core/ports/backup.hpp"
#include "core/ports/clock.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct BackupDeps {
  Backups& backups;
  Clock& clock;
  AuditLog* audit = nullptr;  // may be null
};

// What deps refer to must outlive the routes.
void addBackupRoutes(http::RouteTable& table, BackupDeps deps);

}  // namespace omni::admin
