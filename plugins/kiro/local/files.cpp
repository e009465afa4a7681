#include "plugins/kiro/local/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace omni::kiro::local {
namespace {

namespace fs = std::filesystem;
constexpr size_t kMostPaths = 200;
constexpr size_t kMostFiles = 1000;

}  // namespace

std::vector<std::string> expand(std::string_view path, char separator) {
  const auto star = path.find('*');
  std::error_code code;
  if (star == path.npos) {
    const std::string whole(path);
    // A path of another system's form (tests look at Windows paths) is just not there.
    return fs::exists(whole, code) ? std::vector{whole} : std::vector<std::string>();
  }
  const std::string folder(path.substr(0, star));
  const std::string_view rest = path.substr(star + 1);
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, fs::directory_options::skip_permission_denied, code), end;
       !code && it != end && names.size() < kMostPaths; it.increment(code)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) names.push_back(it->path().filename().string());
  }
  std::ranges::sort(names);
  std::vector<std::string> found;
  for (const std::string& name : names) {
    for (std::string& one : expand(folder + name + std::string(rest), separator)) {
      if (found.size() >= kMostPaths) return found;
      found.push_back(std::move(one));
    }
  }
  return found;
}

Read<std::vector<std::string>> jsonFilesIn(const std::string& folder) {
  std::error_code code;
  std::vector<std::string> names;
  fs::directory_iterator it(folder, code);
  if (code)
    return std::unexpected(fmt::format(
        "the folder cannot be read ({}); run this as the user who owns it", code.message()));
  for (const fs::directory_iterator end; it != end; it.increment(code)) {
    if (code) break;
    std::error_code ignored;
    std::string name = it->path().filename().string();
    if (!name.ends_with(".json") || !it->is_regular_file(ignored)) continue;
    if (names.size() >= kMostFiles)
      return std::unexpected(fmt::format("the folder holds more than {} files", kMostFiles));
    names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

Read<std::string> readFile(const std::string& path, uint64_t limit) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  if (code) return std::unexpected(fmt::format("it cannot be read ({})", code.message()));
  if (size > limit)
    return std::unexpected(
        fmt::format("it is {} KiB large, a token file has at most {} KiB; it is not read",
                    size / 1024, limit / 1024));
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return std::unexpected(fmt::format("it cannot be read ({}); run this as the user who owns it",
                                       std::strerror(errno)));
  std::string bytes(static_cast<size_t>(size), '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<size_t>(in.gcount()));
  return bytes;
}

}  // namespace omni::kiro::local
