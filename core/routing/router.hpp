#pragma once
// The one selection layer: combo -> targets -> account, with retry and fallback before the first
// content.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "core/accounts/directory.hpp"
#include "core/ports/chat_backend.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/store.hpp"
#include "core/routing/resolve.hpp"

namespace omni::routing {

// Thread-safe. What it refers to must outlive it.
class Router final : public ChatBackend {
 public:
  Router(ProviderRegistry& providers, AccountDirectory& accounts, ComboStore& combos, Clock& clock)
      : providers_(providers), accounts_(accounts), combo_store_(combos), clock_(clock) {}

  // Re-reads the combos; called at start and after every change of one.
  Result<> reloadCombos();

  Result<> complete(const chat::ChatRequest& request, chat::EventSink& sink,
                    const CancelToken& cancel, RouteReport& report) override;
  Result<std::vector<ModelEntry>> models() override;

 private:
  struct ComboEntry {
    Combo combo;
    std::atomic<uint64_t> turn{0};  // RoundRobin
  };
  using Combos = std::map<std::string, std::shared_ptr<ComboEntry>, std::less<>>;  // by name

  std::shared_ptr<const Combos> combos() const;
  Result<std::vector<Candidate>> candidates(std::string_view model);

  ProviderRegistry& providers_;
  AccountDirectory& accounts_;
  ComboStore& combo_store_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Combos> combos_ = std::make_shared<Combos>();
};

}  // namespace omni::routing
