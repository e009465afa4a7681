#include "service/storage/combo_rows.hpp"

#include <boost/json.hpp>
#include <string_view>

namespace omni::storage {
namespace {

namespace json = boost::json;
using routing::ComboOptions;
using routing::Target;

std::string text(const json::value& value) {
  return std::string(std::string_view(value.get_string()));
}

bool readText(const json::object& object, const char* name, std::string& out) {
  const auto* value = object.if_contains(name);
  if (!value) return true;
  if (!value->is_string()) return false;
  out = text(*value);
  return true;
}

template <typename T>
bool readNumber(const json::object& object, const char* name, T& out) {
  const auto* value = object.if_contains(name);
  if (!value) return true;
  json::error_code code;
  const T number = value->to_number<T>(code);
  if (code) return false;
  out = number;
  return true;
}

bool readAccounts(const json::object& object, std::vector<routing::AccountRef>& out) {
  const auto* list = object.if_contains("accounts");
  if (!list) return true;
  if (!list->is_array()) return false;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return false;
    routing::AccountRef ref;
    if (!readText(item.get_object(), "id", ref.id) ||
        !readText(item.get_object(), "name", ref.name))
      return false;
    out.push_back(std::move(ref));
  }
  return true;
}

bool readTarget(const json::value& value, Target& out) {
  if (value.is_string()) {
    out.text = text(value);
    return true;
  }
  if (!value.is_object()) return false;
  const auto& object = value.get_object();
  const auto* pin = object.if_contains("pin");
  if (pin && *pin == "soft") out.pin = routing::Pin::Soft;
  return readText(object, "text", out.text) && readText(object, "comboId", out.combo_id) &&
         readText(object, "model", out.model) && readAccounts(object, out.accounts) &&
         readNumber(object, "weight", out.weight);
}

}  // namespace

std::string targetsText(const std::vector<Target>& targets) {
  json::array array;
  for (const Target& target : targets) {
    const Target plain{.text = target.text, .combo_id = {}, .accounts = {}, .model = {}};
    if (target == plain) {
      array.emplace_back(target.text);
      continue;
    }
    json::object object{{"text", target.text}};
    if (!target.combo_id.empty()) object["comboId"] = target.combo_id;
    if (!target.model.empty()) object["model"] = target.model;
    if (target.pin == routing::Pin::Soft) object["pin"] = "soft";
    if (target.weight != plain.weight) object["weight"] = target.weight;
    if (!target.accounts.empty()) {
      json::array accounts;
      for (const auto& ref : target.accounts)
        accounts.push_back({{"id", ref.id}, {"name", ref.name}});
      object["accounts"] = std::move(accounts);
    }
    array.push_back(std::move(object));
  }
  return json::serialize(array);
}

bool parseTargets(const std::string& document, std::vector<Target>& out) {
  json::error_code code;
  const auto parsed = json::parse(document, code);
  if (code || !parsed.is_array()) return false;
  for (const auto& item : parsed.get_array()) {
    Target target;
    if (!readTarget(item, target)) return false;
    out.push_back(std::move(target));
  }
  return true;
}

std::string optionsText(const ComboOptions& options) {
  const ComboOptions plain;
  json::object object;
  if (options.sticky != plain.sticky) object["sticky"] = options.sticky;
  if (options.session_ttl_ms != plain.session_ttl_ms)
    object["sessionTtlMs"] = options.session_ttl_ms;
  if (options.max_attempts != plain.max_attempts) object["maxAttempts"] = options.max_attempts;
  if (options.retries != plain.retries) object["retries"] = options.retries;
  if (options.max_wait_ms != plain.max_wait_ms) object["maxWaitMs"] = options.max_wait_ms;
  return json::serialize(object);
}

bool parseOptions(const std::string& document, ComboOptions& out) {
  json::error_code code;
  const auto parsed = json::parse(document, code);
  if (code || !parsed.is_object()) return false;
  const auto& object = parsed.get_object();
  if (const auto* sticky = object.if_contains("sticky")) {
    if (!sticky->is_bool()) return false;
    out.sticky = sticky->get_bool();
  }
  return readNumber(object, "sessionTtlMs", out.session_ttl_ms) &&
         readNumber(object, "maxAttempts", out.max_attempts) &&
         readNumber(object, "retries", out.retries) &&
         readNumber(object, "maxWaitMs", out.max_wait_ms);
}

}  // namespace omni::storage
