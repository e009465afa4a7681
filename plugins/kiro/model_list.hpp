#pragma once
// An account's own models, asked for once and kept in its value "models" (see models.hpp). The
// catalogue differs by plan and region, so no two accounts share one.
//
// Thread-safe; single flight per account.

#include <memory>
#include <mutex>
#include <omniroute/sdk.hpp>
#include <string>
#include <unordered_map>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/models.hpp"

namespace omni::kiro {

// Parsed catalogues by their text: reading one anew for each completion would cost more than the
// rest of its translation. Thread-safe.
class CatalogueMemory {
 public:
  // Null when `text` is no kept catalogue.
  std::shared_ptr<const Catalogue> parsed(const std::string& text);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Catalogue>> by_text_;
};

// models.list: all pages; the kept answer when it is younger than five minutes, or when upstream is
// not able to answer now.
sdk::Result<std::string> listModels(sdk::Call& call, const Endpoints& endpoints);

// How old a kept list may be before the account is asked for it.
enum class ListAge { Any, Day, Minutes };

// What is known for a completion. When the kept list is older than that, or there is none, the
// account is asked now; when that does not work the older one or the built-in table serves, and
// nobody asks again for ten minutes. With ListAge::Any nobody is asked at all. Fails only when the
// call was cancelled.
sdk::Result<std::shared_ptr<const Catalogue>> catalogueFor(sdk::Call& call,
                                                           const Endpoints& endpoints,
                                                           CatalogueMemory& memory, ListAge oldest);

// Not more than a few minutes old, and upstream's own.
bool isFresh(const sdk::Call& call, const Catalogue& catalogue);

}  // namespace omni::kiro
