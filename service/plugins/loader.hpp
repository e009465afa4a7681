#pragma once
// Finds plugins in a folder and maps those that pass every check. Nothing of a library runs before
// the checks of its files, its manifest and its checksum. A mapped library is never unmapped: code,
// type information and thread-locals of a plugin may be in use until the process ends.
//
// An exception out of a static initialiser of a library cannot be caught (the system's loader has
// no unwind tables) and ends the process: plugins are trusted code, and do their work in init
// instead.

#include <omniroute/abi.h>

#include <filesystem>
#include <vector>

#include "core/base/error.hpp"
#include "service/plugins/plugin_info.hpp"

namespace omni::plugins {

struct FoundPlugin {
  PluginInfo info;
  const omni_plugin_entry_t* entry = nullptr;  // null when refused; lives until the process ends
};

// In the order of the manifests' names. Fails only when the folder itself is missing or unsafe. One
// thread at a time.
Result<std::vector<FoundPlugin>> scanFolder(const std::filesystem::path& folder);

}  // namespace omni::plugins
