#include "sdk/check/library.hpp"

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace omni::check {

#if defined(_WIN32)

Loaded loadPlugin(const std::string& path) {
  const HMODULE module = LoadLibraryExA(path.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (!module) return {nullptr, "LoadLibrary failed with error " + std::to_string(GetLastError())};
  const FARPROC symbol = GetProcAddress(module, OMNI_ENTRY_SYMBOL);
  if (!symbol) return {nullptr, "no symbol " OMNI_ENTRY_SYMBOL};
  return {reinterpret_cast<const omni_plugin_entry_t*>(symbol), {}};
}

#else

Loaded loadPlugin(const std::string& path) {
  // Everything is bound at once: a missing symbol shows here instead of in the middle of a request.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return {nullptr, dlerror()};
  const void* symbol = dlsym(handle, OMNI_ENTRY_SYMBOL);
  if (!symbol) return {nullptr, "no symbol " OMNI_ENTRY_SYMBOL};
  return {static_cast<const omni_plugin_entry_t*>(symbol), {}};
}

#endif

}  // namespace omni::check
