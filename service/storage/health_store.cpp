#include "service/storage/health_store.hpp"

#include <Poco/Data/Statement.h>

#include <vector>

namespace omni::storage {

using Poco::Data::Session;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

Result<std::map<std::string, HealthRecord, std::less<>>> SqliteHealthStore::all() {
  using Records = std::map<std::string, HealthRecord, std::less<>>;
  return sessions_->read([](Session& session) -> Result<Records> {
    std::vector<std::string> ids, errors;
    std::vector<Poco::Int64> checks, successes;
    std::vector<int> failures;
    session << "SELECT connection_id, last_check_ms, last_success_ms, failures, last_error"
               " FROM connection_health",
        into(ids), into(checks), into(successes), into(failures), into(errors), now;
    Records out;
    for (size_t i = 0; i < ids.size(); ++i)
      out[ids[i]] = {checks[i], successes[i], failures[i], errors[i]};
    return out;
  });
}

Result<> SqliteHealthStore::put(std::string_view connection_id, const HealthRecord& record) {
  std::string error = record.last_error;
  std::erase(error, '\0');
  return sessions_->write([&](Session& session) -> Result<> {
    const std::string id(connection_id);
    // From the table itself, so that a connection that was just removed is no error.
    session << "INSERT INTO connection_health"
               "(connection_id, last_check_ms, last_success_ms, failures, last_error)"
               " SELECT id, ?, ?, ?, ? FROM connections WHERE id=?"
               " ON CONFLICT(connection_id) DO UPDATE SET last_check_ms=excluded.last_check_ms,"
               " last_success_ms=excluded.last_success_ms, failures=excluded.failures,"
               " last_error=excluded.last_error",
        bind(Poco::Int64(record.last_check_ms)), bind(Poco::Int64(record.last_success_ms)),
        bind(record.failures), bind(error), bind(id), now;
    return {};
  });
}

}  // namespace omni::storage
