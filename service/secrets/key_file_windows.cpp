#include <fmt/format.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "service/platform/file_guard.hpp"
#include "service/platform/windows_access.hpp"
#include "service/platform/windows_text.hpp"
#include "service/secrets/key_file.hpp"

#include <windows.h>

#include <wincrypt.h>

namespace omni::secrets {
namespace {

namespace fs = std::filesystem;
using platform::Local;
using platform::systemMessage;

constexpr std::string_view kMagic = "OMNIKEY1";
// Other programs of the same account cannot open it by accident. It is no secret.
constexpr std::string_view kPurpose = "OmniRoute master key";
constexpr DWORD kLargest = 16 * 1024;

struct HandleCloser {
  using pointer = HANDLE;
  void operator()(HANDLE handle) const { CloseHandle(handle); }
};
using File = std::unique_ptr<HANDLE, HandleCloser>;

File openFile(const fs::path& path, DWORD access, DWORD disposition,
              SECURITY_ATTRIBUTES* protection = nullptr) {
  const HANDLE handle = CreateFileW(
      path.c_str(), access, FILE_SHARE_READ, protection, disposition,
      FILE_ATTRIBUTE_NORMAL | FILE_FLAG_WRITE_THROUGH | FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  return File(handle == INVALID_HANDLE_VALUE ? nullptr : handle);
}

DATA_BLOB blob(const void* bytes, size_t size) {
  return {static_cast<DWORD>(size), static_cast<BYTE*>(const_cast<void*>(bytes))};
}

std::unexpected<Error> ioError(const fs::path& path, std::string_view doing, DWORD code) {
  return keyError(
      "master_key_io",
      fmt::format(
          "The master key file {} cannot be {}: {}. The account that the service runs as needs "
          "a folder of its own that it may write to.",
          path.string(), doing, systemMessage(code)));
}

Result<> checkAccess(const fs::path& path) {
  const DWORD attributes = GetFileAttributesW(path.c_str());
  if (attributes == INVALID_FILE_ATTRIBUTES) return ioError(path, "examined", GetLastError());
  if (attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT))
    return keyError(
        "master_key_type",
        fmt::format("The master key {} is not a regular file. Name a file in the configuration.",
                    path.string()));
  const auto others = platform::readableByOthers(path);
  if (!others) return std::unexpected(others.error());
  if (*others)
    return keyError(
        "master_key_permissions",
        fmt::format(
            "The master key file {} {} - and if others may have read it, import the accounts "
            "again under a new key.",
            path.string(), **others));
  return {};
}

// What was sealed; wiped before it is given back to the system.
Result<> unseal(const fs::path& path, std::string_view sealed, KeyBytes& out) {
  DATA_BLOB in = blob(sealed.data(), sealed.size()),
            purpose = blob(kPurpose.data(), kPurpose.size()), plain{};
  if (!CryptUnprotectData(&in, nullptr, &purpose, nullptr, nullptr, CRYPTPROTECT_UI_FORBIDDEN,
                          &plain))
    return keyError(
        "master_key_sealed",
        fmt::format(
            "The master key file {} was sealed for another account or another machine, or is "
            "damaged: {}. Run the service as the account that made it; on a new machine restore "
            "a backup, which has a passphrase of its own.",
            path.string(), systemMessage(GetLastError())));
  const Local<void> owner(plain.pbData);
  out.size = std::min<size_t>(plain.cbData, out.bytes.size());
  std::memcpy(out.bytes.data(), plain.pbData, out.size);
  SecureZeroMemory(plain.pbData, plain.cbData);
  return {};
}

}  // namespace

Result<bool> readKeyFile(const fs::path& path, KeyBytes& out) {
  const File file = openFile(path, GENERIC_READ, OPEN_EXISTING);
  if (!file) {
    const DWORD code = GetLastError();
    if (code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND) return false;
    // A folder cannot be opened either: what it is says more than that.
    if (auto ok = checkAccess(path); !ok) return std::unexpected(ok.error());
    return ioError(path, "opened", code);
  }
  if (auto ok = checkAccess(path); !ok) return std::unexpected(ok.error());
  std::vector<char> bytes(kLargest);
  DWORD size = 0;
  if (!ReadFile(file.get(), bytes.data(), kLargest, &size, nullptr))
    return ioError(path, "read", GetLastError());
  const std::string_view content(bytes.data(), size);
  Result<> done;
  if (content.starts_with(kMagic)) {
    done = unseal(path, content.substr(kMagic.size()), out);
  } else {
    out.size = std::min(content.size(), out.bytes.size());
    std::memcpy(out.bytes.data(), content.data(), out.size);
  }
  SecureZeroMemory(bytes.data(), bytes.size());
  if (!done) return std::unexpected(done.error());
  return true;
}

Result<bool> createKeyFile(const fs::path& path,
                           std::span<const unsigned char, MasterKey::kSize> key) {
  DATA_BLOB in = blob(key.data(), key.size()), purpose = blob(kPurpose.data(), kPurpose.size()),
            sealed{};
  if (!CryptProtectData(&in, L"OmniRoute master key", &purpose, nullptr, nullptr,
                        CRYPTPROTECT_UI_FORBIDDEN, &sealed))
    return keyError(
        "master_key_sealed",
        fmt::format(
            "The system cannot seal the master key for this account: {}. An account without a "
            "profile cannot use data protection.",
            systemMessage(GetLastError())));
  const Local<void> owner(sealed.pbData);
  std::string content(kMagic);
  content.append(reinterpret_cast<const char*>(sealed.pbData), sealed.cbData);
  DWORD code = 0;
  {
    platform::PrivateAccess own(platform::ownSid());
    if (own.error() != 0) return ioError(path, "closed to others", own.error());
    const File file = openFile(path, GENERIC_WRITE, CREATE_NEW, own.attributes());
    if (!file) {
      code = GetLastError();
      if (code == ERROR_FILE_EXISTS || code == ERROR_ALREADY_EXISTS) return false;
      return ioError(path, "created", code);
    }
    DWORD written = 0;
    if (!WriteFile(file.get(), content.data(), static_cast<DWORD>(content.size()), &written,
                   nullptr) ||
        written != content.size() || !FlushFileBuffers(file.get()))
      code = GetLastError() ? GetLastError() : ERROR_DISK_FULL;
  }
  if (code != 0) {
    DeleteFileW(path.c_str());  // ours, made a moment ago, and nothing is sealed under it
    return ioError(path, "written", code);
  }
  return true;
}

void keepInMemory(void* memory, size_t size) noexcept {
  VirtualLock(memory, size);  // the size of the working set may forbid it
}

void letGo(void* memory, size_t size) noexcept {
  VirtualUnlock(memory, size);
}

}  // namespace omni::secrets
