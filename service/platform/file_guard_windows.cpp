#include "service/platform/file_guard.hpp"
#include "service/platform/windows_access.hpp"
#include "service/platform/windows_text.hpp"

#include <aclapi.h>
#include <sddl.h>

namespace omni::platform {
namespace {

namespace fs = std::filesystem;

constexpr ACCESS_MASK kChanges = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_DELETE_CHILD | DELETE |
                                 WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL;
constexpr ACCESS_MASK kReads = FILE_READ_DATA | GENERIC_READ | GENERIC_ALL;

std::string nameOf(PSID sid) {
  wchar_t name[256], domain[256];
  DWORD name_size = 256, domain_size = 256;
  SID_NAME_USE use;
  if (LookupAccountSidW(nullptr, sid, name, &name_size, domain, &domain_size, &use))
    return utf8(name);
  wchar_t* text = nullptr;
  if (!ConvertSidToStringSidW(sid, &text)) return "another account";
  const Local<wchar_t> owner(text);
  return utf8(text);
}

// Whoever an entry of the list lets do something of `mask`, and who is neither the system nor us.
// Entries that deny are not counted in favour: a list that needs them is not the tight one that is
// asked for.
Result<std::optional<std::string>> othersMay(const fs::path& path, ACCESS_MASK mask,
                                             std::string_view doing) {
  PSID owner = nullptr;
  ACL* list = nullptr;
  PSECURITY_DESCRIPTOR raw = nullptr;
  const DWORD code = GetNamedSecurityInfoW(path.c_str(), SE_FILE_OBJECT,
                                           OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                                           &owner, nullptr, &list, nullptr, &raw);
  if (code != ERROR_SUCCESS)
    return makeError(FailureKind::NotFound,
                     path.string() + " cannot be examined: " + systemMessage(code));
  const Local<void> descriptor(raw);
  Sid own = ownSid();
  const auto trusted = [&](PSID sid) {
    return isSystemSid(sid) || (!own.empty() && EqualSid(sid, own.data()));
  };
  if (owner && !trusted(owner))
    return "belongs to " + nameOf(owner) +
           "; it must belong to the system or to the user that the service runs as";
  if (!list) return "has no access list, so anybody may " + std::string(doing) + " it";
  for (DWORD i = 0; i < list->AceCount; ++i) {
    void* entry = nullptr;
    if (!GetAce(list, i, &entry)) continue;
    const auto* head = static_cast<const ACE_HEADER*>(entry);
    if (head->AceType != ACCESS_ALLOWED_ACE_TYPE || (head->AceFlags & INHERIT_ONLY_ACE)) continue;
    auto* allowed = static_cast<ACCESS_ALLOWED_ACE*>(entry);
    const PSID sid = &allowed->SidStart;
    if ((allowed->Mask & mask) && !trusted(sid))
      return "lets " + nameOf(sid) + " " + std::string(doing) +
             " it; take that right away (icacls, or Properties, Security)";
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<std::string>> changeableByOthers(const fs::path& path) {
  return othersMay(path, kChanges, "change");
}

Result<std::optional<std::string>> readableByOthers(const fs::path& path) {
  return othersMay(path, kReads | kChanges, "read");
}

Result<> makePrivate(const fs::path& folder) {
  const auto code = PrivateAccess(ownSid()).set(folder.wstring());
  if (code != 0)
    return makeError(FailureKind::Unavailable,
                     folder.string() + " cannot be closed to others: " + systemMessage(code));
  return {};
}

}  // namespace omni::platform
