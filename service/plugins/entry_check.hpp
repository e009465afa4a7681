#pragma once
#include <omniroute/abi.h>

#include "core/base/error.hpp"
#include "service/plugins/manifest.hpp"

namespace omni::plugins {

// Whether this host can use a plugin built for that ABI: same major, minor not above the host's.
Result<> checkAbi(uint32_t major, uint32_t minor);
// Everything that can be checked of an entry without calling it. manifest: nullptr for a plugin
// that is linked in.
Result<> checkEntry(const omni_plugin_entry_t& entry, const Manifest* manifest);

}  // namespace omni::plugins
