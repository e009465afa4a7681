#pragma once
// What all requests share: the ports, and what routing remembers between them.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/accounts/directory.hpp"
#include "core/ports/chat_backend.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/quota.hpp"
#include "core/ports/waiter.hpp"
#include "core/routing/budget.hpp"
#include "core/routing/health.hpp"
#include "core/routing/load.hpp"
#include "core/routing/plan.hpp"
#include "core/routing/selection.hpp"
#include "core/routing/stickiness.hpp"

namespace omni::routing {

struct RouterDeps {
  ProviderRegistry& providers;
  AccountDirectory& accounts;
  ComboStore& combos;
  Clock& clock;
  Random& random;
  Waiter& waiter;
  const QuotaView* quota = nullptr;  // null: the quota strategies fall back to least-used
  // A request found out that an account is suspended or must be signed in anew (the failure), or
  // that it is well again (nullptr): what Keeper::noted() wants to know. May be empty.
  std::function<void(std::string_view connection_id, const Error* failure)> checked{};
};

// Thread-safe.
class Engine {
 public:
  explicit Engine(const RouterDeps& given) : deps(given) {}

  // How each candidate stands now. `connection`: ChatRequest::connection.
  void assess(const Plan& plan, std::string_view connection, int64_t now_ms,
              std::vector<Standing>& out) const;
  // One of them, by the account's state of this moment rather than the plan's.
  Standing standing(const PlanCandidate& candidate, int64_t now_ms) const;
  // What the upstream or the directory said about it, for people.
  std::string reason(const PlanCandidate& candidate, const Standing& standing,
                     int64_t now_ms) const;

  void failed(const PlanCandidate& candidate, const Error& error, int64_t now_ms);
  void succeeded(const PlanCandidate& candidate, int64_t now_ms);

  RouterDeps deps;
  HealthBook health;
  LoadBook loads;
  RetryBudget budget;
  Stickiness sessions;

 private:
  Standing judge(const PlanCandidate& candidate, const StateRecord& state, int64_t now_ms) const;
  void addQuota(const PlanCandidate& candidate, Standing& standing) const;
};

bool isPinned(const Connection& account, std::string_view connection);

}  // namespace omni::routing
