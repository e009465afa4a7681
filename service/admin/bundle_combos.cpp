// The combos of a bundle. They name accounts by id, and a bundle keeps the ids of its accounts.

#include <fmt/format.h>

#include <algorithm>

#include "service/admin/combo_json.hpp"
#include "service/admin/transfer_context.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using routing::Combo;

struct World {
  std::vector<Connection> connections;
  std::vector<Combo> combos;
  std::vector<std::string> providers;
  ComboWorld view() const { return {connections, combos, providers}; }
};

Result<World> worldOf(TransferContext& context) {
  World out;
  auto accounts = context.deps.accounts.list();
  if (!accounts) return std::unexpected(std::move(accounts.error()));
  auto combos = context.deps.combos->listCombos();
  if (!combos) return std::unexpected(std::move(combos.error()));
  return World{std::move(*accounts), std::move(*combos), context.deps.providers.ids()};
}

std::string textOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

json::object result(std::string_view name, const char* what, std::string_view reason) {
  json::object out{{"name", name}, {"result", what}};
  if (!reason.empty()) out["reason"] = reason;
  return out;
}

// nullopt: a combo that it names is not here (yet).
std::optional<json::object> take(TransferContext& context, const json::object& given, bool last) {
  const std::string name = textOf(given, "name");
  auto world = worldOf(context);
  if (!world) return result(name, "refused", world.error().message);
  Combo combo;
  combo.id = textOf(given, "id");
  if (combo.id.empty()) return result(name, "refused", "The bundle's entry lacks its id.");
  for (const Combo& other : world->combos)
    if (other.id == combo.id || other.name == name)
      return result(name, "skipped", "A combo with this id or name is here already.");
  json::object body;
  for (const char* key : {"name", "strategy", "targets", "options"})
    if (const json::value* value = given.if_contains(key)) body[key] = *value;
  if (auto fine = applyComboBody(body, world->view(), true, combo); !fine) {
    if (!last) return std::nullopt;
    return result(name, "refused", fine.error().message);
  }
  combo.created_ms = combo.updated_ms = context.deps.clock.nowMs();
  if (auto stored = context.deps.combos->putCombo(combo); !stored)
    return result(name, "refused", stored.error().message);
  return result(name, "imported", {});
}

}  // namespace

Result<json::array> bundleCombos(TransferContext& context) {
  json::array out;
  if (context.deps.combos == nullptr) return out;
  auto world = worldOf(context);
  if (!world) return std::unexpected(std::move(world.error()));
  for (const Combo& combo : world->combos) out.push_back(comboRecord(combo, world->view()));
  return out;
}

json::array importCombos(TransferContext& context, const json::object& contents) {
  json::array results;
  const json::value* list = contents.if_contains("combos");
  if (context.deps.combos == nullptr || list == nullptr || !list->is_array()) return results;
  std::vector<const json::object*> waiting;
  for (const json::value& item : list->get_array())
    if (const json::object* combo = item.if_object()) waiting.push_back(combo);
  bool any = false;
  // A combo may name another one: whatever becomes possible by the others gets its turn.
  for (bool progress = true; !waiting.empty();) {
    std::vector<const json::object*> later;
    const bool last = !progress;
    progress = false;
    for (const json::object* combo : waiting) {
      auto done = take(context, *combo, last);
      if (!done) {
        later.push_back(combo);
        continue;
      }
      progress = true;
      any = any || done->at("result") == "imported";
      results.push_back(std::move(*done));
    }
    waiting = std::move(later);
  }
  if (any && context.deps.combos_changed) context.deps.combos_changed();
  return results;
}

}  // namespace omni::admin
