#pragma once
// Who changed what: one entry for every change of a connection, proxy, combo, key or setting.
// Implemented by service/storage.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace omni {

struct AuditEntry {
  int64_t id = 0;  // given by the log
  int64_t at_ms = 0;
  std::string actor;    // "admin@127.0.0.1", "service", "key:<name>"
  std::string action;   // "connection.imported", "connection.renamed", "token.refreshed" ...
  std::string subject;  // "connection", "proxy", "combo", "key", "setting"
  std::string subject_id;
  std::string subject_name;
  std::string detail;  // JSON object, never a secret
};

// Thread-safe.
class AuditLog {
 public:
  virtual ~AuditLog() = default;
  virtual Result<> record(const AuditEntry& entry) = 0;
  // For what happens by itself again and again: when the subject's newest entry is of the same
  // actor, action and UTC day, it is counted up ("count" in its detail, "until" its last time)
  // instead of another being written.
  virtual Result<> recordRepeated(const AuditEntry& entry) { return record(entry); }
  // Newest first, older than `before_id` (0: all); of one subject when `subject_id` is not empty.
  virtual Result<std::vector<AuditEntry>> list(std::string_view subject_id, int64_t before_id,
                                               int limit) = 0;
};

}  // namespace omni
