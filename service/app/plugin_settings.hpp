#pragma once
// Settings of plugins, held against what the plugins' manifests declare. No library is loaded for
// it, so --check-config does it too.

#include "service/config/config.hpp"

namespace omni::app {

// BadRequest for a setting that its plugin does not know, a value that it does not allow, and a
// plugin that is not there; the message says where the setting stands and what is allowed. Names
// from the environment, which have no capital letters, become the declared ones.
Result<> settlePluginSettings(config::Config& config);

// For --help: the settings of the plugins that the configuration without a file finds; empty when
// there are none.
std::string pluginSettingsHelp(const std::filesystem::path& program_dir,
                               const std::vector<std::string>& environment);

}  // namespace omni::app
