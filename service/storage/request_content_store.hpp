#pragma once
// What was said in requests, as far as it is kept: rows beside those of the request log, each text
// sealed. Private to the request log's store.

#include <Poco/Data/Session.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ports/request_log.hpp"
#include "core/ports/sealer.hpp"

namespace omni::storage {

// Sealed under "request_contents/<request id>/request" and ".../answer": a row that was moved to
// another request does not open.
struct SealedContent {
  size_t index = 0;  // of its entry in the batch
  std::string request;
  std::string answer;
};

// Of the entries that have content. Not inside a transaction: it is what takes time.
Result<std::vector<SealedContent>> sealContents(Sealer& sealer,
                                                const std::vector<RequestEntry>& entries);

// These are called inside a transaction and throw Poco's exceptions.
void insertContents(Poco::Data::Session& session, const std::vector<SealedContent>& sealed,
                    const std::vector<RequestEntry>& entries, int64_t first_id);
Result<std::optional<RequestContent>> readContent(Poco::Data::Session& session, Sealer& sealer,
                                                  const RequestEntry& entry);
// Some hundred rows at most. True: there are more.
bool deleteContents(Poco::Data::Session& session, int64_t cutoff_ms, int64_t rows);

}  // namespace omni::storage
