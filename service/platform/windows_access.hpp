#pragma once
// Security identifiers and access lists. Windows only.

#include <memory>
#include <string>
#include <vector>

#include <windows.h>

namespace omni::platform {

struct LocalFreer {
  void operator()(void* memory) const { LocalFree(memory); }
};
template <typename T>
using Local = std::unique_ptr<T, LocalFreer>;

// A copy of its own, so that it outlives what it was read from. Empty: none.
using Sid = std::vector<unsigned char>;

Sid sidFromText(const wchar_t* text);  // "S-1-5-18"
Sid ownSid();                          // of the user that this process runs as
bool isSystemSid(PSID sid);  // SYSTEM, Administrators, TrustedInstaller, or the owner's own entry

// Full control for SYSTEM, Administrators and `user` (may be empty), and for nobody else; what is
// inherited from above no longer counts. An error code of Windows, 0: done.
unsigned long setPrivateAccess(const std::wstring& folder, const Sid& user);

}  // namespace omni::platform
