#include "service/platform/windows_folders.hpp"

#include <windows.h>

#include <initguid.h>
#include <knownfolders.h>
#include <objbase.h>
#include <shlobj.h>

namespace omni::platform {

std::filesystem::path programData() {
  wchar_t* raw = nullptr;
  std::filesystem::path folder;
  if (SUCCEEDED(SHGetKnownFolderPath(FOLDERID_ProgramData, KF_FLAG_DEFAULT, nullptr, &raw)))
    folder = raw;
  CoTaskMemFree(raw);
  return folder;
}

}  // namespace omni::platform
