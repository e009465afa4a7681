#include <fmt/format.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>

#include "cli/platform.hpp"

namespace omni::cli {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

fs::path configFolder() {
  if (const std::string config = environment("XDG_CONFIG_HOME"); !config.empty())
    return fs::path(config) / "omniroute";
  if (const std::string home = environment("HOME"); !home.empty())
    return fs::path(home) / ".config" / "omniroute";
  return {};
}

std::vector<fs::path> dataFolders() {
  std::vector<fs::path> folders{"/var/lib/omniroute"};
  if (const std::string data = environment("XDG_DATA_HOME"); !data.empty())
    folders.push_back(fs::path(data) / "omniroute");
  if (const std::string home = environment("HOME"); !home.empty())
    folders.push_back(fs::path(home) / ".local/share/omniroute");
  return folders;
}

std::string openToOthers(const fs::path& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || (info.st_mode & 077) == 0) return {};
  return fmt::format("is open to others ({:03o})", info.st_mode & 0777);
}

fs::path ownFolder(const char* called_as) {
  std::error_code code;
  const fs::path self = fs::read_symlink("/proc/self/exe", code);
  return (code ? fs::absolute(called_as, code) : self).parent_path();
}

void endQuietly() {
  std::signal(SIGPIPE, SIG_DFL);  // "omniroute ... | head"
}

}  // namespace omni::cli
