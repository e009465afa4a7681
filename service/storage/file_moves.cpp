#include "service/storage/file_moves.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <system_error>

#ifdef _WIN32
#include <fstream>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace omni::storage {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> failed(const fs::path& path, int code) {
  auto error = makeError(
      FailureKind::Unavailable,
      fmt::format("{} cannot be written: {}. {}", path.string(),
                  std::generic_category().message(code),
                  code == ENOSPC ? "Free some space; nothing was changed."
                                 : "Its folder must be writable for the service's user."));
  error.error().reason = code == ENOSPC  ? "storage_full"
                         : code == EROFS ? "storage_readonly"
                                         : "storage_io";
  return error;
}

#ifndef _WIN32
int syncFolder(const fs::path& folder) {
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int code = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return code;
}
#endif

}  // namespace

Result<> writeFileDurably(const fs::path& path, std::string_view bytes) {
#ifdef _WIN32
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) return failed(path, EIO);
#else
  // A new file each time: an existing one may be a link, or open to others.
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path, errno);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failed(path, errno);
  int code = 0;
  while (!bytes.empty() && code == 0) {
    const ssize_t sent = ::write(fd, bytes.data(), bytes.size());
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    if (sent < 0 && errno != EINTR) code = errno;
  }
  if (code == 0 && ::fsync(fd) != 0) code = errno;
  ::close(fd);
  if (code == 0) code = syncFolder(path.parent_path());
  if (code != 0) {
    ::unlink(path.c_str());
    return failed(path, code);
  }
#endif
  return {};
}

Result<> moveFile(const fs::path& from, const fs::path& to) {
  std::error_code code;
  fs::rename(from, to, code);
  if (code) return failed(to, code.value());
#ifndef _WIN32
  if (const int problem = syncFolder(to.parent_path()); problem != 0) return failed(to, problem);
#endif
  return {};
}

}  // namespace omni::storage
