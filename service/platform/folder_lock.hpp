#pragma once
// One service for one data folder: two that refresh the same accounts revoke each other's tokens,
// and SQLite lets them.

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "core/base/error.hpp"

namespace omni::platform {

// Holds the folder as long as it or a copy of it lives, and the process, however that ends.
class FolderLock {
 public:
  // Unavailable (reason "storage_locked") when another process holds it. Where the folder or its
  // file system lets nobody lock, the lock is an empty one: what is wrong with a folder, its
  // database says better.
  static Result<FolderLock> take(const std::filesystem::path& folder);

  FolderLock() = default;
  bool held() const { return held_ != nullptr; }

 private:
  struct Held;
  explicit FolderLock(std::shared_ptr<const Held> held) : held_(std::move(held)) {}
  // `holder`: " (process 7)", as far as it is known.
  static std::unexpected<Error> inUse(const std::filesystem::path& folder,
                                      const std::string& holder = {}) {
    auto error =
        makeError(FailureKind::Unavailable,
                  "Another omnirouted" + holder + " uses the data folder " + folder.string() +
                      ": two on one folder would revoke each other's tokens. Stop that "
                      "one, or give this one a folder of its own (data.dir).");
    error.error().reason = "storage_locked";
    return error;
  }

  std::shared_ptr<const Held> held_;
};

}  // namespace omni::platform
