#pragma once
// Forgiving reads from the service's answers: what is missing or of another type is empty.

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace omni::cli {

namespace json = boost::json;

inline const json::value& at(const json::value& parent, std::string_view name) {
  static const json::value none;
  const auto* object = parent.if_object();
  const auto* found = object ? object->if_contains(name) : nullptr;
  return found ? *found : none;
}
// Texts as they are, numbers and booleans as they are written, all else empty.
inline std::string text(const json::value& value) {
  if (const auto* string = value.if_string()) return {string->data(), string->size()};
  if (value.is_number() || value.is_bool()) return json::serialize(value);
  return {};
}
inline std::string text(const json::value& parent, std::string_view name) {
  return text(at(parent, name));
}
inline bool flag(const json::value& parent, std::string_view name) {
  const auto* found = at(parent, name).if_bool();
  return found && *found;
}
inline int64_t number(const json::value& parent, std::string_view name, int64_t fallback = 0) {
  const json::value& found = at(parent, name);
  return found.is_number() ? found.to_number<int64_t>() : fallback;
}
inline const json::array& list(const json::value& parent, std::string_view name) {
  static const json::array none;
  const auto* found = at(parent, name).if_array();
  return found ? *found : none;
}

}  // namespace omni::cli
