#pragma once
// Forgiving reads from upstream's JSON: what is missing or of another type is empty.

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace omni::kiro {

namespace json = boost::json;

inline std::optional<json::object> parseObject(std::string_view text) {
  json::error_code code;
  json::value value = json::parse(json::string_view(text.data(), text.size()), code);
  if (code || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}
inline std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}
inline std::string_view text(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found && found->is_string() ? view(found->get_string()) : std::string_view();
}
inline std::optional<double> number(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  if (!found || !found->is_number()) return std::nullopt;
  return found->to_number<double>();
}
// Whole milliseconds of a time or a delay; nullopt: negative, not a number, or so far away (30,000
// years) that nobody can have meant it.
inline std::optional<int64_t> milliseconds(double value) {
  constexpr double kFarthest = 1e15;
  if (!(value >= 0 && value <= kFarthest)) return std::nullopt;
  return static_cast<int64_t>(value);
}
inline const json::object* object(const json::object& parent, std::string_view name) {
  const auto* found = parent.if_contains(name);
  return found ? found->if_object() : nullptr;
}

}  // namespace omni::kiro
