// Combos: create, list, show, change, remove.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "core/routing/resolve.hpp"
#include "service/admin/answering.hpp"
#include "service/admin/combo_json.hpp"
#include "service/admin/context.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"
#include "service/admin/version.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;
using routing::Combo;

// What the handlers look at, of one moment.
struct State {
  std::shared_ptr<const AccountDirectory::Snapshot> connections;
  std::vector<Combo> combos;
  std::vector<std::string> providers;

  // `stored`: the combo that is changed.
  ComboWorld world(const Combo* stored = nullptr) const {
    return {*connections, combos, providers, stored};
  }
};

Result<State> readState(Context& context) {
  auto all = context.deps.combos.listCombos();
  if (!all) return std::unexpected(std::move(all.error()));
  return State{context.deps.accounts.snapshot(), std::move(*all), context.deps.providers.ids()};
}

Result<> checkNameIsFree(const std::vector<Combo>& all, const Combo& combo) {
  for (const Combo& other : all) {
    if (other.name != combo.name || other.id == combo.id) continue;
    return makeError(FailureKind::Conflict,
                     fmt::format("There is a combo \"{}\" already. Choose another name, or change "
                                 "that one: PUT /api/combos/{}.",
                                 combo.name, other.id),
                     "name");
  }
  return {};
}

Result<Combo> pickCombo(const std::vector<Combo>& all, const Request& request) {
  const auto found = request.params.find("id");
  const std::string wanted = found == request.params.end() ? std::string() : found->second;
  for (const Combo& combo : all) {
    if (combo.id == wanted) return combo;
  }
  for (const Combo& combo : all) {
    if (combo.name == wanted) return combo;
  }
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const Combo& combo : all) names.push_back(combo.name);
  const auto near = routing::nearestNames(wanted, names);
  return makeError(FailureKind::NotFound,
                   near.empty() ? std::string("Combo not found: none has this id or name. GET "
                                              "/api/combos lists them.")
                                : fmt::format("Combo not found; did you mean {}?", near),
                   "id");
}

Result<> store(Context& context, const Combo& combo) {
  if (auto done = context.deps.combos.putCombo(combo); !done) return done;
  if (context.deps.combos_changed) context.deps.combos_changed();
  return {};
}

Result<json::object> listCombos(Context& context, const Request&) {
  auto state = readState(context);
  if (!state) return std::unexpected(std::move(state.error()));
  json::array shown;
  for (const Combo& combo : state->combos) shown.push_back(comboRecord(combo, state->world()));
  const size_t total = shown.size();
  return json::object{{"combos", std::move(shown)}, {"total", total}};
}

void note(Context& context, const Request& request, std::string_view action, const Combo& combo,
          const json::object& detail = {}) {
  noteChange(
      context.deps.audit, context.deps.clock, request,
      {.action = action, .subject = "combo", .id = combo.id, .name = combo.name, .detail = detail});
}

// What a change of the combo left different, for people to read.
json::object differences(const Combo& before, const Combo& after) {
  json::object out;
  if (before.name != after.name) out["before"] = before.name;
  if (before.strategy != after.strategy) out["strategy"] = routing::strategyName(after.strategy);
  if (before.targets != after.targets) {
    std::string targets;
    for (const routing::Target& target : after.targets) {
      targets += (targets.empty() ? "" : " -> ") + target.text;
      if (target.weight != 1) targets += fmt::format(" (weight {})", target.weight);
    }
    out["targets"] = targets;
  }
  if (before.options != after.options) out["options"] = "changed";
  return out;
}

Result<json::object> createCombo(Context& context, const Request& request) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  const std::lock_guard lock(context.combo_writes);
  auto state = readState(context);
  if (!state) return std::unexpected(std::move(state.error()));
  Combo combo;
  combo.id = newUuid(context.deps.random);
  if (auto fine = applyComboBody(*body, state->world(), true, combo); !fine)
    return std::unexpected(std::move(fine.error()));
  combo.created_ms = combo.updated_ms = context.deps.clock.nowMs();
  if (auto fine = checkNameIsFree(state->combos, combo); !fine)
    return std::unexpected(std::move(fine.error()));
  if (auto done = store(context, combo); !done) return std::unexpected(std::move(done.error()));
  note(context, request, "combo.created", combo);
  return comboRecord(combo, state->world());
}

Result<json::object> showCombo(Context& context, const Request& request) {
  auto state = readState(context);
  if (!state) return std::unexpected(std::move(state.error()));
  auto combo = pickCombo(state->combos, request);
  if (!combo) return std::unexpected(std::move(combo.error()));
  return comboRecord(*combo, state->world());
}

Result<json::object> changeCombo(Context& context, const Request& request) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  const std::lock_guard lock(context.combo_writes);
  auto state = readState(context);
  if (!state) return std::unexpected(std::move(state.error()));
  auto combo = pickCombo(state->combos, request);
  if (!combo) return std::unexpected(std::move(combo.error()));
  const std::string before = combo->name;
  if (auto same = sameVersion(request, comboVersion(*combo), combo->id, "combo"); !same)
    return std::unexpected(std::move(same.error()));
  const Combo stored = *combo;
  if (auto fine = applyComboBody(*body, state->world(&stored), false, *combo); !fine)
    return std::unexpected(std::move(fine.error()));
  if (auto fine = checkNameIsFree(state->combos, *combo); !fine)
    return std::unexpected(std::move(fine.error()));
  combo->updated_ms = std::max(context.deps.clock.nowMs(), combo->updated_ms + 1);
  if (auto done = store(context, *combo); !done) return std::unexpected(std::move(done.error()));
  note(context, request, "combo.changed", *combo, differences(stored, *combo));
  if (before != combo->name && context.deps.renamed)
    context.deps.renamed(before, combo->name, true);
  return comboRecord(*combo, state->world());
}

Result<json::object> removeCombo(Context& context, const Request& request) {
  const std::lock_guard lock(context.combo_writes);
  auto all = context.deps.combos.listCombos();
  if (!all) return std::unexpected(std::move(all.error()));
  auto combo = pickCombo(*all, request);
  if (!combo) return std::unexpected(std::move(combo.error()));
  if (auto same = sameVersion(request, comboVersion(*combo), combo->id, "combo"); !same)
    return std::unexpected(std::move(same.error()));
  if (auto done = context.deps.combos.removeCombo(combo->id); !done)
    return std::unexpected(std::move(done.error()));
  if (context.deps.combos_changed) context.deps.combos_changed();
  note(context, request, "combo.removed", *combo);
  return json::object{{"success", true}, {"id", combo->id}, {"name", combo->name}};
}

}  // namespace

void addComboRoutes(http::RouteTable& table, const ContextPtr& context) {
  const auto add = [&](const char* method, const char* pattern, int status,
                       Result<json::object> (*handle)(Context&, const Request&)) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.needs_json = route.method == "POST" || route.method == "PUT";
    route.handler =
        guarded([context, status, handle](const Request& request, ResponseWriter& writer) {
          auto answer = handle(*context, request);
          if (!answer) return sendError(writer, answer.error());
          sendJson(writer, status, *answer);
        });
    table.push_back(std::move(route));
  };
  add("GET", "/api/combos", 200, listCombos);
  add("POST", "/api/combos", 201, createCombo);
  add("GET", "/api/combos/{id}", 200, showCombo);
  add("PUT", "/api/combos/{id}", 200, changeCombo);
  add("DELETE", "/api/combos/{id}", 200, removeCombo);
}

}  // namespace omni::admin
