#pragma once
// The checks of each connection in SQLite.

#include <memory>

#include "core/ports/health.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe. A record goes with its connection.
class SqliteHealthStore final : public HealthStore {
 public:
  explicit SqliteHealthStore(std::shared_ptr<Sessions> sessions) : sessions_(std::move(sessions)) {}
  Result<std::map<std::string, HealthRecord, std::less<>>> all() override;
  Result<> put(std::string_view connection_id, const HealthRecord& record) override;

 private:
  std::shared_ptr<Sessions> sessions_;
};

}  // namespace omni::storage
