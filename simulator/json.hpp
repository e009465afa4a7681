#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>

// Forgiving look-ups in a JSON document: the absent and the wrongly typed read alike.
namespace omni::sim {

namespace json = boost::json;

inline const json::value* member(const json::value* value, std::string_view key) {
  if (value == nullptr || !value->is_object()) return nullptr;
  return value->as_object().if_contains(key);
}
inline const json::value* member(const json::object& object, std::string_view key) {
  return object.if_contains(key);
}

inline std::string text(const json::value* value, std::string_view otherwise = {}) {
  return value != nullptr && value->is_string() ? std::string(value->as_string())
                                                : std::string(otherwise);
}
inline std::string text(const json::object& object, std::string_view key,
                        std::string_view otherwise = {}) {
  return text(object.if_contains(key), otherwise);
}

inline std::int64_t integer(const json::value* value, std::int64_t otherwise = 0) {
  if (value == nullptr || !value->is_number()) return otherwise;
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  return error ? static_cast<std::int64_t>(value->is_double() ? value->as_double() : 0.0) : number;
}
inline std::int64_t integer(const json::object& object, std::string_view key,
                            std::int64_t otherwise = 0) {
  return integer(object.if_contains(key), otherwise);
}

inline double number(const json::object& object, std::string_view key, double otherwise = 0) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : otherwise;
}

inline bool flag(const json::object& object, std::string_view key, bool otherwise = false) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() ? value->as_bool() : otherwise;
}

inline const json::array* array(const json::value* value) {
  return value != nullptr ? value->if_array() : nullptr;
}
inline const json::object* object(const json::value* value) {
  return value != nullptr ? value->if_object() : nullptr;
}

}  // namespace omni::sim
