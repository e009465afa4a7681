#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "service/platform/folder_lock.hpp"

namespace omni::platform {

namespace fs = std::filesystem;

struct FolderLock::Held {
  explicit Held(int descriptor) : fd(descriptor) {}
  ~Held() { ::close(fd); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  const int fd;
};

// flock(2), for it belongs to the open file: fcntl's locks of a process are lost when any of its
// descriptors of the file is closed.
Result<FolderLock> FolderLock::take(const fs::path& folder) {
  const fs::path file = folder / "omnirouted.lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return FolderLock();
  auto held = std::make_shared<const Held>(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
    const std::string id = std::to_string(::getpid()) + "\n";
    // Only for the message below.
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, id.data(), id.size(), 0) < 0) errno = 0;
    return FolderLock(held);
  }
  if (errno != EWOULDBLOCK) return FolderLock();
  char id[16] = {};
  const ssize_t size = ::pread(fd, id, sizeof(id) - 1, 0);
  std::string holder;
  for (ssize_t i = 0; i < size && id[i] >= '0' && id[i] <= '9'; ++i) holder += id[i];
  return inUse(folder, holder.empty() ? holder : " (process " + holder + ")");
}

}  // namespace omni::platform
