#include "service/plugins/file_safety.hpp"

#ifndef _WIN32
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace omni::plugins {

namespace {

namespace fs = std::filesystem;

std::unexpected<Error> unsafe(const fs::path& path, std::string_view what) {
  return makeError(FailureKind::Forbidden, path.string() + " " + std::string(what));
}

#ifndef _WIN32
Result<> checkOwner(const fs::path& path, const struct stat& info) {
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    return unsafe(path, "must belong to root or to the user that the service runs as");
  if (info.st_mode & (S_IWGRP | S_IWOTH))
    return unsafe(path, "must not be writable by group or others (chmod go-w)");
  return {};
}
#endif

}  // namespace

Result<> checkFolder(const fs::path& folder) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed))
    return makeError(FailureKind::NotFound, folder.string() + " is not a folder");
#ifndef _WIN32
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0)
    return makeError(FailureKind::NotFound, folder.string() + " cannot be read");
  return checkOwner(folder, info);
#else
  return {};
#endif
}

Result<> checkFile(const fs::path& file) {
  std::error_code failed;
  const fs::file_status status = fs::symlink_status(file, failed);
  if (failed || status.type() == fs::file_type::not_found)
    return makeError(FailureKind::NotFound, file.string() + " does not exist");
  if (status.type() == fs::file_type::symlink) return unsafe(file, "is a symbolic link");
  if (status.type() != fs::file_type::regular) return unsafe(file, "is not a regular file");
#ifndef _WIN32
  struct stat info{};
  if (::lstat(file.c_str(), &info) != 0)
    return makeError(FailureKind::NotFound, file.string() + " cannot be read");
  return checkOwner(file, info);
#else
  return {};
#endif
}

}  // namespace omni::plugins
