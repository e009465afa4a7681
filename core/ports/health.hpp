#pragma once
// What is remembered of the checks of each connection, so that a restart neither forgets a back-off
// nor shows an account as never looked at. Implemented by service/storage.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni {

struct HealthRecord {
  int64_t last_check_ms = 0;    // Unix ms; 0: never
  int64_t last_success_ms = 0;  // likewise
  int failures = 0;             // in a row
  std::string last_error;       // of the last failure, while failures > 0; never a secret
};

// Thread-safe.
class HealthStore {
 public:
  virtual ~HealthStore() = default;
  virtual Result<std::map<std::string, HealthRecord, std::less<>>> all() = 0;  // by connection
  // Success also when the connection is gone: then nothing is kept.
  virtual Result<> put(std::string_view connection_id, const HealthRecord& record) = 0;
};

}  // namespace omni
