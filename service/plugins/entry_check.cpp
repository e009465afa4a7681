#include "service/plugins/entry_check.hpp"

#include <fmt/format.h>

namespace omni::plugins {

Result<> checkAbi(uint32_t major, uint32_t minor) {
  if (major == OMNI_ABI_MAJOR && minor <= OMNI_ABI_MINOR) return {};
  return makeError(FailureKind::Unsupported,
                   fmt::format("built for plugin ABI {}.{}, this service has {}.{}: use a build of "
                               "the plugin for this version",
                               major, minor, OMNI_ABI_MAJOR, OMNI_ABI_MINOR));
}

Result<> checkEntry(const omni_plugin_entry_t& entry, const Manifest* manifest) {
  if (entry.struct_size < sizeof(omni_plugin_entry_t))
    return makeError(FailureKind::Unsupported,
                     fmt::format("its entry is {} bytes, at least {} are needed", entry.struct_size,
                                 sizeof(omni_plugin_entry_t)));
  if (auto abi = checkAbi(entry.abi_major, entry.abi_minor); !abi) return abi;
  if (!entry.init || !entry.deinit || !entry.complete || !entry.control || !entry.get_extension)
    return makeError(FailureKind::Unsupported, "a function of its entry is null");
  if (!entry.id || !entry.version)
    return makeError(FailureKind::Unsupported, "its entry has no id or no version");
  if (!validPluginId(entry.id))
    return makeError(FailureKind::Unsupported, "the id in its entry is malformed");
  if (manifest && manifest->id != entry.id)
    return makeError(FailureKind::Unsupported,
                     fmt::format("its manifest says id \"{}\", the library says \"{}\"",
                                 manifest->id, entry.id));
  if (manifest && manifest->version != entry.version)
    return makeError(FailureKind::Unsupported,
                     fmt::format("its manifest says version \"{}\", the library says \"{}\"",
                                 manifest->version, entry.version));
  return {};
}

}  // namespace omni::plugins
