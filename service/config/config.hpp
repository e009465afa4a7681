#pragma once
// The service's settings, in layers: defaults, a .properties file, the environment (OMNIROUTE_*),
// the command line. A later layer wins. An unknown key or a bad value refuses the start and names
// where it stands and what is allowed.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace omni::config {

struct Sources {
  std::filesystem::path file;             // empty: none
  std::vector<std::string> environment;   // "NAME=value"; others than OMNIROUTE_* are ignored
  std::vector<std::string> command_line;  // "key=value"
};

enum class Layer { Default, File, Environment, CommandLine };  // a later one wins

struct PluginSetting {
  std::string text;
  std::string origin;  // for messages: "file X", "environment variable Y", "command line"
  Layer layer = Layer::Default;
};

// Immutable once it is in use; share it by shared_ptr.
struct Config {
  std::string address;
  uint16_t port = 0;
  std::filesystem::path tls_certificate;  // empty: no TLS listener
  std::filesystem::path tls_key;
  std::string tls_address;
  uint16_t tls_port = 0;
  std::vector<std::string> allowed_hosts;
  int max_streams = 0;
  int max_admin = 0;
  int max_queued = 0;
  int send_timeout_s = 0;
  int drain_s = 0;
  std::filesystem::path data_dir;
  std::filesystem::path master_key_file;
  std::filesystem::path plugins_dir;
  std::filesystem::path ca_file;
  std::vector<std::string> proxy_test_urls;
  bool keys_on_loopback = false;
  std::filesystem::path password_file;
  std::filesystem::path key_file;
  int request_keep_days = 0;
  int request_keep_rows = 0;
  bool request_content = false;
  int request_content_kib = 0;
  int request_content_keep_days = 0;
  int request_content_keep_rows = 0;
  std::string log_level;
  std::string log_format;
  std::filesystem::path log_file;
  // "kiro.endpoint.oidc" -> value; app::settlePluginSettings() holds them against the manifests.
  std::map<std::string, PluginSetting, std::less<>> plugin_settings;

  // "plugins.<id>.<key>" without its prefix; nullptr when not set.
  const std::string* pluginSetting(std::string_view id, std::string_view key) const;
};

// program_dir: where the executable lies; the plugins of a build tree or a tarball are found beside
// it.
Result<Config> load(const Sources& sources, const std::filesystem::path& program_dir);

}  // namespace omni::config
