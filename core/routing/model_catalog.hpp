#pragma once
// Which models each account may use, as its provider says. In memory; asked for in the background,
// never while a request waits.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/accounts/directory.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"

namespace omni::routing {

struct CatalogModel {
  std::string id;
  int64_t context_window = 0;  // 0: unknown
  int64_t max_output = 0;
};
using ModelList = std::vector<CatalogModel>;

// Thread-safe.
class ModelCatalog {
 public:
  ModelCatalog(ProviderRegistry& providers, AccountDirectory& accounts, Clock& clock)
      : providers_(providers), accounts_(accounts), clock_(clock) {}

  // nullptr: not known (yet).
  std::shared_ptr<const ModelList> of(std::string_view connection_id) const;
  // Changes with every list that differs from the one before.
  uint64_t version() const;
  // Is there an account that could be asked and has not answered yet?
  bool incomplete() const;

  // Asks the usable accounts whose list is older than an hour (five minutes after a failure). One
  // caller at a time; another returns at once. How many were asked.
  size_t refresh(const CancelToken& cancel);

 private:
  struct Entry {
    std::shared_ptr<const ModelList> models;
    int64_t next_ms = 0;
  };
  void store(const std::string& connection_id, std::optional<ModelList> models, int64_t now_ms);

  ProviderRegistry& providers_;
  AccountDirectory& accounts_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::mutex refreshing_;
  std::map<std::string, Entry, std::less<>> lists_;
  uint64_t version_ = 0;
};

// Do two names mean one model? "claude-sonnet-4-5-20250929" is "claude-sonnet-4.5"; "-latest" and
// "-thinking" say nothing about which model it is.
bool sameModel(std::string_view a, std::string_view b);
// The id of the list's model that `name` means, with a "-thinking" of `name` kept; empty: none.
std::string findModel(const ModelList& models, std::string_view name);

// The answer of the control method models.list; nullopt: it is not of the known form.
std::optional<ModelList> parseModelList(std::string_view json);

}  // namespace omni::routing
