#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

#include "service/platform/file_guard.hpp"

namespace omni::platform {
namespace {

namespace fs = std::filesystem;

Result<struct stat> examine(const fs::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0)
    return makeError(FailureKind::NotFound, path.string() + " cannot be read");
  return info;
}

}  // namespace

Result<std::optional<std::string>> changeableByOthers(const fs::path& path) {
  const auto info = examine(path);
  if (!info) return std::unexpected(info.error());
  if (info->st_uid != 0 && info->st_uid != ::geteuid())
    return "must belong to root or to the user that the service runs as";
  if (info->st_mode & (S_IWGRP | S_IWOTH))
    return "must not be writable by group or others (chmod go-w)";
  return std::nullopt;
}

Result<std::optional<std::string>> readableByOthers(const fs::path& path) {
  const auto info = examine(path);
  if (!info) return std::unexpected(info.error());
  if (info->st_mode & (S_IRWXG | S_IRWXO)) return "must not be open to other users (chmod go=)";
  return std::nullopt;
}

Result<> makePrivate(const fs::path& folder) {
  std::error_code code;
  fs::permissions(folder, fs::perms::owner_all, code);
  if (code)
    return makeError(FailureKind::Unavailable,
                     folder.string() + " cannot be closed to others: " + code.message());
  return {};
}

}  // namespace omni::platform
