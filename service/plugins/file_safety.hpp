#pragma once
// A plugin runs with all rights of the service, so nobody else may be able to exchange it.

#include <filesystem>

#include "core/base/error.hpp"

namespace omni::plugins {

// A real folder, owned by root or this user and not writable by group or others; on Windows owned
// by the system or this user, with an access list that lets nobody else change it. Forbidden, or
// NotFound.
Result<> checkFolder(const std::filesystem::path& folder);
// The same for a regular file. Symbolic links are refused, so a name cannot lead out of the folder.
Result<> checkFile(const std::filesystem::path& file);

}  // namespace omni::plugins
