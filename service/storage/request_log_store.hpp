#pragma once
// The requests and the days' sums in SQLite.

#include <memory>
#include <utility>

#include "core/ports/request_log.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe (see Sessions). The cost of an append does not depend on how long the log is.
class RequestTable final : public RequestLogStore {
 public:
  explicit RequestTable(std::shared_ptr<Sessions> sessions) : sessions_(std::move(sessions)) {}
  Result<> append(const std::vector<RequestEntry>& entries) override;
  Result<std::vector<RequestEntry>> requests(const RequestFilter& filter) override;
  Result<std::vector<UsageRow>> usageSince(std::string_view first_day) override;
  Result<> trim(int64_t cutoff_ms, int64_t rows, std::string_view oldest_day) override;

 private:
  std::shared_ptr<Sessions> sessions_;
};

}  // namespace omni::storage
