#include "plugins/kiro/schema_merge.hpp"

#include <algorithm>
#include <vector>

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/json_text.hpp"

namespace omni::kiro {
namespace {

constexpr int kLargestResult = 20'000;  // schemas; a few references to each other can make millions

class Merger {
 public:
  explicit Merger(const json::value& document) : document_(document) {}

  json::object merge(const json::object& in) {
    json::object out;
    if (++made_ > kLargestResult) return out;
    for (const auto& [key, value] : in) {
      const std::string_view name(key.data(), key.size());
      if (isMergedKeyword(name) || isRefusedKeyword(name)) continue;
      if (name == "properties" && value.is_object())
        out[key] = mergeProperties(value.get_object());
      else if ((name == "items" || name == "prefixItems") && !value.is_array())
        out[key] = mergeAny(value);
      else if ((name == "items" || name == "prefixItems") && value.is_array())
        out[key] = mergeList(value.get_array());
      else
        out[key] = value;
    }
    if (const auto* ref = in.if_contains("$ref"); ref && ref->is_string())
      take(out, named(view(ref->get_string())));
    if (const auto* all = in.if_contains("allOf"); all && all->is_array())
      for (const auto& part : all->get_array())
        if (part.is_object()) take(out, merge(part.get_object()));
    for (const auto word : {"anyOf", "oneOf"})
      if (const auto* any = in.if_contains(word); any && any->is_array())
        take(out, united(any->get_array()));
    return out;
  }

 private:
  json::value mergeAny(const json::value& in) {
    return in.is_object() ? merge(in.get_object()) : json::object{};
  }
  json::array mergeList(const json::array& in) {
    json::array out;
    for (const auto& schema : in) out.push_back(mergeAny(schema));
    return out;
  }
  json::object mergeProperties(const json::object& in) {
    json::object out;
    for (const auto& [name, schema] : in) out[name] = mergeAny(schema);
    return out;
  }

  // What a reference into this document names.
  json::object named(std::string_view ref) {
    if (!ref.starts_with('#') || std::ranges::find(open_, ref) != open_.end()) return {};
    json::error_code code;
    const auto pointer = ref.substr(1);
    const auto* found =
        document_.find_pointer(json::string_view(pointer.data(), pointer.size()), code);
    if (code || !found || !found->is_object()) return {};
    open_.push_back(std::string(ref));
    auto out = merge(found->get_object());
    open_.pop_back();
    return out;
  }

  static bool isNull(const json::object& schema) { return text(schema, "type") == "null"; }
  static const json::object* propertiesOf(const json::object& schema) {
    return object(schema, "properties");
  }

  // Adds what must hold as well: properties and required are united, the first word wins elsewhere.
  static void take(json::object& into, const json::object& from) {
    for (const auto& [key, value] : from) {
      auto* there = into.if_contains(key);
      if (!there) {
        into[key] = value;
      } else if (key == "properties" && there->is_object() && value.is_object()) {
        for (const auto& [name, schema] : value.get_object())
          if (!there->get_object().contains(name)) there->get_object()[name] = schema;
      } else if (key == "required" && there->is_array() && value.is_array()) {
        for (const auto& name : value.get_array()) addOnce(there->get_array(), name);
      }
    }
  }
  static void addOnce(json::array& list, const json::value& value) {
    if (std::ranges::find(list, value) == list.end()) list.push_back(value);
  }

  // One schema that admits what any of the variants admits.
  json::object united(const json::array& variants) {
    std::vector<json::object> list;
    for (const auto& variant : variants)
      if (variant.is_object())
        if (auto schema = merge(variant.get_object()); !isNull(schema))
          list.push_back(std::move(schema));
    if (list.empty()) return {};
    if (list.size() == 1) return std::move(list.front());
    json::object out;
    json::array types;
    json::array values;
    bool all_values = true;
    bool all_typed = true;
    for (const auto& schema : list) {
      if (const auto* type = schema.if_contains("type"); type && type->is_array())
        for (const auto& one : type->get_array()) addOnce(types, one);
      else if (type)
        addOnce(types, *type);
      else
        all_typed = all_typed && schema.contains("properties");
      if (const auto* words = schema.if_contains("enum"); words && words->is_array())
        for (const auto& word : words->get_array()) addOnce(values, word);
      else if (const auto* word = schema.if_contains("const"))
        addOnce(values, *word);
      else
        all_values = false;
      if (const auto* items = schema.if_contains("items"); items && !out.contains("items"))
        out["items"] = *items;
    }
    if (all_typed && types.size() == 1)
      out["type"] = types.front();
    else if (all_typed && types.size() > 1)
      out["type"] = types;
    if (all_values) out["enum"] = std::move(values);
    uniteProperties(list, out);
    return out;
  }

  // The same property in two variants is most often what tells them apart: its values are united.
  static void uniteProperties(const std::vector<json::object>& list, json::object& out) {
    json::object properties;
    bool all_objects = true;
    for (const auto& schema : list) {
      const auto* own = propertiesOf(schema);
      if (!own) {
        all_objects = false;
        continue;
      }
      for (const auto& [name, property] : *own) {
        auto* there = properties.if_contains(name);
        if (!there)
          properties[name] = property;
        else if (*there != property && there->is_object() && property.is_object())
          uniteValues(there->get_object(), property.get_object());
      }
    }
    if (properties.empty()) return;
    out["properties"] = std::move(properties);
    if (!all_objects) return;
    json::array required;  // only what every variant demands
    if (const auto* first = list.front().if_contains("required"); first && first->is_array())
      for (const auto& name : first->get_array())
        if (std::ranges::all_of(list, [&](const json::object& schema) {
              const auto* words = schema.if_contains("required");
              return words && words->is_array() &&
                     std::ranges::find(words->get_array(), name) != words->get_array().end();
            }))
          required.push_back(name);
    if (!required.empty()) out["required"] = std::move(required);
    if (!out.contains("type")) out["type"] = "object";
  }
  static void uniteValues(json::object& into, const json::object& other) {
    json::array values;
    for (const auto* schema : {static_cast<const json::object*>(&into), &other}) {
      if (const auto* words = schema->if_contains("enum"); words && words->is_array())
        for (const auto& word : words->get_array()) addOnce(values, word);
      else if (const auto* word = schema->if_contains("const"))
        addOnce(values, *word);
      else {
        // One of them is open: so is the property.
        into.erase("enum");
        into.erase("const");
        if (into.contains("type") && other.contains("type") && into.at("type") != other.at("type"))
          into.erase("type");
        return;
      }
    }
    into.erase("const");
    into["enum"] = std::move(values);
  }

  const json::value& document_;
  std::vector<std::string> open_;  // references on the way here
  int made_ = 0;
};

}  // namespace

std::string mergedSchema(std::string_view raw) {
  json::error_code code;
  json::parse_options options;
  options.max_depth = kDeepest;
  const json::value document =
      json::parse(json::string_view(raw.data(), raw.size()), code, {}, options);
  if (code || !document.is_object()) return {};
  return json::serialize(Merger(document).merge(document.get_object()));
}

}  // namespace omni::kiro
