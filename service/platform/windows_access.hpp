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
// inherited from above does not count.
class PrivateAccess {
 public:
  explicit PrivateAccess(const Sid& user);
  PrivateAccess(const PrivateAccess&) = delete;
  PrivateAccess& operator=(const PrivateAccess&) = delete;

  // For a file that is being made, so that nobody can open it in between. Valid as long as this.
  // nullptr: the list could not be made, see error().
  SECURITY_ATTRIBUTES* attributes() { return error_ == 0 ? &attributes_ : nullptr; }
  // For a folder that is there, with all that is in it. An error code of Windows, 0: done.
  unsigned long set(const std::wstring& folder) const;
  unsigned long error() const { return error_; }

 private:
  Local<ACL> list_;
  SECURITY_DESCRIPTOR descriptor_{};
  SECURITY_ATTRIBUTES attributes_{};
  unsigned long error_ = 0;
};

}  // namespace omni::platform
