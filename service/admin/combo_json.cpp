#include "service/admin/combo_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <map>

#include "core/routing/resolve.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"
#include "service/admin/version.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using routing::AccountRef;
using routing::Combo;
using routing::Pin;
using routing::Target;

constexpr size_t kMaxTargets = 100;
constexpr size_t kMaxTargetBytes = 400;
constexpr int64_t kMinute = 60000;

std::unexpected<Error> bad(std::string field, std::string message) {
  return makeError(FailureKind::BadRequest, std::move(message), std::move(field));
}

// An error of core/routing about a target, said about the member of this body.
std::unexpected<Error> at(const std::string& path, Error error) {
  return bad(path, fmt::format("\"{}\": {}", path, error.message));
}

Result<int64_t> number(const json::value& value, const std::string& path, int64_t low,
                       int64_t high) {
  boost::system::error_code code;
  const auto out = value.is_number() && !value.is_double() ? value.to_number<int64_t>(code) : -1;
  if (!value.is_number() || value.is_double() || code || out < low || out > high)
    return bad(path, fmt::format("\"{}\" must be a whole number from {} to {}.", path, low, high));
  return out;
}

const Combo* comboByName(const ComboWorld& world, std::string_view name) {
  const auto found = std::ranges::find(world.combos, name, &Combo::name);
  return found == world.combos.end() ? nullptr : &*found;
}

Result<Target> comboTarget(std::string_view name, const ComboWorld& world,
                           const std::string& path) {
  const Combo* combo = comboByName(world, name);
  if (!combo) {
    std::vector<std::string> names = world.providers;
    for (const Combo& other : world.combos) names.push_back(other.name);
    const auto near = routing::nearestNames(name, names);
    return bad(path, fmt::format("\"{}\": there is no combo \"{}\"{}.", path, shownName(name),
                                 near.empty() ? "" : "; did you mean " + near + "?"));
  }
  Target target;
  target.text = combo->name;
  target.combo_id = combo->id;
  return target;
}

// provider, provider/account, provider/account/model, provider/model or a combo's name.
Result<Target> textTarget(const std::string& text, const ComboWorld& world,
                          const std::string& path) {
  const bool gap = text.empty() || text.front() == '/' || text.back() == '/' ||
                   text.find("//") != std::string::npos;
  const bool control = std::ranges::any_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
  });
  if (gap || control || text.size() > kMaxTargetBytes)
    return bad(path, fmt::format("\"{}\" must be a provider, provider/account, "
                                 "provider/account/model, provider/model or a combo's name, for "
                                 "example \"kiro/kiro-dev\".",
                                 path));
  const auto provider = std::string_view(text).substr(0, text.find('/'));
  const bool known = std::ranges::find(world.providers, provider) != world.providers.end();
  if (!known && text.find('/') == std::string::npos) return comboTarget(text, world, path);
  Target target;
  target.text = text;
  // Before the first account is there, a combo may be made ready for it.
  if (known && std::ranges::any_of(world.connections,
                                   [&](const Connection& c) { return c.provider == provider; }))
    if (auto found = routing::resolveTarget(text, world.connections, world.providers); !found)
      return at(path, std::move(found.error()));
  routing::rememberAccount(target, world.connections);
  return target;
}

// One account of an object target: its name or id, or {"id","name"} as the record shows it.
Result<AccountRef> accountRef(const json::value& value, const std::string& provider,
                              const ComboWorld& world, const std::string& path) {
  std::string id, name;
  if (value.is_string()) {
    id = name = std::string(value.get_string());
  } else if (value.is_object()) {
    if (auto fine = refuseUnknown(value.get_object(), {"id", "name"}, path + "."); !fine)
      return std::unexpected(std::move(fine.error()));
    for (const auto& [key, out] : {std::pair("id", &id), std::pair("name", &name)}) {
      auto word = stringMember(value.get_object(), key, path + ".");
      if (!word) return std::unexpected(std::move(word.error()));
      *out = word->value_or("");
    }
  } else {
    return bad(path, fmt::format("\"{}\" must be an account's name or id.", path));
  }
  const auto mine = [&](const Connection& c) { return provider.empty() || c.provider == provider; };
  const Connection* by_name = nullptr;
  for (const Connection& c : world.connections) {
    if (!mine(c)) continue;
    if (!id.empty() && c.id == id) return AccountRef{c.id, c.name};
    if (!name.empty() && c.name == name) by_name = &c;
  }
  if (by_name) return AccountRef{by_name->id, by_name->name};
  std::vector<std::string> names;
  for (const Connection& c : world.connections)
    if (mine(c)) names.push_back(c.name);
  const auto near = routing::nearestNames(name.empty() ? id : name, names);
  return bad(path, fmt::format("\"{}\" is not the name or id of an account{}{}.", path,
                               provider.empty() ? "" : " of this provider",
                               near.empty() ? "" : "; did you mean " + near + "?"));
}

struct Words {
  std::map<std::string_view, std::string> text;
  const std::string& operator[](std::string_view key) { return text[key]; }
};

Result<Words> readWords(const json::object& step, const std::string& prefix) {
  Words words;
  for (const std::string_view key : {"kind", "provider", "providerId", "connection", "connectionId",
                                     "model", "combo", "comboName", "text", "pin"}) {
    auto word = stringMember(step, key, prefix);
    if (!word) return std::unexpected(std::move(word.error()));
    if (word->has_value()) words.text[key] = std::move(**word);
  }
  return words;
}

Result<std::vector<AccountRef>> readAccounts(const json::object& step, Words& words,
                                             const std::string& provider, const ComboWorld& world,
                                             const std::string& prefix) {
  std::vector<AccountRef> out;
  std::string given;
  for (const std::string_view key :
       {"connection", "connectionId", "connections", "connectionIds", "allowedConnectionIds"}) {
    const auto* value = step.if_contains(key);
    if (!value || value->is_null()) continue;
    if (!given.empty())
      return bad(prefix + std::string(key),
                 fmt::format("\"{0}{1}\" and \"{0}{2}\" mean the same: send one of them.", prefix,
                             given, key));
    given = key;
    const std::string path = prefix + given;
    if (!key.ends_with('s')) {
      auto ref = accountRef(json::value(words[key]), provider, world, path);
      if (!ref) return std::unexpected(std::move(ref.error()));
      out.push_back(std::move(*ref));
      continue;
    }
    if (!value->is_array() || value->get_array().empty() || value->get_array().size() > kMaxTargets)
      return bad(path, fmt::format("\"{}\" must be a list of 1 to {} accounts, by name or id.",
                                   path, kMaxTargets));
    for (const auto& item : value->get_array()) {
      auto ref = accountRef(item, provider, world, fmt::format("{}[{}]", path, out.size()));
      if (!ref) return std::unexpected(std::move(ref.error()));
      if (std::ranges::find(out, *ref) != out.end())
        return bad(fmt::format("{}[{}]", path, out.size()),
                   fmt::format("\"{}[{}]\" is in the list already.", path, out.size()));
      out.push_back(std::move(*ref));
    }
  }
  return out;
}

// The target with the step's weight and pin.
Result<Target> weighed(Target target, const json::object& step, const std::string& pin,
                       const std::string& prefix);

// Own form, and OmniRoute's steps.
Result<Target> objectTarget(const json::object& step, const ComboWorld& world,
                            const std::string& path) {
  const std::string prefix = path + ".";
  if (auto fine = refuseUnknown(step,
                                {"kind", "provider", "providerId", "connection", "connectionId",
                                 "connections", "connectionIds", "allowedConnectionIds", "model",
                                 "combo", "comboName", "text", "pin", "weight"},
                                prefix);
      !fine)
    return std::unexpected(std::move(fine.error()));
  auto read = readWords(step, prefix);
  if (!read) return std::unexpected(std::move(read.error()));
  Words& words = *read;
  const std::string& kind = words["kind"];
  if (!kind.empty() && kind != "model" && kind != "combo" && kind != "combo-ref")
    return bad(prefix + "kind",
               fmt::format("\"{}kind\" must be \"model\" or \"combo-ref\".", prefix));
  const std::string combo = words["combo"].empty() ? words["comboName"] : words["combo"];
  if (kind.starts_with("combo") && combo.empty())
    return bad(prefix + "combo", fmt::format("\"{}combo\" must name a combo.", prefix));

  std::string provider = words["provider"].empty() ? words["providerId"] : words["provider"];
  auto accounts = readAccounts(step, words, provider, world, prefix);
  if (!accounts) return std::unexpected(std::move(accounts.error()));
  // OmniRoute writes the provider before the model too.
  std::string model = words["model"];
  if (!accounts->empty() && provider.empty())
    for (const Connection& c : world.connections)
      if (c.id == accounts->front().id) provider = c.provider;
  if (!provider.empty() && model.starts_with(provider + "/")) model.erase(0, provider.size() + 1);

  Result<Target> target;
  if (!combo.empty()) {
    if (!accounts->empty() || !provider.empty() || !model.empty() || !words["text"].empty())
      return bad(prefix + "combo",
                 fmt::format("\"{}combo\" stands alone: no provider, account or model beside it.",
                             prefix));
    target = comboTarget(combo, world, prefix + "combo");
  } else if (!words["text"].empty()) {
    if (!accounts->empty() || !provider.empty() || !model.empty())
      return bad(
          prefix + "text",
          fmt::format("\"{}text\" stands alone: no provider, account or model beside it.", prefix));
    target = textTarget(words["text"], world, prefix + "text");
  } else if (provider.empty()) {
    return bad(path, fmt::format("\"{}\" needs \"provider\", \"connection\", \"combo\" or "
                                 "\"text\".",
                                 path));
  } else if (!accounts->empty()) {
    for (const AccountRef& ref : *accounts) {
      const auto found = std::ranges::find(world.connections, ref.id, &Connection::id);
      if (found != world.connections.end() && found->provider != provider)
        return bad(prefix + "connections",
                   fmt::format("\"{}\": all accounts of a target are of one provider.", path));
    }
    target = Target{};
    target->accounts = std::move(*accounts);
    target->model = model;
    target->text = fmt::format("{}/{}{}{}", provider, target->accounts.front().name,
                               model.empty() ? "" : "/", model);
  } else {
    target = textTarget(model.empty() ? provider : provider + "/*/" + model, world, path);
    // The short form is what people write; it differs only when an account has the model's name.
    if (target && !model.empty() &&
        std::ranges::none_of(world.connections,
                             [&](const Connection& c) {
                               return c.provider == provider &&
                                      c.name == model.substr(0, model.find('/'));
                             }) &&
        model.find('/') == std::string::npos)
      target->text = provider + "/" + model;
  }
  if (!target) return target;
  return weighed(std::move(*target), step, words["pin"], prefix);
}

Result<Target> weighed(Target target, const json::object& step, const std::string& pin,
                       const std::string& prefix) {
  if (!pin.empty()) {
    if (pin != "strict" && pin != "soft")
      return bad(prefix + "pin", fmt::format("\"{}pin\" must be \"strict\" (these accounts only) "
                                             "or \"soft\" (these first, then the provider's "
                                             "others).",
                                             prefix));
    target.pin = pin == "soft" ? Pin::Soft : Pin::Strict;
  }
  if (const auto* weight = step.if_contains("weight"); weight && !weight->is_null()) {
    auto value = number(*weight, prefix + "weight", 0, routing::kMaxWeight);
    if (!value) return std::unexpected(std::move(value.error()));
    target.weight = static_cast<uint32_t>(*value);
  }
  return target;
}

json::object targetRecord(const Target& target, const ComboWorld& world);

// What the combo has already, as its record shows it, it may keep: an account or combo that is no
// more is no reason to refuse new weights. nullopt: it has no such target.
std::optional<Result<Target>> keptTarget(const json::value& item, const ComboWorld& world,
                                         const std::string& path) {
  if (!world.stored || !item.is_object()) return std::nullopt;
  const auto without = [](json::object record) {
    record.erase("weight");
    record.erase("pin");
    return record;
  };
  const json::object& step = item.get_object();
  const json::object wanted = without(step);
  for (const Target& target : world.stored->targets) {
    if (without(targetRecord(target, world)) != wanted) continue;
    auto words = readWords(step, path + ".");
    if (!words) return std::unexpected(std::move(words.error()));
    return weighed(target, step, (*words)["pin"], path + ".");
  }
  return std::nullopt;
}

Result<std::vector<Target>> readTargets(const json::value& list, std::string_view key,
                                        const ComboWorld& world) {
  if (!list.is_array() || list.as_array().empty() || list.as_array().size() > kMaxTargets)
    return bad(std::string(key),
               fmt::format("\"{}\" must be a list of 1 to {} targets, for example "
                           "[\"kiro/kiro-dev\", \"kiro/kiro-pro\"].",
                           key, kMaxTargets));
  std::vector<Target> targets;
  for (const json::value& item : list.as_array()) {
    const std::string path = fmt::format("{}[{}]", key, targets.size());
    if (!item.is_string() && !item.is_object())
      return bad(path, fmt::format("\"{}\" must be a string or an object.", path));
    auto target = item.is_string() ? textTarget(std::string(item.get_string()), world, path)
                                   : objectTarget(item.get_object(), world, path);
    if (!target)
      if (auto kept = keptTarget(item, world, path)) target = std::move(*kept);
    if (!target) return std::unexpected(std::move(target.error()));
    if (std::ranges::any_of(targets, [&](const Target& other) {
          return other.text == target->text && other.accounts == target->accounts;
        }))
      return bad(path, fmt::format("\"{}\" is in the list already.", path));
    targets.push_back(std::move(*target));
  }
  return targets;
}

Result<> readOptions(const json::value& value, routing::ComboOptions& out) {
  if (value.is_null()) {
    out = {};
    return {};
  }
  if (!value.is_object()) return bad("options", "\"options\" must be an object.");
  const auto& object = value.get_object();
  if (auto fine = refuseUnknown(
          object, {"sticky", "sessionMinutes", "maxAttempts", "retries", "maxWaitMs"}, "options.");
      !fine)
    return fine;
  auto sticky = boolMember(object, "sticky", "options.");
  if (!sticky) return std::unexpected(std::move(sticky.error()));
  if (sticky->has_value()) out.sticky = **sticky;
  const auto read = [&](const char* name, int64_t low, int64_t high, auto store) -> Result<> {
    const auto* member = object.if_contains(name);
    if (!member) return {};
    // null: back to the default.
    if (member->is_null()) {
      store(std::nullopt);
      return {};
    }
    auto given = number(*member, fmt::format("options.{}", name), low, high);
    if (!given) return std::unexpected(std::move(given.error()));
    store(std::optional(*given));
    return {};
  };
  const routing::ComboOptions plain;
  if (auto fine = read("sessionMinutes", 1, 10080,
                       [&](std::optional<int64_t> v) {
                         out.session_ttl_ms = v ? *v * kMinute : plain.session_ttl_ms;
                       });
      !fine)
    return fine;
  if (auto fine = read("maxAttempts", 0, 64,
                       [&](std::optional<int64_t> v) {
                         out.max_attempts = static_cast<int32_t>(v.value_or(plain.max_attempts));
                       });
      !fine)
    return fine;
  if (auto fine = read("retries", 0, 2,
                       [&](std::optional<int64_t> v) {
                         out.retries = static_cast<int32_t>(v.value_or(plain.retries));
                       });
      !fine)
    return fine;
  return read("maxWaitMs", 0, 30000,
              [&](std::optional<int64_t> v) { out.max_wait_ms = v.value_or(plain.max_wait_ms); });
}

json::object targetRecord(const Target& target, const ComboWorld& world) {
  json::object out;
  if (!target.combo_id.empty()) {
    const Combo* combo = routing::comboOf(target, world.combos);
    out["combo"] = combo ? combo->name : target.text;
  } else if (target.accounts.empty()) {
    out["text"] = target.text;
  } else {
    out["provider"] = target.text.substr(0, target.text.find('/'));
    json::array accounts;
    for (const AccountRef& ref : target.accounts) {
      const auto found = std::ranges::find(world.connections, ref.id, &Connection::id);
      accounts.push_back(
          {{"id", ref.id}, {"name", found != world.connections.end() ? found->name : ref.name}});
    }
    out["connections"] = std::move(accounts);
    if (!target.model.empty()) out["model"] = target.model;
    out["pin"] = target.pin == Pin::Soft ? "soft" : "strict";
  }
  out["weight"] = target.weight;
  return out;
}

}  // namespace

std::string comboVersion(const Combo& combo) {
  return versionOf({combo.id, std::to_string(combo.updated_ms)});
}

json::object comboRecord(const Combo& combo, const ComboWorld& world) {
  json::array models, targets, missing;
  for (const Target& target : combo.targets) {
    const Combo* nested = routing::comboOf(target, world.combos);
    const std::string text = nested ? nested->name : routing::targetText(target, world.connections);
    models.emplace_back(text);
    targets.push_back(targetRecord(target, world));
    std::vector<std::string> gone;
    if (!target.combo_id.empty()) {
      if (!nested) gone.push_back(text);
    } else if (!target.accounts.empty()) {
      (void)routing::resolvePinned(target, world.connections, gone);
    } else if (!routing::resolveTarget(text, world.connections, world.providers)) {
      gone.push_back(text);
    }
    for (std::string& name : gone) missing.emplace_back(std::move(name));
  }
  const auto& options = combo.options;
  return {{"id", combo.id},
          {"name", combo.name},
          {"strategy", routing::strategyName(combo.strategy)},
          {"models", std::move(models)},
          {"targets", std::move(targets)},
          {"missing", std::move(missing)},
          {"options",
           {{"sticky", options.sticky},
            {"sessionMinutes", options.session_ttl_ms / kMinute},
            {"maxAttempts", options.max_attempts},
            {"retries", options.retries < 0 ? json::value(nullptr) : json::value(options.retries)},
            {"maxWaitMs", options.max_wait_ms}}},
          {"version", comboVersion(combo)},
          {"createdAt", isoTime(combo.created_ms)},
          {"updatedAt", isoTime(combo.updated_ms)}};
}

Result<> applyComboBody(const json::object& body, const ComboWorld& world, bool is_new,
                        Combo& combo) {
  if (auto fine = refuseUnknown(body, {"name", "strategy", "models", "targets", "options"}); !fine)
    return fine;
  auto name = stringMember(body, "name");
  if (!name) return std::unexpected(std::move(name.error()));
  if (is_new || name->has_value()) {
    if (auto fine = checkName(name->value_or(""), "name"); !fine) return fine;
    combo.name = std::move(**name);
  }
  auto strategy = stringMember(body, "strategy");
  if (!strategy) return std::unexpected(std::move(strategy.error()));
  if (strategy->has_value() && !routing::parseStrategy(**strategy, combo.strategy))
    return bad("strategy", fmt::format("Unknown strategy \"{}\". Use {}.", shownName(**strategy),
                                       routing::strategyNames()));
  if (const auto* options = body.if_contains("options"))
    if (auto fine = readOptions(*options, combo.options); !fine) return fine;
  const json::value* models = body.if_contains("models");
  const json::value* targets = body.if_contains("targets");
  if (models != nullptr && targets != nullptr)
    return bad("targets", "\"models\" and \"targets\" mean the same: send one of them.");
  const json::value* list = models != nullptr ? models : targets;
  if (list != nullptr || is_new) {
    auto parsed = readTargets(list != nullptr ? *list : json::value(nullptr),
                              targets != nullptr ? "targets" : "models", world);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    combo.targets = std::move(*parsed);
  }
  auto fine = routing::validateCombo(combo, world.providers);
  if (fine) fine = routing::refuseCycle(combo, world.combos);
  // The member that was sent is named, not the one that it stands for.
  constexpr std::string_view kTargets = "targets";
  if (!fine && models != nullptr && fine.error().field.starts_with(kTargets))
    fine.error().field.replace(0, kTargets.size(), "models");
  return fine;
}

}  // namespace omni::admin
