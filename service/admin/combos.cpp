// Combos: create, list, show, change, remove.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "core/routing/resolve.hpp"
#include "service/admin/context.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;
using routing::Combo;
using routing::Strategy;

constexpr size_t kMaxTargets = 100;
constexpr size_t kMaxTargetBytes = 400;

std::string_view strategyName(Strategy strategy) {
  return strategy == Strategy::RoundRobin ? "round-robin" : "priority";
}

json::object comboRecord(const Combo& combo) {
  json::array models;
  for (const routing::Target& target : combo.targets) models.emplace_back(target.text);
  return {{"id", combo.id},
          {"name", combo.name},
          {"strategy", strategyName(combo.strategy)},
          {"models", std::move(models)},
          {"createdAt", isoTime(combo.created_ms)},
          {"updatedAt", isoTime(combo.updated_ms)}};
}

Result<Strategy> parseStrategy(std::string_view text) {
  if (text == "priority") return Strategy::Priority;
  if (text == "round-robin") return Strategy::RoundRobin;
  return makeError(
      FailureKind::BadRequest,
      fmt::format("Unknown strategy \"{}\". Use \"priority\" (in the order given, the next "
                  "when one fails) or \"round-robin\" (each in turn).",
                  shownName(text)),
      "strategy");
}

Result<> checkTarget(std::string_view text, const std::string& path) {
  const auto parts = 1 + std::count(text.begin(), text.end(), '/');
  const bool gap = text.empty() || text.front() == '/' || text.back() == '/' ||
                   text.find("//") != std::string_view::npos;
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
  });
  if (parts < 2 || gap || control || text.size() > kMaxTargetBytes) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("\"{}\" must be provider/account, provider/account/model or "
                                 "provider/model, for example \"kiro/kiro-dev\".",
                                 path),
                     path);
  }
  return {};
}

// OmniRoute's object form of a step becomes the text form. A pin by id becomes a pin by the
// account's name.
Result<std::string> targetText(Context& context, const json::object& step,
                               const std::string& path) {
  const std::string prefix = path + ".";
  if (auto fine = refuseUnknown(
          step, {"kind", "provider", "providerId", "connection", "connectionId", "model"}, prefix);
      !fine)
    return std::unexpected(std::move(fine.error()));
  std::map<std::string_view, std::string> words;
  for (const std::string_view key :
       {"kind", "provider", "providerId", "connection", "connectionId", "model"}) {
    auto word = stringMember(step, key, prefix);
    if (!word) return std::unexpected(std::move(word.error()));
    if (word->has_value()) words[key] = std::move(**word);
  }
  if (words.contains("kind") && words["kind"] != "model") {
    return makeError(
        FailureKind::BadRequest,
        fmt::format("\"{0}kind\" must be \"model\": a combo cannot contain a combo.", prefix),
        prefix + "kind");
  }
  std::string provider = words.contains("provider") ? words["provider"] : words["providerId"];
  std::string account = words["connection"];
  if (words.contains("connectionId")) {
    auto connection = context.deps.accounts.get(words["connectionId"]);
    if (!connection && connection.error().kind != FailureKind::NotFound)
      return std::unexpected(std::move(connection.error()));
    if (!connection || (!provider.empty() && connection->provider != provider)) {
      return makeError(FailureKind::BadRequest,
                       fmt::format("\"{}connectionId\" is not the id of an account{}.", prefix,
                                   provider.empty() ? "" : " of this provider"),
                       prefix + "connectionId");
    }
    provider = connection->provider;
    account = connection->name;
  }
  const std::string& model = words["model"];
  if (provider.empty() || (account.empty() && model.empty())) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("\"{}\" needs \"provider\" and at least one of \"connection\", "
                                 "\"connectionId\" and \"model\".",
                                 path),
                     path);
  }
  // OmniRoute writes the provider before the model too.
  std::string bare = model.starts_with(provider + "/") ? model.substr(provider.size() + 1) : model;
  std::string text = provider;
  if (!account.empty()) text += "/" + account;
  if (!bare.empty()) text += "/" + bare;
  return text;
}

Result<std::vector<routing::Target>> parseTargets(Context& context, const json::value& list,
                                                  std::string_view key) {
  if (!list.is_array() || list.as_array().empty() || list.as_array().size() > kMaxTargets) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("\"{}\" must be a list of 1 to {} targets, for example "
                                 "[\"kiro/kiro-dev\", \"kiro/kiro-pro\"].",
                                 key, kMaxTargets),
                     std::string(key));
  }
  std::vector<routing::Target> targets;
  for (const json::value& item : list.as_array()) {
    const std::string path = fmt::format("{}[{}]", key, targets.size());
    std::string text;
    if (item.is_string()) {
      text = std::string(item.as_string());
    } else if (item.is_object()) {
      auto made = targetText(context, item.as_object(), path);
      if (!made) return std::unexpected(std::move(made.error()));
      text = std::move(*made);
    } else {
      return makeError(FailureKind::BadRequest,
                       fmt::format("\"{}\" must be a string or an object.", path), path);
    }
    if (auto fine = checkTarget(text, path); !fine) return std::unexpected(std::move(fine.error()));
    const bool twice =
        std::any_of(targets.begin(), targets.end(),
                    [&](const routing::Target& other) { return other.text == text; });
    if (twice) {
      return makeError(FailureKind::BadRequest, fmt::format("\"{}\" is in the list already.", path),
                       path);
    }
    targets.push_back({std::move(text)});
  }
  return targets;
}

// Takes over what the body says. A new combo needs name and targets; a change needs only what
// changes.
Result<> applyBody(Context& context, const Request& request, Combo& combo, bool is_new) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto fine = refuseUnknown(*body, {"name", "strategy", "models", "targets"}); !fine)
    return fine;
  auto name = stringMember(*body, "name");
  if (!name) return std::unexpected(std::move(name.error()));
  if (is_new || name->has_value()) {
    if (auto fine = checkName(name->value_or(""), "name"); !fine) return fine;
    combo.name = std::move(**name);
  }
  auto strategy = stringMember(*body, "strategy");
  if (!strategy) return std::unexpected(std::move(strategy.error()));
  if (strategy->has_value()) {
    auto parsed = parseStrategy(**strategy);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    combo.strategy = *parsed;
  }
  const json::value* models = body->if_contains("models");
  const json::value* targets = body->if_contains("targets");
  if (models != nullptr && targets != nullptr) {
    return makeError(FailureKind::BadRequest,
                     "\"models\" and \"targets\" mean the same: send one of them.", "targets");
  }
  const json::value* list = models != nullptr ? models : targets;
  if (list != nullptr || is_new) {
    auto parsed = parseTargets(context, list != nullptr ? *list : json::value(nullptr),
                               targets != nullptr ? "targets" : "models");
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    combo.targets = std::move(*parsed);
  }
  return routing::validateCombo(combo, context.deps.providers.ids());
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
  return makeError(FailureKind::NotFound,
                   "Combo not found: none has this id or name. GET /api/combos lists them.", "id");
}

Result<> store(Context& context, const Combo& combo) {
  if (auto done = context.deps.combos.putCombo(combo); !done) return done;
  if (context.deps.combos_changed) context.deps.combos_changed();
  return {};
}

Result<json::object> listCombos(Context& context, const Request&) {
  auto all = context.deps.combos.listCombos();
  if (!all) return std::unexpected(std::move(all.error()));
  json::array shown;
  for (const Combo& combo : *all) shown.push_back(comboRecord(combo));
  const size_t total = shown.size();
  return json::object{{"combos", std::move(shown)}, {"total", total}};
}

Result<json::object> createCombo(Context& context, const Request& request) {
  Combo combo;
  if (auto fine = applyBody(context, request, combo, true); !fine)
    return std::unexpected(std::move(fine.error()));
  combo.id = newUuid(context.deps.random);
  combo.created_ms = combo.updated_ms = context.deps.clock.nowMs();
  const std::lock_guard lock(context.combo_writes);
  auto all = context.deps.combos.listCombos();
  if (!all) return std::unexpected(std::move(all.error()));
  if (auto fine = checkNameIsFree(*all, combo); !fine)
    return std::unexpected(std::move(fine.error()));
  if (auto done = store(context, combo); !done) return std::unexpected(std::move(done.error()));
  return comboRecord(combo);
}

Result<json::object> showCombo(Context& context, const Request& request) {
  auto all = context.deps.combos.listCombos();
  if (!all) return std::unexpected(std::move(all.error()));
  auto combo = pickCombo(*all, request);
  if (!combo) return std::unexpected(std::move(combo.error()));
  return comboRecord(*combo);
}

Result<json::object> changeCombo(Context& context, const Request& request) {
  const std::lock_guard lock(context.combo_writes);
  auto all = context.deps.combos.listCombos();
  if (!all) return std::unexpected(std::move(all.error()));
  auto combo = pickCombo(*all, request);
  if (!combo) return std::unexpected(std::move(combo.error()));
  if (auto fine = applyBody(context, request, *combo, false); !fine)
    return std::unexpected(std::move(fine.error()));
  if (auto fine = checkNameIsFree(*all, *combo); !fine)
    return std::unexpected(std::move(fine.error()));
  combo->updated_ms = context.deps.clock.nowMs();
  if (auto done = store(context, *combo); !done) return std::unexpected(std::move(done.error()));
  return comboRecord(*combo);
}

Result<json::object> removeCombo(Context& context, const Request& request) {
  const std::lock_guard lock(context.combo_writes);
  auto all = context.deps.combos.listCombos();
  if (!all) return std::unexpected(std::move(all.error()));
  auto combo = pickCombo(*all, request);
  if (!combo) return std::unexpected(std::move(combo.error()));
  if (auto done = context.deps.combos.removeCombo(combo->id); !done)
    return std::unexpected(std::move(done.error()));
  if (context.deps.combos_changed) context.deps.combos_changed();
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
