#pragma once
// What the admin API lists of each plugin, the refused ones included.

#include <functional>
#include <string>
#include <string_view>

namespace omni::plugins {

enum class PluginStatus { Loaded, Refused };

struct PluginInfo {
  std::string id;  // of a refused plugin: as far as it could be read, else the manifest's file name
  std::string name;
  std::string version;
  std::string file;  // absolute path; empty for a plugin that is linked in
  PluginStatus status = PluginStatus::Refused;
  std::string reason;                       // why it was refused
  std::string sign_in_methods_json = "[]";  // the manifest's signInMethods, as it stands there
};

enum class LogLevel { Debug, Info, Warning, Error };
// Called from any thread; must not throw. `plugin` is the plugin's id, empty for the registry
// itself.
using LogCallback =
    std::function<void(LogLevel level, std::string_view plugin, std::string_view message)>;

}  // namespace omni::plugins
