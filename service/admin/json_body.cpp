#include "service/admin/json_body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

namespace omni::admin {
namespace {

namespace json = boost::json;

constexpr size_t kShownNameBytes = 40;

std::string_view kindName(const json::value& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return "a boolean";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "an array" : "an object";
}

std::unexpected<Error> wrongType(std::string_view path, std::string_view key,
                                 std::string_view wanted, const json::value& value) {
  std::string full = fmt::format("{}{}", path, key);
  std::string message = fmt::format("\"{}\" must be {}, not {}.", full, wanted, kindName(value));
  return makeError(FailureKind::BadRequest, std::move(message), std::move(full));
}

}  // namespace

std::string shownName(std::string_view name) {
  if (name.size() <= kShownNameBytes) return std::string(name);
  size_t cut = kShownNameBytes;
  while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xC0) == 0x80) --cut;
  return std::string(name.substr(0, cut)) + "…";
}

Result<json::object> parseObject(std::string_view body) {
  json::parser parser;
  boost::system::error_code problem;
  const size_t used = parser.write_some(body.data(), body.size(), problem);
  if (problem) {
    return makeError(
        FailureKind::BadRequest,
        fmt::format("The body is not valid JSON: {} at byte {}.", problem.message(), used), "body");
  }
  if (body.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    return makeError(
        FailureKind::BadRequest,
        fmt::format("The body goes on after the JSON value that ends at byte {}.", used), "body");
  }
  json::value value = parser.release();
  if (!value.is_object()) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("The body must be a JSON object, not {}.", kindName(value)),
                     "body");
  }
  return std::move(value.as_object());
}

Result<json::object> parseOptionalObject(const http::Request& request) {
  if (request.body.empty()) return json::object{};
  const std::string type = request.header ? request.header("content-type") : std::string();
  if (!type.starts_with("application/json")) {
    return makeError(FailureKind::UnsupportedMediaType,
                     "Send the body with the header \"Content-Type: application/json\".");
  }
  return parseObject(request.body);
}

Result<> refuseUnknown(const json::object& object, std::initializer_list<std::string_view> known,
                       std::string_view path) {
  for (const auto& member : object) {
    const std::string_view key = member.key();
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string full = fmt::format("{}{}", path, shownName(key));
    std::string message =
        fmt::format("Unknown member \"{}\". Known here: {}.", full, fmt::join(known, ", "));
    return makeError(FailureKind::BadRequest, std::move(message), std::move(full));
  }
  return {};
}

Result<std::optional<std::string>> stringMember(const json::object& object, std::string_view key,
                                                std::string_view path) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_string()) return wrongType(path, key, "a string", *value);
  return std::string(value->as_string());
}

Result<std::optional<bool>> boolMember(const json::object& object, std::string_view key,
                                       std::string_view path) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_bool()) return wrongType(path, key, "true or false", *value);
  return value->as_bool();
}

}  // namespace omni::admin
