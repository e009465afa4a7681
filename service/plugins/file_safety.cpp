#include "service/plugins/file_safety.hpp"

#include "service/platform/file_guard.hpp"

namespace omni::plugins {

namespace {

namespace fs = std::filesystem;

std::unexpected<Error> unsafe(const fs::path& path, std::string_view what) {
  return makeError(FailureKind::Forbidden, path.string() + " " + std::string(what));
}

Result<> unchangeable(const fs::path& path) {
  const auto why = platform::changeableByOthers(path);
  if (!why) return std::unexpected(why.error());
  if (*why) return unsafe(path, **why);
  return {};
}

}  // namespace

Result<> checkFolder(const fs::path& folder) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed))
    return makeError(FailureKind::NotFound, folder.string() + " is not a folder");
  return unchangeable(folder);
}

Result<> checkFile(const fs::path& file) {
  std::error_code failed;
  const fs::file_status status = fs::symlink_status(file, failed);
  if (failed || status.type() == fs::file_type::not_found)
    return makeError(FailureKind::NotFound, file.string() + " does not exist");
  if (status.type() == fs::file_type::symlink) return unsafe(file, "is a symbolic link");
  if (status.type() != fs::file_type::regular) return unsafe(file, "is not a regular file");
  return unchangeable(file);
}

}  // namespace omni::plugins
