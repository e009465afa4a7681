#include "service/secrets/master_key.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>

#ifdef _WIN32
#include <io.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace omni::secrets {
namespace {

namespace fs = std::filesystem;

#ifdef _WIN32
constexpr int kReadFlags = _O_RDONLY | _O_BINARY;
constexpr int kCreateFlags = _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY;
constexpr int kCreateMode = _S_IREAD | _S_IWRITE;
int openFile(const fs::path& path, int flags, int mode = 0) {
  return ::_wopen(path.c_str(), flags, mode);
}
int closeFile(int fd) {
  return ::_close(fd);
}
int syncFile(int fd) {
  return ::_commit(fd);
}
auto readFile(int fd, void* out, size_t size) {
  return ::_read(fd, out, static_cast<unsigned>(size));
}
auto writeFile(int fd, const void* in, size_t size) {
  return ::_write(fd, in, static_cast<unsigned>(size));
}
#else
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a FIFO must not block the start
constexpr int kCreateFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
constexpr int kCreateMode = 0600;
int openFile(const fs::path& path, int flags, int mode = 0) {
  return ::open(path.c_str(), flags, mode);
}
int closeFile(int fd) {
  return ::close(fd);
}
int syncFile(int fd) {
  return ::fsync(fd);
}
auto readFile(int fd, void* out, size_t size) {
  return ::read(fd, out, size);
}
auto writeFile(int fd, const void* in, size_t size) {
  return ::write(fd, in, size);
}
#endif

struct File {
  int fd = -1;
  explicit File(int descriptor) : fd(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) closeFile(fd);
  }
};

// Longer than a key by one byte, so that a longer file is noticed.
struct Buffer {
  std::array<unsigned char, MasterKey::kSize + 1> bytes{};
  ~Buffer() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  std::span<const unsigned char, MasterKey::kSize> key() const {
    return std::span(bytes).first<MasterKey::kSize>();
  }
};

std::string systemText(int code) {
  return std::generic_category().message(code);
}

std::unexpected<Error> keyError(std::string reason, std::string message) {
  auto error = makeError(FailureKind::Unavailable, std::move(message));
  error.error().reason = std::move(reason);
  return error;
}

bool isSystemdCredential(const fs::path& path) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  return directory != nullptr && *directory != '\0' &&
         path.parent_path().lexically_normal() == fs::path(directory).lexically_normal();
}

Result<> checkAccess(const fs::path& path, int fd) {
#ifdef _WIN32
  (void)path;  // the installer's ACL on the directory guards the file
  (void)fd;
#else
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
#endif
  return {};
}

Result<MasterKey> readKey(const fs::path& path, int fd, bool sealed_data_exists) {
  if (auto ok = checkAccess(path, fd); !ok) return std::unexpected(ok.error());
  Buffer buffer;
  size_t size = 0;
  while (size < buffer.bytes.size()) {
    const auto got = readFile(fd, buffer.bytes.data() + size, buffer.bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return keyError("master_key_io", fmt::format("The master key file {} cannot be read: {}.",
                                                   path.string(), systemText(errno)));
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size != MasterKey::kSize) {
    return keyError(
        "master_key_size",
        fmt::format("The master key file {} does not hold exactly {} bytes. {}", path.string(),
                    MasterKey::kSize,
                    sealed_data_exists
                        ? "Restore it from your backup: the stored secrets open with no other key."
                        : "Nothing is sealed under it yet: remove the file, and the next start "
                          "makes a new key."));
  }
  return MasterKey(buffer.key());
}

Result<> syncDirectory(const fs::path& directory) {
#ifdef _WIN32
  (void)directory;
#else
  File handle(openFile(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.fd < 0 || syncFile(handle.fd) != 0) {
    return keyError("master_key_io", fmt::format("The directory {} cannot be written to disk: {}.",
                                                 directory.string(), systemText(errno)));
  }
#endif
  return {};
}

// nullopt: the file came into being meanwhile.
Result<std::optional<MasterKey>> createKey(const fs::path& path) {
  Buffer buffer;
  if (RAND_bytes(buffer.bytes.data(), MasterKey::kSize) != 1) {
    return keyError("master_key_random",
                    "The system gives no random bytes, so no master key can be made.");
  }
  int failure = 0;
  {
    File file(openFile(path, kCreateFlags, kCreateMode));
    if (file.fd < 0) {
      if (errno == EEXIST) return std::nullopt;
      return keyError(
          "master_key_io",
          fmt::format("The master key file {} cannot be created: {}. The service's user needs a "
                      "directory of its own that it may write to.",
                      path.string(), systemText(errno)));
    }
    size_t size = 0;
    while (failure == 0 && size < MasterKey::kSize) {
      const auto put = writeFile(file.fd, buffer.bytes.data() + size, MasterKey::kSize - size);
      if (put < 0 && errno != EINTR) failure = errno;
      if (put > 0) size += static_cast<size_t>(put);
    }
    if (failure == 0 && syncFile(file.fd) != 0) failure = errno;
  }
  if (failure != 0) {
    std::error_code ignored;
    fs::remove(path, ignored);  // ours, made a moment ago, and nothing is sealed under it
    return keyError("master_key_io", fmt::format("The master key file {} cannot be written: {}.",
                                                 path.string(), systemText(failure)));
  }
  if (auto ok = syncDirectory(path.parent_path()); !ok) return std::unexpected(ok.error());
  return MasterKey(buffer.key());
}

}  // namespace

MasterKey::MasterKey(std::span<const unsigned char, kSize> bytes) : bytes_(new Bytes{}) {
#ifndef _WIN32
  (void)::mlock(bytes_.get(), sizeof(Bytes));  // best effort: RLIMIT_MEMLOCK may forbid it
#endif
  std::copy(bytes.begin(), bytes.end(), bytes_->begin());
}

void MasterKey::Wipe::operator()(Bytes* bytes) const noexcept {
  OPENSSL_cleanse(bytes->data(), bytes->size());
#ifndef _WIN32
  (void)::munlock(bytes, sizeof(Bytes));
#endif
  delete bytes;
}

Result<MasterKey> loadOrCreateMasterKey(const fs::path& given, bool sealed_data_exists) {
  std::error_code code;
  const fs::path path = fs::absolute(given, code);
  if (given.empty() || code)
    return keyError("master_key_path", "No usable path of a master key file is configured.");

  // Twice at most: the second time only when another process made the file between our look and our
  // attempt.
  for (int attempt = 0; attempt < 2; ++attempt) {
    File file(openFile(path, kReadFlags));
    if (file.fd >= 0) return readKey(path, file.fd, sealed_data_exists);
    if (errno != ENOENT) {
      return keyError(
          "master_key_io",
          fmt::format(
              "The master key file {} cannot be opened: {}. It must belong to the service's user.",
              path.string(), systemText(errno)));
    }
    if (sealed_data_exists) {
      return keyError(
          "master_key_missing",
          fmt::format(
              "The master key file {} is missing, but the database holds secrets sealed under it. "
              "Restore the file from your backup, or point the configuration at it. Without it "
              "move the database away and import the accounts again.",
              path.string()));
    }
    auto made = createKey(path);
    if (!made) return std::unexpected(made.error());
    if (*made) return std::move(**made);
  }
  return keyError("master_key_io",
                  fmt::format("The master key file {} appears and disappears.", path.string()));
}

}  // namespace omni::secrets
