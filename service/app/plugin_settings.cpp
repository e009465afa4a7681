#include "service/app/plugin_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "core/base/ascii.hpp"
#include "core/base/edit_distance.hpp"
#include "service/plugins/setting_spec.hpp"

namespace omni::app {
namespace {

using config::PluginSetting;
using plugins::SettingSpec;

// What stands behind an unknown name may be a secret in the wrong place; it is not repeated.
std::unexpected<Error> refused(const PluginSetting& setting, std::string_view name,
                               std::string_view why, bool show_value = false) {
  const std::string value = show_value ? fmt::format(" = \"{}\"", setting.text) : std::string();
  const std::string key = fmt::format("plugins.{}", name);
  return makeError(FailureKind::BadRequest,
                   fmt::format("{}: {}{} is not valid; {}", setting.origin, key, value, why), key);
}

const SettingSpec* find(const std::vector<SettingSpec>& specs, std::string_view key,
                        bool any_case) {
  const auto found = std::ranges::find_if(specs, [&](const SettingSpec& spec) {
    return any_case ? equalsIgnoringCase(spec.key, key) : spec.key == key;
  });
  return found == specs.end() ? nullptr : &*found;
}

std::string unknownKey(std::string_view id, const std::vector<SettingSpec>& specs,
                       std::string_view key) {
  if (specs.empty()) return fmt::format("the plugin {} has no settings", id);
  const auto nearest = std::ranges::min_element(
      specs, {}, [&](const SettingSpec& spec) { return editDistance(key, spec.key); });
  return fmt::format(
      "the plugin {} has no such setting; did you mean \"plugins.{}.{}\"? It has: {}", id, id,
      nearest->key, fmt::join(specs | std::views::transform(&SettingSpec::key), ", "));
}

}  // namespace

Result<> settlePluginSettings(config::Config& config) {
  if (config.plugin_settings.empty()) return {};
  const plugins::DeclaredSettings declared = plugins::declaredSettings(config.plugins_dir);
  if (declared.empty()) return {};  // a folder that is not there is refused by the start itself
  decltype(config.plugin_settings) settled;
  for (auto& [name, setting] : config.plugin_settings) {
    const size_t dot = name.find('.');
    const std::string_view id = std::string_view(name).substr(0, dot);
    const std::string_view key = std::string_view(name).substr(dot + 1);
    const auto plugin = declared.find(id);
    if (plugin == declared.end())
      return refused(
          setting, name,
          fmt::format("there is no plugin \"{}\" in {}; there are: {}", id,
                      config.plugins_dir.string(), fmt::join(declared | std::views::keys, ", ")));
    std::string settled_name = name;
    if (plugin->second) {
      const SettingSpec* spec =
          find(*plugin->second, key, setting.layer == config::Layer::Environment);
      if (!spec) return refused(setting, name, unknownKey(id, *plugin->second, key));
      if (const auto why = plugins::refusal(*spec, setting.text))
        return refused(setting, name, *why, true);  // a number or one of a few words
      settled_name = fmt::format("{}.{}", id, spec->key);
    }
    // The later layer wins, also where the environment spelled the name its own way.
    const auto [at, added] = settled.try_emplace(std::move(settled_name), setting);
    if (!added && at->second.layer <= setting.layer) at->second = setting;
  }
  config.plugin_settings = std::move(settled);
  return {};
}

std::string pluginSettingsHelp(const std::filesystem::path& program_dir,
                               const std::vector<std::string>& environment) {
  std::string out;
  const auto config = config::load({{}, environment, {}}, program_dir);
  if (!config) return out;
  for (const auto& [id, specs] : plugins::declaredSettings(config->plugins_dir)) {
    if (!specs) continue;
    for (const SettingSpec& spec : *specs) {
      out += fmt::format("  plugins.{}.{}", id, spec.key);
      if (!spec.default_value.empty()) out += " = " + spec.default_value;
      if (!spec.values.empty()) out += fmt::format("  ({})", fmt::join(spec.values, "|"));
      if (spec.type == plugins::SettingType::Integer && spec.max < INT64_MAX)
        out += fmt::format("  ({}..{})", spec.min, spec.max);
      out += "\n      " + spec.help + "\n";
    }
  }
  return out;
}

}  // namespace omni::app
