#pragma once
// Checks that need only the files: the manifest's members, the hash, the exported symbols. Nothing
// is loaded.

#include <optional>
#include <string>

#include "sdk/check/report.hpp"

namespace omni::check {

struct ManifestFacts {
  std::string id;
  std::string version;
  std::string library;  // path of the library the manifest names
};

// Adds the manifest.* and file.* checks. nullopt when no library can be found to go on with.
std::optional<ManifestFacts> checkManifest(const std::string& path, Report& report);

// Adds file.exports.
void checkExports(const std::string& library, Report& report);

// [a-z][a-z0-9-]{0,31}
bool isPluginId(const std::string& text);
// MAJOR.MINOR.PATCH with an optional -pre and +build (semver.org 2.0.0)
bool isSemanticVersion(const std::string& text);

}  // namespace omni::check
