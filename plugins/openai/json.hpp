#pragma once
// Forgiving reads from upstream's JSON: what is missing or of another type is empty.

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace omni::openai_upstream {

namespace json = boost::json;

inline std::string_view viewOf(const json::string& text) {
  return {text.data(), text.size()};
}
inline json::string_view jsonView(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::optional<json::object> parseObject(std::string_view text) {
  json::error_code code;
  json::value value = json::parse(jsonView(text), code);
  if (code || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}
inline std::string_view textOf(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(jsonView(name));
  return found && found->is_string() ? viewOf(found->get_string()) : std::string_view();
}
// A whole number; -1 when there is none.
inline int64_t integerOf(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(jsonView(name));
  if (!found || !found->is_number()) return -1;
  json::error_code code;
  const auto number = found->to_number<int64_t>(code);
  return code ? -1 : number;
}
inline const json::object* objectOf(const json::object& parent, std::string_view name) {
  const auto* found = parent.if_contains(jsonView(name));
  return found ? found->if_object() : nullptr;
}
inline const json::array* arrayOf(const json::object& parent, std::string_view name) {
  const auto* found = parent.if_contains(jsonView(name));
  return found ? found->if_array() : nullptr;
}

}  // namespace omni::openai_upstream
