#include <cstdlib>

#include "cli/platform.hpp"

#include <windows.h>

namespace omni::cli {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const std::wstring wide_name(name,
                               name + std::char_traits<char>::length(name));  // ours are ASCII
  const wchar_t* value = _wgetenv(wide_name.c_str());
  return value ? fs::path(value).string() : "";
}

fs::path configFolder() {
  const std::string roaming = environment("APPDATA");
  return roaming.empty() ? fs::path() : fs::path(roaming) / "OmniRoute";
}

std::vector<fs::path> dataFolders() {
  const std::string shared = environment("ProgramData");
  if (shared.empty()) return {};
  return {fs::path(shared) / "OmniRoute"};
}

std::string openToOthers(const fs::path&) {
  return {};
}

fs::path ownFolder(const char*) {
  std::wstring path(32'768, L'\0');
  path.resize(GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return fs::path(path).parent_path();
}

void endQuietly() {}

}  // namespace omni::cli
