#pragma once
// The requests, what was said in them, and the days' sums in SQLite.

#include <memory>
#include <utility>

#include "core/ports/request_log.hpp"
#include "core/ports/sealer.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe (see Sessions); the sealer is borrowed. The cost of an append does not depend on how
// long the log is.
class RequestTable final : public RequestLogStore {
 public:
  RequestTable(std::shared_ptr<Sessions> sessions, Sealer& sealer)
      : sessions_(std::move(sessions)), sealer_(sealer) {}
  Result<> append(const std::vector<RequestEntry>& entries) override;
  Result<std::vector<RequestEntry>> requests(const RequestFilter& filter) override;
  Result<std::vector<UsageRow>> usageSince(std::string_view first_day) override;
  Result<bool> trim(int64_t cutoff_ms, int64_t rows, std::string_view oldest_day) override;
  Result<std::optional<RequestContent>> content(const RequestEntry& entry) override;
  Result<bool> trimContents(int64_t cutoff_ms, int64_t rows) override;

 private:
  std::shared_ptr<Sessions> sessions_;
  Sealer& sealer_;
};

}  // namespace omni::storage
