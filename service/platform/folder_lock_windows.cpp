#include "service/platform/folder_lock.hpp"

#include <windows.h>

namespace omni::platform {

namespace fs = std::filesystem;

struct FolderLock::Held {
  explicit Held(HANDLE handle) : file(handle) {}
  ~Held() { CloseHandle(file); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  const HANDLE file;
};

// A lock of its first byte, not the sharing of the file: a scanner or a backup that has it open at
// that moment is no second service.
Result<FolderLock> FolderLock::take(const fs::path& folder) {
  const fs::path file = folder / "omnirouted.lock";
  const HANDLE handle = CreateFileW(file.c_str(), GENERIC_READ | GENERIC_WRITE,
                                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                    OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return FolderLock();
  auto held = std::make_shared<const Held>(handle);
  OVERLAPPED first{};
  if (LockFileEx(handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &first))
    return FolderLock(held);
  if (GetLastError() != ERROR_LOCK_VIOLATION && GetLastError() != ERROR_IO_PENDING)
    return FolderLock();
  return inUse(folder);
}

}  // namespace omni::platform
