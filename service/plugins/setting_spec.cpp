#include "service/plugins/setting_spec.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "service/plugins/manifest.hpp"

namespace omni::plugins {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

std::unexpected<Error> bad(std::string_view what) {
  return makeError(FailureKind::BadRequest, "manifest: \"settings\" " + std::string(what),
                   "settings");
}

bool validKey(std::string_view key) {
  return !key.empty() && key.size() <= 100 && key.front() != '.' && key.back() != '.' &&
         std::ranges::all_of(key, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.';
         });
}

std::string textOf(const json::object& object, std::string_view member) {
  const json::value* value = object.if_contains(member);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<SettingSpec> parseOne(const json::value& value) {
  if (!value.is_object()) return bad("must be a list of objects");
  const json::object& object = value.get_object();
  for (const auto& member : object) {
    constexpr std::string_view kKnown[] = {"key",    "type",    "min", "max",
                                           "values", "default", "help"};
    if (std::ranges::find(kKnown, std::string_view(member.key())) == std::end(kKnown))
      return bad("has the unknown member " + std::string(member.key()));
  }
  SettingSpec out;
  out.key = textOf(object, "key");
  if (!validKey(out.key)) return bad("needs a \"key\" of letters, digits and dots in each");
  out.default_value = textOf(object, "default");
  out.help = textOf(object, "help");
  const std::string type = textOf(object, "type");
  if (type == "integer") {
    out.type = SettingType::Integer;
    for (auto [member, target] : {std::pair{"min", &out.min}, std::pair{"max", &out.max}})
      if (const json::value* limit = object.if_contains(member)) {
        if (!limit->is_int64()) return bad(out.key + ": \"min\" and \"max\" are whole numbers");
        *target = limit->get_int64();
      }
    if (out.min > out.max) return bad(out.key + ": \"min\" is above \"max\"");
  } else if (type == "choice") {
    out.type = SettingType::Choice;
    const json::value* values = object.if_contains("values");
    if (values && values->is_array())
      for (const json::value& one : values->get_array()) {
        if (!one.is_string()) return bad(out.key + ": \"values\" are texts");
        out.values.emplace_back(one.get_string());
      }
    if (out.values.empty()) return bad(out.key + ": a choice needs the texts \"values\"");
  } else if (type != "text") {
    return bad(out.key + ": \"type\" is text, integer or choice");
  }
  const json::value* standard = object.if_contains("default");
  if (standard && !standard->is_string()) return bad(out.key + ": \"default\" is a text");
  if (!out.default_value.empty() && refusal(out, out.default_value))
    return bad(out.key + ": \"default\" is not a value that it allows");
  return out;
}

}  // namespace

Result<std::vector<SettingSpec>> parseSettingSpecs(const json::value& list) {
  if (!list.is_array()) return bad("must be a list of objects");
  std::vector<SettingSpec> out;
  for (const json::value& value : list.get_array()) {
    auto spec = parseOne(value);
    if (!spec) return std::unexpected(std::move(spec.error()));
    if (std::ranges::find(out, spec->key, &SettingSpec::key) != out.end())
      return bad("repeats the key " + spec->key);
    out.push_back(std::move(*spec));
  }
  return out;
}

std::optional<std::string> refusal(const SettingSpec& spec, std::string_view value) {
  if (spec.type == SettingType::Integer) {
    int64_t number = 0;
    const char* const begin = value.data();
    const char* const end = begin + value.size();
    const auto [stop, code] = std::from_chars(begin, end, number);
    if (code == std::errc() && stop == end && number >= spec.min && number <= spec.max)
      return std::nullopt;
    if (spec.max == INT64_MAX)
      return fmt::format("allowed is a whole number of at least {}", spec.min);
    return fmt::format("allowed is a whole number from {} to {}", spec.min, spec.max);
  }
  if (spec.type == SettingType::Choice &&
      std::ranges::find(spec.values, value) == spec.values.end())
    return fmt::format("allowed is one of {}", fmt::join(spec.values, "|"));
  return std::nullopt;
}

DeclaredSettings declaredSettings(const fs::path& folder) {
  DeclaredSettings out;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    std::string id = it->path().filename().string();
    if (!id.ends_with(kManifestSuffix)) continue;
    id.resize(id.size() - kManifestSuffix.size());
    auto& specs = out[id];
    const auto text = readManifest(it->path());
    if (!text) continue;
    if (auto manifest = parseManifest(*text)) specs = std::move(manifest->settings);
  }
  return out;
}

}  // namespace omni::plugins
