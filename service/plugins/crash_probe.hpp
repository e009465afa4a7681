#pragma once
// A plugin that crashes while it is loaded must not take the service along, at every start anew.

#include <filesystem>

#include "core/base/error.hpp"

namespace omni::plugins {

// Maps the library and runs its init in a child process, with a host that refuses every service.
// Unsupported when the child dies of it, or is not done within 20 s. A plugin that reports an error
// passes: the real load hears and says it. On Windows, where there is no fork, the child is
// omnirouted.exe itself, and another program's call does nothing. Call it for a library that is
// safe to run, from one thread, before the service serves.
Result<> survivesLoading(const std::filesystem::path& library);

#ifdef _WIN32
// The child's side: omnirouted.exe calls it when the first argument is kTryPlugin, the second the
// library. Does not return.
inline constexpr wchar_t kTryPlugin[] = L"--try-plugin";
void tryPlugin(const std::filesystem::path& library);
#endif

}  // namespace omni::plugins
