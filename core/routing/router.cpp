#include "core/routing/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/access/policy.hpp"
#include "core/routing/attempts.hpp"

namespace omni::routing {
namespace {

constexpr size_t kMostPlans = 512;  // clients choose the names
constexpr size_t kLongestModel = 512;

}  // namespace

Router::Router(const RouterDeps& deps)
    : engine_(deps), catalog_(deps.providers, deps.accounts, deps.clock) {}

Result<> Router::reloadCombos() {
  auto stored = engine_.deps.combos.listCombos();
  if (!stored) return std::unexpected(std::move(stored.error()));
  // Combos from before accounts were remembered by id: from now on a rename changes nothing.
  const auto accounts = engine_.deps.accounts.snapshot();
  for (Combo& combo : *stored)
    for (Target& target : combo.targets) rememberAccount(target, *accounts);
  std::lock_guard lock(mutex_);
  std::erase_if(turns_, [&](const auto& item) {
    return std::ranges::find(*stored, item.first, &Combo::id) == stored->end();
  });
  combos_ = std::make_shared<const std::vector<Combo>>(std::move(*stored));
  return {};
}

std::shared_ptr<Turns> Router::turnsOf(const std::string& combo_id) {
  std::lock_guard lock(mutex_);
  auto& turns = turns_[combo_id];
  if (!turns) turns = std::make_shared<Turns>();
  return turns;
}

std::shared_ptr<Router::View> Router::view() {
  auto accounts = engine_.deps.accounts.snapshot();
  const uint64_t version = catalog_.version();
  std::lock_guard lock(mutex_);
  if (view_ && view_->accounts == accounts && view_->combos == combos_ &&
      view_->models_version == version)
    return view_;
  auto made = std::make_shared<View>();
  if (!view_ || view_->accounts->size() != accounts->size()) engine_.loads.keepOnly(*accounts);
  made->accounts = std::move(accounts);
  made->combos = combos_;
  made->models_version = version;
  made->providers = engine_.deps.providers.ids();
  view_ = std::move(made);
  return view_;
}

Result<std::shared_ptr<const Plan>> Router::planFor(std::string_view model) {
  const auto current = view();
  {
    std::lock_guard lock(current->mutex);
    if (const auto found = current->plans.find(model); found != current->plans.end())
      return found->second;
  }
  auto plan = makePlan(model, *current);
  if (!plan) return plan;
  std::lock_guard lock(current->mutex);
  if (current->plans.size() >= kMostPlans) current->plans.clear();
  current->plans.emplace(std::string(model), *plan);
  return plan;
}

Result<std::shared_ptr<const Plan>> Router::makePlan(std::string_view model, const View& view) {
  const std::function<std::shared_ptr<Turns>(const std::string&)> turns =
      [this](const std::string& id) { return turnsOf(id); };
  const std::function<bool(const Connection&, std::string_view)> lacks =
      [this](const Connection& account, std::string_view name) {
        if (name == kDefaultModel) return false;
        const auto list = catalog_.of(account.id);
        return list && !list->empty() && findModel(*list, name).empty();
      };
  const PlanSources sources{view.accounts, *view.combos, view.providers,
                            engine_.loads, turns,        lacks};
  const auto combo = std::ranges::find(*view.combos, model, &Combo::name);
  if (combo != view.combos->end()) return planCombo(*combo, sources);
  if (model.empty() || model.size() > kLongestModel)
    return makeError(FailureKind::NotFound,
                     "there is no such combo, account or model; GET /v1/models lists what there is",
                     "model");
  auto found = resolveTarget(model, *view.accounts, view.providers);
  if (!found && !model.contains('/')) found = bareModel(model, view, std::move(found.error()));
  if (!found) return std::unexpected(std::move(found.error()));
  return planCandidates(*found, sources);
}

Result<std::vector<Candidate>> Router::bareModel(std::string_view model, const View& view,
                                                 Error not_found) const {
  std::vector<Candidate> out;
  std::set<std::string> names;
  for (const Combo& combo : *view.combos) names.insert(combo.name);
  for (const Connection& account : *view.accounts) {
    names.insert(account.provider + "/" + account.name);
    const auto list = catalog_.of(account.id);
    if (!list) continue;
    if (auto id = findModel(*list, model); !id.empty()) out.push_back({&account, std::move(id)});
    for (const CatalogModel& known : *list) names.insert(known.id);
  }
  if (!out.empty()) return out;
  if (const auto near = nearestNames(model, {names.begin(), names.end()}); !near.empty())
    not_found.message =
        fmt::format("there is no combo, account or model \"{}\"; did you mean {}?", model, near);
  return std::unexpected(std::move(not_found));
}

Result<> Router::complete(const chat::ChatRequest& request, chat::EventSink& sink,
                          const CancelToken& cancel, RouteReport& report) {
  const auto plan = planFor(request.model);
  if (!plan) return std::unexpected(plan.error());
  return Attempts(engine_, **plan, request, sink, cancel, report).run();
}

Result<std::vector<ModelEntry>> Router::models() {
  const auto current = view();
  std::vector<ModelEntry> out;
  for (const Combo& combo : *current->combos) out.push_back({combo.name, "combo", 0, 0});
  std::ranges::sort(out, {}, &ModelEntry::id);
  for (const Connection& account : *current->accounts) {
    if (account.state.state == AccountState::Disabled) continue;
    const std::string name = account.provider + "/" + account.name;
    out.push_back({name, account.provider, 0, 0});
    const auto list = catalog_.of(account.id);
    if (!list) continue;
    for (const CatalogModel& model : *list)
      out.push_back(
          {name + "/" + model.id, account.provider, model.context_window, model.max_output});
  }
  return out;
}

bool Router::answers(std::string_view pattern, bool is_combo) {
  if (pattern.find_first_not_of('*') == std::string_view::npos) return true;
  const auto current = view();
  const auto fits = [&](std::string_view name) { return access::matches(pattern, name); };
  if (is_combo) return std::ranges::any_of(*current->combos, fits, &Combo::name);
  const auto listless = [&](const Connection& account) {
    const auto list = catalog_.of(account.id);
    return !list || list->empty();
  };
  const auto star = pattern.find('*');
  // A date, which any name may carry: whether it means something, only the request shows.
  if (star != std::string_view::npos && pattern.contains("-20")) return true;
  if (star == std::string_view::npos) {
    // A key's list of models does not open combos.
    if (std::ranges::find(*current->combos, pattern, &Combo::name) != current->combos->end())
      return false;
    const auto plan = planFor(pattern);
    if (plan) return !std::ranges::all_of((*plan)->candidates, &PlanCandidate::lacks_model);
    return !pattern.contains('/') && std::ranges::any_of(*current->accounts, listless);
  }
  // A name that begins so may yet be found to be there.
  const std::string_view head = pattern.substr(0, star);
  const auto could = [&](const Connection& account) {
    const std::string provider = account.provider + "/";
    const std::string name = provider + account.name + "/";
    return !head.contains('/') || head.starts_with(name) ||
           (head.starts_with(provider) && !head.substr(provider.size()).contains('/'));
  };
  return std::ranges::any_of(*current->accounts, [&](const Connection& account) {
    const std::string name = account.provider + "/" + account.name;
    if (fits(account.provider) || fits(name)) return true;
    if (listless(account)) return could(account);
    const auto list = catalog_.of(account.id);
    return list && std::ranges::any_of(*list, [&](const CatalogModel& model) {
             return std::ranges::any_of(spellings(model.id), [&](const std::string& form) {
               return fits(form) || fits(account.provider + "/" + form) || fits(name + "/" + form);
             });
           });
  });
}

Result<Explanation> Router::explain(const chat::ChatRequest& request) {
  auto found = planFor(request.model);
  if (!found) return std::unexpected(std::move(found.error()));
  const Plan& plan = **found;
  const int64_t now = engine_.deps.clock.nowMs();
  std::vector<Standing> standings;
  std::vector<uint32_t> order;
  engine_.assess(plan, request.connection, now, standings);
  for (size_t i = 0; i < standings.size(); ++i) {
    const Standing current = engine_.standing(plan.candidates[i], now);
    if (standings[i].why != Why::NotPinned && current.tier > standings[i].tier)
      standings[i].tier = current.tier, standings[i].why = current.why;
  }
  orderCandidates(plan, standings, false, order);

  Explanation out;
  out.model = request.model;
  out.combo = plan.combo;
  out.strategy = strategyName(plan.nodes.front().strategy);
  out.missing = plan.missing;
  if (const SessionKey key = sessionKey(request); plan.options.sticky && !request.session.empty())
    if (const auto place = engine_.sessions.find(key.value, now))
      for (const uint64_t account : {place->away, place->home}) {
        const auto at = std::ranges::find_if(order, [&](uint32_t i) {
          return plan.candidates[i].account_key == account && standings[i].tier == Tier::Ready;
        });
        if (at == order.end()) continue;
        std::rotate(order.begin(), at, at + 1);
        out.sticky = true;
      }
  for (const uint32_t i : order) {
    const PlanCandidate& candidate = plan.candidates[i];
    const Standing& standing = standings[i];
    ExplainedCandidate line;
    line.provider = candidate.connection->provider;
    line.connection_id = candidate.connection->id;
    line.connection_name = candidate.connection->name;
    line.model = candidate.model;
    line.verdict = standing.tier == Tier::Excluded     ? "excluded"
                   : out.candidates.empty()            ? "picked"
                   : standing.tier == Tier::LastResort ? "last resort"
                                                       : "fallback";
    line.reason = whyText(standing.why);
    line.detail = engine_.reason(candidate, standing, now);
    line.until_ms = standing.until_ms;
    line.in_flight = standing.in_flight;
    line.served = candidate.load->served();
    line.remaining = standing.remaining;
    line.resets_at_ms = standing.resets_at_ms;
    if (standing.until_ms > now && (out.back_at_ms < 0 || standing.until_ms < out.back_at_ms))
      out.back_at_ms = standing.until_ms;
    out.candidates.push_back(std::move(line));
  }
  if (!out.candidates.empty() && out.candidates.front().verdict == "picked") out.back_at_ms = -1;
  return out;
}

}  // namespace omni::routing
