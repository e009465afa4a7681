#pragma once
// One service for one data folder: two that refresh the same accounts revoke each other's tokens,
// and SQLite lets them.

#include <filesystem>
#include <memory>

#include "core/base/error.hpp"

namespace omni::platform {

// Holds the folder until it is destroyed, or the process ends, however that happens. Movable;
// thread-compatible.
class FolderLock {
 public:
  // Unavailable (reason "storage_locked") when another process holds it. Where the folder or its
  // file system lets nobody lock, the lock is an empty one: what is wrong with a folder, its
  // database says better.
  static Result<FolderLock> take(const std::filesystem::path& folder);

  FolderLock();  // an empty one
  bool held() const { return held_ != nullptr; }
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  struct Held;
  explicit FolderLock(std::unique_ptr<Held> held);
  std::unique_ptr<Held> held_;
};

}  // namespace omni::platform
