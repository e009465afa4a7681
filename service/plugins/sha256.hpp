#pragma once
#include <filesystem>
#include <string>

#include "core/base/error.hpp"

namespace omni::plugins {

// 64 lower-case hex digits of the file's contents. NotFound when it cannot be read.
Result<std::string> sha256OfFile(const std::filesystem::path& file);

}  // namespace omni::plugins
