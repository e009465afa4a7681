#pragma once
// The one selection layer: what a client calls `model` -> candidates -> account, with retry and
// fallback before the first content.

#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "core/routing/engine.hpp"
#include "core/routing/explain.hpp"
#include "core/routing/model_catalog.hpp"

namespace omni::routing {

// Thread-safe. What it refers to must outlive it.
class Router final : public ChatBackend {
 public:
  explicit Router(const RouterDeps& deps);

  // Re-reads the combos; called at start and after every change of one.
  Result<> reloadCombos();

  Result<> complete(const chat::ChatRequest& request, chat::EventSink& sink,
                    const CancelToken& cancel, RouteReport& report) override;
  Result<std::vector<ModelEntry>> models() override;

  // As complete() would choose now, without calling anybody and without taking a turn. NotFound for
  // an unknown model; `request` needs model, and session and connection if they are to count.
  Result<Explanation> explain(const chat::ChatRequest& request);

  // Whether a client could send something now that the pattern of a key allows, as model or as
  // combo (`is_combo`). True also while that cannot be told: lists of models are not there at once.
  bool answers(std::string_view pattern, bool is_combo);

  // Finds out which models each account has; to be run in the background.
  AccountPoller& modelLists() { return catalog_; }

  HealthBook::Count health() const { return engine_.health.count(engine_.deps.clock.nowMs()); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  // Everything that was worked out for one set of accounts, combos and model lists.
  struct View {
    std::shared_ptr<const AccountDirectory::Snapshot> accounts;
    std::shared_ptr<const std::vector<Combo>> combos;
    uint64_t models_version = 0;
    std::vector<std::string> providers;
    std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<const Plan>, Hash, std::equal_to<>> plans;
  };

  std::shared_ptr<View> view();
  Result<std::shared_ptr<const Plan>> planFor(std::string_view model);
  Result<std::shared_ptr<const Plan>> makePlan(std::string_view model, const View& view);
  Result<std::vector<Candidate>> bareModel(std::string_view model, const View& view,
                                           Error not_found) const;
  std::shared_ptr<Turns> turnsOf(const std::string& combo_id);

  Engine engine_;
  ModelCatalog catalog_;
  std::mutex mutex_;
  std::shared_ptr<const std::vector<Combo>> combos_ = std::make_shared<std::vector<Combo>>();
  std::shared_ptr<View> view_;
  std::map<std::string, std::shared_ptr<Turns>> turns_;
};

}  // namespace omni::routing
