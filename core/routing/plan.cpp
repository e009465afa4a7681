#include "core/routing/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/routing/health.hpp"

namespace omni::routing {
namespace {

constexpr size_t kDeepest = 16;
constexpr size_t kMostNodes = 500;  // combos that share combos multiply

class Maker {
 public:
  explicit Maker(const PlanSources& sources) : sources_(sources) {
    plan_->accounts = sources.accounts;
  }

  // The index of the candidate; -1: the plan has it already.
  int32_t add(const Candidate& c) {
    const uint64_t key = endpointKey(c.connection->id, c.model);
    for (const PlanCandidate& other : plan_->candidates)
      if (other.endpoint_key == key) return -1;
    PlanCandidate out;
    out.connection = c.connection;
    out.model = c.model;
    out.account_key = std::hash<std::string>{}(c.connection->id);
    out.endpoint_key = key;
    out.model_key = modelKey(c.connection->provider, c.model);
    out.load = sources_.loads.of(c.connection->id);
    out.lacks_model = sources_.lacks && sources_.lacks(*c.connection, c.model);
    plan_->candidates.push_back(std::move(out));
    return static_cast<int32_t>(plan_->candidates.size() - 1);
  }

  void addUnits(Node& node, const std::vector<Candidate>& found, double weight) {
    for (const Candidate& c : found) {
      const int32_t index = add(c);
      if (index < 0) continue;
      node.units.push_back({plan_->candidates[static_cast<size_t>(index)].endpoint_key,
                            weight / static_cast<double>(found.size()), index, -1});
    }
  }

  // The index of the combo's node; -1 when nothing in it exists.
  int32_t addCombo(const Combo& combo) {
    const auto index = static_cast<int32_t>(plan_->nodes.size());
    plan_->nodes.emplace_back();
    way_.push_back(&combo);
    Node node;
    node.combo = combo.name;
    node.strategy = combo.strategy;
    for (const Target& target : combo.targets) addTarget(node, target);
    way_.pop_back();
    if (node.units.empty() && index > 0) return -1;
    node.turns = sources_.turns(combo.id);
    forgetTurns(node);
    plan_->nodes[static_cast<size_t>(index)] = std::move(node);
    return index;
  }

  std::shared_ptr<Plan> plan() {
    for (const Node& node : plan_->nodes) {
      const bool quota =
          node.strategy == Strategy::MostRemaining || node.strategy == Strategy::ResetSoonest;
      plan_->wants_quota |= quota;
      plan_->wants_recent |=
          (quota || node.strategy == Strategy::LeastUsed) && plan_->candidates.size() > 1;
    }
    return std::move(plan_);
  }
  std::vector<std::string>& missing() { return plan_->missing; }
  Node& root() { return plan_->nodes.front(); }
  void addRoot(Node node) { plan_->nodes.push_back(std::move(node)); }

 private:
  void addTarget(Node& node, const Target& target) {
    if (!target.combo_id.empty()) return addNested(node, target);
    if (!target.accounts.empty())
      return addUnits(node, resolvePinned(target, *sources_.accounts, missing()), target.weight);
    auto found = resolveTarget(target.text, *sources_.accounts, sources_.providers);
    if (found) return addUnits(node, *found, target.weight);
    missing().push_back(fmt::format("{} ({})", target.text, found.error().message));
  }

  void addNested(Node& node, const Target& target) {
    const Combo* combo = comboOf(target, sources_.combos);
    if (!combo) {
      missing().push_back(fmt::format("combo \"{}\"", target.text));
      return;
    }
    // Refused when written; a database put together by hand must not hang a request.
    if (std::ranges::find(way_, combo) != way_.end() || way_.size() >= kDeepest) {
      missing().push_back(fmt::format("combo \"{}\" (it contains itself)", combo->name));
      return;
    }
    if (plan_->nodes.size() >= kMostNodes) {
      missing().push_back(fmt::format("combo \"{}\" (too many combos within combos)", combo->name));
      return;
    }
    const int32_t index = addCombo(*combo);
    if (index < 0) return;
    node.units.push_back(
        {std::hash<std::string>{}(combo->id), static_cast<double>(target.weight), -1, index});
  }

  static void forgetTurns(const Node& node) {
    std::set<uint64_t> keys;
    for (const Unit& unit : node.units) keys.insert(unit.key);
    std::lock_guard lock(node.turns->mutex);
    std::erase_if(node.turns->credit, [&](const auto& item) { return !keys.contains(item.first); });
  }

  const PlanSources& sources_;
  std::shared_ptr<Plan> plan_ = std::make_shared<Plan>();
  std::vector<const Combo*> way_;
};

}  // namespace

Result<std::shared_ptr<const Plan>> planCombo(const Combo& combo, const PlanSources& sources) {
  Maker maker(sources);
  maker.addCombo(combo);
  auto plan = maker.plan();
  plan->options = combo.options;
  plan->combo = combo.name;
  if (plan->candidates.empty())
    return makeError(FailureKind::NotFound,
                     fmt::format("no target of combo \"{}\" exists: {}", combo.name,
                                 fmt::join(plan->missing, ", ")),
                     "model");
  return plan;
}

std::shared_ptr<const Plan> planCandidates(const std::vector<Candidate>& candidates,
                                           const PlanSources& sources) {
  Maker maker(sources);
  Node node;
  node.strategy = Strategy::LeastUsed;
  maker.addUnits(node, candidates, 1);
  node.turns = std::make_shared<Turns>();
  maker.addRoot(std::move(node));
  return maker.plan();
}

}  // namespace omni::routing
