#pragma once
// <id>.plugin.json: what has to be known of a plugin before its library is mapped.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "service/plugins/setting_spec.hpp"

namespace omni::plugins {

struct Manifest {
  std::string id;
  std::string name;
  std::string version;
  uint32_t abi_major = 0;
  uint32_t abi_minor = 0;
  std::string file;    // a plain file name
  std::string sha256;  // 64 lower-case hex digits
  std::string sign_in_methods_json = "[]";
  std::optional<std::vector<SettingSpec>> settings;  // nullopt: the manifest does not say
};

inline constexpr std::string_view kManifestSuffix = ".plugin.json";

// BadRequest; the message names the member and what it must be.
Result<Manifest> parseManifest(std::string_view text);
// The file's text; BadRequest, NotFound.
Result<std::string> readManifest(const std::filesystem::path& file);
// [a-z][a-z0-9-]{0,31}, as the ABI says.
bool validPluginId(std::string_view id);

}  // namespace omni::plugins
