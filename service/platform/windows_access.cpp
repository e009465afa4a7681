#include "service/platform/windows_access.hpp"

#include <aclapi.h>
#include <sddl.h>

#include <array>

namespace omni::platform {
namespace {

// Well-known identifiers, [MS-DTYP] 2.4.2.4. OWNER RIGHTS and CREATOR OWNER stand for the owner.
constexpr std::array kSystem = {L"S-1-5-18", L"S-1-5-32-544", L"S-1-3-0", L"S-1-3-4",
                                L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"};

}  // namespace

Sid sidFromText(const wchar_t* text) {
  PSID raw = nullptr;
  if (!ConvertStringSidToSidW(text, &raw)) return {};
  const Local<void> owner(raw);
  const auto* bytes = static_cast<const unsigned char*>(raw);
  return {bytes, bytes + GetLengthSid(raw)};
}

Sid ownSid() {
  HANDLE token = nullptr;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return {};
  DWORD size = 0;
  GetTokenInformation(token, TokenUser, nullptr, 0, &size);
  std::vector<unsigned char> buffer(size);
  Sid out;
  if (size && GetTokenInformation(token, TokenUser, buffer.data(), size, &size)) {
    const PSID sid = reinterpret_cast<const TOKEN_USER*>(buffer.data())->User.Sid;
    const auto* bytes = static_cast<const unsigned char*>(sid);
    out.assign(bytes, bytes + GetLengthSid(sid));
  }
  CloseHandle(token);
  return out;
}

bool isSystemSid(PSID sid) {
  for (const wchar_t* text : kSystem)
    if (Sid known = sidFromText(text); !known.empty() && EqualSid(sid, known.data())) return true;
  return false;
}

PrivateAccess::PrivateAccess(const Sid& user) {
  std::vector<Sid> trustees{sidFromText(L"S-1-5-18"), sidFromText(L"S-1-5-32-544")};
  if (!user.empty()) trustees.push_back(user);
  std::vector<EXPLICIT_ACCESS_W> entries;
  for (Sid& sid : trustees) {
    EXPLICIT_ACCESS_W entry{};
    entry.grfAccessPermissions = FILE_ALL_ACCESS;
    entry.grfAccessMode = SET_ACCESS;
    entry.grfInheritance = SUB_CONTAINERS_AND_OBJECTS_INHERIT;
    entry.Trustee.TrusteeForm = TRUSTEE_IS_SID;
    entry.Trustee.TrusteeType = TRUSTEE_IS_UNKNOWN;
    entry.Trustee.ptstrName = reinterpret_cast<wchar_t*>(sid.data());
    entries.push_back(entry);
  }
  ACL* raw = nullptr;
  error_ = SetEntriesInAclW(static_cast<ULONG>(entries.size()), entries.data(), nullptr, &raw);
  if (error_ != 0) return;
  list_.reset(raw);
  if (!InitializeSecurityDescriptor(&descriptor_, SECURITY_DESCRIPTOR_REVISION) ||
      !SetSecurityDescriptorDacl(&descriptor_, TRUE, list_.get(), FALSE) ||
      !SetSecurityDescriptorControl(&descriptor_, SE_DACL_PROTECTED, SE_DACL_PROTECTED))
    error_ = GetLastError();
  attributes_ = {sizeof attributes_, &descriptor_, FALSE};
}

unsigned long PrivateAccess::set(const std::wstring& folder) const {
  if (error_ != 0) return error_;
  std::wstring name = folder;
  return SetNamedSecurityInfoW(name.data(), SE_FILE_OBJECT,
                               DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                               nullptr, nullptr, list_.get(), nullptr);
}

}  // namespace omni::platform
