#pragma once
// The audit log in SQLite.

#include <memory>

#include "core/ports/audit.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe. An entry is on disk when record() returns success. The log keeps the newest
// `kept` entries, looked after once in a while.
class AuditStore final : public AuditLog {
 public:
  explicit AuditStore(std::shared_ptr<Sessions> sessions, int64_t kept = 100'000)
      : sessions_(std::move(sessions)), kept_(kept) {}

  Result<> record(const AuditEntry& entry) override;
  Result<> recordRepeated(const AuditEntry& entry) override;
  Result<std::vector<AuditEntry>> list(std::string_view subject_id, int64_t before_id,
                                       int limit) override;

 private:
  std::shared_ptr<Sessions> sessions_;
  const int64_t kept_;
};

}  // namespace omni::storage
