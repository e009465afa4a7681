#pragma once
// A combo or model name worked out against the accounts of one moment: what a request needs no
// parsing, no search and no copying for. Immutable once made; shared by requests.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/accounts/directory.hpp"
#include "core/routing/load.hpp"
#include "core/routing/resolve.hpp"

namespace omni::routing {

// Whose turn it is, by unit. Outlives the plans of a combo. Thread-safe through its mutex.
struct Turns {
  std::mutex mutex;
  std::unordered_map<uint64_t, double> credit;
};

struct PlanCandidate {
  const Connection* connection = nullptr;  // in Plan::accounts
  std::string model;
  uint64_t account_key = 0;
  uint64_t endpoint_key = 0;
  uint64_t model_key = 0;
  std::shared_ptr<AccountLoad> load;
  bool lacks_model = false;  // the account's model list is known and does not have it
};

// What a strategy chooses among: one account asked for one model, or another combo.
struct Unit {
  uint64_t key = 0;  // the same in each plan of this combo
  double weight = 1;
  int32_t candidate = -1;  // index, or
  int32_t node = -1;       // index
};

struct Node {
  std::string combo;  // name; empty: the request named no combo
  Strategy strategy = Strategy::Priority;
  std::shared_ptr<Turns> turns;
  std::vector<Unit> units;
};

struct Plan {
  std::shared_ptr<const AccountDirectory::Snapshot> accounts;  // keeps `connection` alive
  ComboOptions options;
  std::string combo;          // the name asked for; empty: it is no combo's
  bool wants_recent = false;  // some strategy in it looks at
  bool wants_quota = false;
  std::vector<Node> nodes;  // the first is the root
  std::vector<PlanCandidate> candidates;
  std::vector<std::string> missing;  // targets that are no more, and combos left out, with why
};

// What plans are made of.
struct PlanSources {
  std::shared_ptr<const AccountDirectory::Snapshot> accounts;
  const std::vector<Combo>& combos;
  const std::vector<std::string>& providers;
  LoadBook& loads;
  // By combo id.
  const std::function<std::shared_ptr<Turns>(const std::string& combo_id)>& turns;
  // Does the account's list lack the model? False when the list is not known.
  const std::function<bool(const Connection&, std::string_view model)>& lacks;
};

// NotFound when no target exists; the message names them.
Result<std::shared_ptr<const Plan>> planCombo(const Combo& combo, const PlanSources& sources);
// For a name that is no combo's. Several accounts are used evenly.
std::shared_ptr<const Plan> planCandidates(const std::vector<Candidate>& candidates,
                                           const PlanSources& sources);

}  // namespace omni::routing
