#pragma once
// A plugin that crashes while it is loaded must not take the service along, at every start anew.

#include <filesystem>

#include "core/base/error.hpp"

namespace omni::plugins {

// Maps the library and runs its init in a child process, with a host that refuses every service.
// Unsupported when the child dies of it, or is not done within 20 s. A plugin that reports an error
// passes: the real load hears and says it. Does nothing on Windows, where there is no fork. Call it
// for a library that is safe to run, from one thread, before the service serves.
Result<> survivesLoading(const std::filesystem::path& library);

}  // namespace omni::plugins
