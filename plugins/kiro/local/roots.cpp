#include "plugins/kiro/local/roots.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "plugins/kiro/json.hpp"

#if !defined(_WIN32)
#include <pwd.h>
#include <unistd.h>
#endif

namespace omni::kiro::local {
namespace {

constexpr const char* kVariables[] = {"HOME",
                                      "USERPROFILE",
                                      "APPDATA",
                                      "LOCALAPPDATA",
                                      "XDG_DATA_HOME",
                                      "XDG_CONFIG_HOME",
                                      "KIROCLI_DB_PATH",
                                      "KIRO_TEST_DB_PATH",
                                      "AWS_SSO_CACHE_DIR"};

// Empty: not set. UTF-8 on every system; the narrow variables of Windows are in its code page.
std::string fromEnvironment(const char* name) {
#if defined(_WIN32)
  const std::filesystem::path wide_name(name);
  const wchar_t* const value = _wgetenv(wide_name.c_str());
  return value ? std::filesystem::path(value).string() : std::string();
#else
  const char* const value = std::getenv(name);
  return value ? value : "";
#endif
}

std::string variable(const Roots& roots, const char* name) {
  const auto found = roots.env.find(name);
  return found == roots.env.end() ? std::string() : found->second;
}

class Places {
 public:
  explicit Places(Platform platform) : platform_(platform) {}
  void add(Place::Type type, std::string kind, std::string_view folder,
           std::initializer_list<std::string_view> names, Platform platform) {
    if (folder.empty()) return;
    std::string path(folder);
    for (std::string_view name : names) path = joined(platform, path, name);
    for (const Place& place : list)
      if (place.path == path) return;
    list.push_back({type, std::move(kind), std::move(path)});
  }
  void add(Place::Type type, std::string kind, std::string_view folder,
           std::initializer_list<std::string_view> names) {
    add(type, std::move(kind), folder, names, platform_);
  }
  std::vector<Place> list;

 private:
  Platform platform_;
};

void addWindowsHome(Places& places, const std::string& local, const std::string& roaming) {
  for (const char* tool : {"kiro-cli", "amazon-q"}) {
    places.add(Place::Database, tool, local, {tool, "data.sqlite3"});
    places.add(Place::Database, tool, roaming, {tool, "data.sqlite3"});
  }
  places.add(Place::Database, "kiro-cli", roaming, {"kiro", "storage.db"});
}

void addProfiles(Places& places, std::string_view config) {
  for (const char* ide : {"Kiro", "kiro"})
    places.add(Place::Profile, "kiro-ide", config,
               {ide, "User", "globalStorage", "kiro.kiroagent", "profile.json"});
}

}  // namespace

std::string joined(Platform platform, std::string_view folder, std::string_view name) {
  const char separator = platform == Platform::Windows ? '\\' : '/';
  std::string path(folder);
  if (!path.empty() && path.back() != separator && path.back() != '/') path += separator;
  return path.append(name);
}

std::vector<Place> placesToLook(const Roots& roots) {
  Places places(roots.platform);
  const bool windows = roots.platform == Platform::Windows;
  const bool mac = roots.platform == Platform::MacOs;
  const auto orElse = [&](const char* name, std::initializer_list<std::string_view> below) {
    std::string value = variable(roots, name);
    if (!value.empty() || roots.home.empty()) return value;
    value = roots.home;
    for (std::string_view part : below) value = joined(roots.platform, value, part);
    return value;
  };
  for (const char* given : {"KIROCLI_DB_PATH", "KIRO_TEST_DB_PATH"})
    places.add(Place::Database, "kiro-cli", variable(roots, given), {});

  std::string config;
  if (windows) {
    const std::string local = orElse("LOCALAPPDATA", {"AppData", "Local"});
    const std::string roaming = orElse("APPDATA", {"AppData", "Roaming"});
    addWindowsHome(places, local, roaming);
    config = roaming;
    // The homes of each distribution, and its root's.
    for (const char* tool : {"kiro-cli", "amazon-q"}) {
      places.add(Place::Database, tool, roots.wsl_share,
                 {"*", "home", "*", ".local", "share", tool, "data.sqlite3"});
      places.add(Place::Database, tool, roots.wsl_share,
                 {"*", "root", ".local", "share", tool, "data.sqlite3"});
    }
  } else if (mac) {
    config = roots.home.empty() ? std::string()
                                : joined(roots.platform, roots.home, "Library/Application Support");
    for (const char* tool : {"kiro-cli", "amazon-q"})
      places.add(Place::Database, tool, config, {tool, "data.sqlite3"});
  } else {
    const std::string data = orElse("XDG_DATA_HOME", {".local", "share"});
    for (const char* tool : {"kiro-cli", "amazon-q"})
      places.add(Place::Database, tool, data, {tool, "data.sqlite3"});
    config = orElse("XDG_CONFIG_HOME", {".config"});
  }
  if (roots.platform == Platform::Wsl && !roots.windows_users.empty())
    for (const char* tool : {"kiro-cli", "amazon-q"})
      for (const char* kept : {"Local", "Roaming"})
        places.add(Place::Database, tool, roots.windows_users,
                   {"*", "AppData", kept, tool, "data.sqlite3"});

  addProfiles(places, config);
  places.add(Place::CacheFolder, "", variable(roots, "AWS_SSO_CACHE_DIR"), {});
  places.add(Place::CacheFolder, "", roots.home, {".aws", "sso", "cache"});
  if (windows) {
    places.add(Place::CacheFolder, "", roots.wsl_share, {"*", "home", "*", ".aws", "sso", "cache"});
    places.add(Place::CacheFolder, "", roots.wsl_share, {"*", "root", ".aws", "sso", "cache"});
  }
  if (roots.platform == Platform::Wsl && !roots.windows_users.empty()) {
    places.add(Place::CacheFolder, "", roots.windows_users, {"*", ".aws", "sso", "cache"});
    for (const char* ide : {"Kiro", "kiro"})
      places.add(Place::Profile, "kiro-ide", roots.windows_users,
                 {"*", "AppData", "Roaming", ide, "User", "globalStorage", "kiro.kiroagent",
                  "profile.json"});
  }
  return std::move(places.list);
}

Roots Roots::own() {
  Roots roots;
  for (const char* name : kVariables)
    if (std::string value = fromEnvironment(name); !value.empty())
      roots.env[name] = std::move(value);
#if defined(_WIN32)
  roots.platform = Platform::Windows;
  roots.home = variable(roots, "USERPROFILE");
  roots.wsl_share = R"(\\wsl$)";
#else
#if defined(__APPLE__)
  roots.platform = Platform::MacOs;
#else
  std::ifstream version("/proc/version");
  const std::string kernel((std::istreambuf_iterator<char>(version)), {});
  if (kernel.contains("icrosoft")) {
    roots.platform = Platform::Wsl;
    roots.windows_users = "/mnt/c/Users";
  }
#endif
  roots.home = variable(roots, "HOME");
  // A service may run without HOME.
  if (const passwd* user = roots.home.empty() ? getpwuid(getuid()) : nullptr; user && user->pw_dir)
    roots.home = user->pw_dir;
#endif
  return roots;
}

std::expected<Roots, std::string> Roots::parse(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == text.npos) return own();
  const auto object = parseObject(text);
  if (!object) return std::unexpected("roots must be a JSON object");
  Roots roots = own();
  for (const auto& [key, value] : *object) {
    const std::string_view name(key.data(), key.size());
    if (name == "env") {
      if (!value.is_object()) return std::unexpected("env must be an object of texts");
      roots.env.clear();
      for (const auto& [variable_name, text_value] : value.get_object()) {
        if (!text_value.is_string()) return std::unexpected("env must be an object of texts");
        roots.env[std::string(variable_name)] = std::string(view(text_value.get_string()));
      }
      continue;
    }
    if (!value.is_string())
      return std::unexpected(std::string(name.substr(0, 40)) + " must be a text");
    const std::string given(view(value.get_string()));
    if (name == "platform") {
      if (given == "linux")
        roots.platform = Platform::Linux;
      else if (given == "macos")
        roots.platform = Platform::MacOs;
      else if (given == "windows")
        roots.platform = Platform::Windows;
      else if (given == "wsl")
        roots.platform = Platform::Wsl;
      else
        return std::unexpected("platform must be linux, macos, windows or wsl");
    } else if (name == "home") {
      roots.home = given;
    } else if (name == "windowsUsers") {
      roots.windows_users = given;
    } else if (name == "wslShare") {
      roots.wsl_share = given;
    } else {
      return std::unexpected("unknown member \"" + std::string(name.substr(0, 40)) +
                             "\"; known are platform, home, env, windowsUsers, wslShare");
    }
  }
  return roots;
}

}  // namespace omni::kiro::local
