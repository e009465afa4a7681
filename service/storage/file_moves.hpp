#pragma once
// Files written and renamed so that a power cut leaves either the old state or the new one.

#include <filesystem>
#include <string_view>

#include "core/base/error.hpp"

namespace omni::storage {

// Replaces the file by one that only this user may read; on disk when this returns.
Result<> writeFileDurably(const std::filesystem::path& path, std::string_view bytes);

// Renames within a folder, over a file that is there; on disk when this returns.
Result<> moveFile(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace omni::storage
