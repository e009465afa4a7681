#pragma once
// Which models each account may use, as its provider says. In memory; asked for in the background,
// never while a request waits.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/routing/account_poller.hpp"

namespace omni::routing {

struct CatalogModel {
  std::string id;
  int64_t context_window = 0;  // 0: unknown
  int64_t max_output = 0;
};
using ModelList = std::vector<CatalogModel>;

// Thread-safe.
class ModelCatalog final : public AccountPoller {
 public:
  ModelCatalog(ProviderRegistry& providers, AccountDirectory& accounts, Clock& clock)
      : AccountPoller(providers, accounts, clock, "models.list",
                      {.fresh_ms = 3600000, .retry_ms = 60000}) {}

  // nullptr: not known (yet).
  std::shared_ptr<const ModelList> of(std::string_view connection_id) const;
  // Changes with every list that differs from the one before.
  uint64_t version() const { return version_.load(); }

 protected:
  bool received(const std::string& connection_id, std::string_view answer) override;
  void dropped(const std::string& connection_id) override;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const ModelList>, std::less<>> lists_;
  std::atomic<uint64_t> version_{0};
};

// Do two names mean one model? "claude-sonnet-4-5-20250929" is "claude-sonnet-4.5"; "-latest" and
// "-thinking" say nothing about which model it is.
bool sameModel(std::string_view a, std::string_view b);
// The id of the list's model that `name` means, with a "-thinking" of `name` kept; empty: none.
std::string findModel(const ModelList& models, std::string_view name);

// Spellings of the id that a client may send for it, as far as they can be listed: the id, its
// plain form, both with "-thinking", and with "-latest". A date behind it is one more.
std::vector<std::string> spellings(std::string_view id);

// The answer of the control method models.list; nullopt: it is not of the known form.
std::optional<ModelList> parseModelList(std::string_view json);

}  // namespace omni::routing
