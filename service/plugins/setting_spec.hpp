#pragma once
// What a plugin's manifest says of the plugin's settings, so that a wrong one refuses the start
// instead of being passed over.
//
// Pure functions without state: thread-safe.

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace omni::plugins {

enum class SettingType { Text, Integer, Choice };

struct SettingSpec {
  std::string key;  // without "plugins.<id>."
  SettingType type = SettingType::Text;
  int64_t min = 0;  // Integer: both ends included
  int64_t max = INT64_MAX;
  std::vector<std::string> values;  // Choice
  std::string default_value;        // for --help; the plugin itself applies it
  std::string help;
};

// The manifest's "settings"; BadRequest names the member and what it must be.
Result<std::vector<SettingSpec>> parseSettingSpecs(const boost::json::value& list);

// nullopt: the value is allowed; else what is, as the end of a sentence.
std::optional<std::string> refusal(const SettingSpec& spec, std::string_view value);

// By plugin id, for each manifest in the folder. nullopt: any setting is taken, because the
// manifest does not say or cannot be read; the loader then has its own word on it. Empty when there
// is no such folder.
using DeclaredSettings =
    std::map<std::string, std::optional<std::vector<SettingSpec>>, std::less<>>;
DeclaredSettings declaredSettings(const std::filesystem::path& folder);

}  // namespace omni::plugins
