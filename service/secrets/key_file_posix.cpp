#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "service/secrets/key_file.hpp"

namespace omni::secrets {
namespace {

namespace fs = std::filesystem;

constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a FIFO must not block the start
constexpr int kCreateFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;

struct File {
  int fd = -1;
  explicit File(int descriptor) : fd(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

std::string systemText(int code) {
  return std::generic_category().message(code);
}

bool isSystemdCredential(const fs::path& path) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  return directory != nullptr && *directory != '\0' &&
         path.parent_path().lexically_normal() == fs::path(directory).lexically_normal();
}

Result<> checkAccess(const fs::path& path, int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) {
    return keyError("master_key_io", fmt::format("The master key file {} cannot be examined: {}.",
                                                 path.string(), systemText(errno)));
  }
  if (!S_ISREG(info.st_mode)) {
    return keyError(
        "master_key_type",
        fmt::format("The master key {} is not a regular file. Name a file in the configuration.",
                    path.string()));
  }
  mode_t forbidden = S_IRWXG | S_IRWXO;
  if (isSystemdCredential(path)) forbidden &= ~static_cast<mode_t>(S_IRGRP);
  if ((info.st_mode & forbidden) != 0) {
    return keyError(
        "master_key_permissions",
        fmt::format(
            "The master key file {0} is open to other users (mode {1:04o}). Run: chmod 600 {0} "
            "- and if others may have read it, import the accounts again under a new key.",
            path.string(), static_cast<unsigned>(info.st_mode & 07777)));
  }
  return {};
}

Result<> syncDirectory(const fs::path& directory) {
  File handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.fd < 0 || ::fsync(handle.fd) != 0) {
    return keyError("master_key_io", fmt::format("The directory {} cannot be written to disk: {}.",
                                                 directory.string(), systemText(errno)));
  }
  return {};
}

}  // namespace

Result<bool> readKeyFile(const fs::path& path, KeyBytes& out) {
  const File file(::open(path.c_str(), kReadFlags));
  if (file.fd < 0) {
    if (errno == ENOENT) return false;
    return keyError(
        "master_key_io",
        fmt::format(
            "The master key file {} cannot be opened: {}. It must belong to the service's user.",
            path.string(), systemText(errno)));
  }
  if (auto ok = checkAccess(path, file.fd); !ok) return std::unexpected(ok.error());
  while (out.size < out.bytes.size()) {
    const auto got = ::read(file.fd, out.bytes.data() + out.size, out.bytes.size() - out.size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return keyError("master_key_io", fmt::format("The master key file {} cannot be read: {}.",
                                                   path.string(), systemText(errno)));
    }
    if (got == 0) break;
    out.size += static_cast<size_t>(got);
  }
  return true;
}

Result<bool> createKeyFile(const fs::path& path,
                           std::span<const unsigned char, MasterKey::kSize> key) {
  int failure = 0;
  {
    const File file(::open(path.c_str(), kCreateFlags, 0600));
    if (file.fd < 0) {
      if (errno == EEXIST) return false;
      return keyError(
          "master_key_io",
          fmt::format("The master key file {} cannot be created: {}. The service's user needs a "
                      "directory of its own that it may write to.",
                      path.string(), systemText(errno)));
    }
    size_t size = 0;
    while (failure == 0 && size < key.size()) {
      const auto put = ::write(file.fd, key.data() + size, key.size() - size);
      if (put < 0 && errno != EINTR) failure = errno;
      if (put > 0) size += static_cast<size_t>(put);
    }
    if (failure == 0 && ::fsync(file.fd) != 0) failure = errno;
  }
  if (failure != 0) {
    std::error_code ignored;
    fs::remove(path, ignored);  // ours, made a moment ago, and nothing is sealed under it
    return keyError("master_key_io", fmt::format("The master key file {} cannot be written: {}.",
                                                 path.string(), systemText(failure)));
  }
  if (auto ok = syncDirectory(path.parent_path()); !ok) return std::unexpected(ok.error());
  return true;
}

void keepInMemory(void* memory, size_t size) noexcept {
  (void)::mlock(memory, size);  // RLIMIT_MEMLOCK may forbid it
}

void letGo(void* memory, size_t size) noexcept {
  (void)::munlock(memory, size);
}

}  // namespace omni::secrets
