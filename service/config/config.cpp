#include "service/config/config.hpp"

#include <Poco/Exception.h>
#include <Poco/Util/PropertyFileConfiguration.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/edit_distance.hpp"
#include "service/config/key_table.hpp"

namespace omni::config {
namespace {

namespace fs = std::filesystem;

using Value = PluginSetting;
using Values = std::map<std::string, Value, std::less<>>;

// Set for the clients of this service, which may share its environment.
constexpr std::string_view kClientVariables[] = {"OMNIROUTE_API_KEY", "OMNIROUTE_URL"};

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

bool isPluginKey(std::string_view key) {
  if (!key.starts_with("plugins.") || key == "plugins.dir") return false;
  const auto rest = key.substr(8);
  const auto dot = rest.find('.');
  return dot != std::string_view::npos && dot > 0 && dot + 1 < rest.size();
}

std::string nearestKey(std::string_view key) {
  const auto table = keyTable();
  const auto best = std::ranges::min_element(
      table, {}, [&](const KeySpec& spec) { return editDistance(key, spec.key); });
  return std::string(best->key);
}

Result<> put(Values& values, std::string key, const std::string& text, std::string origin,
             Layer layer) {
  if (!findKey(key) && !isPluginKey(key)) {
    return makeError(
        FailureKind::BadRequest,
        fmt::format("{}: unknown setting \"{}\"; did you mean \"{}\"? Settings of a plugin are "
                    "named plugins.<id>.<key>.",
                    origin, key, nearestKey(key)),
        key);
  }
  values[std::move(key)] = Value{trimmed(text), std::move(origin), layer};
  return {};
}

Result<> readFile(const fs::path& file, Values& values) {
  std::error_code code;
  if (!fs::is_regular_file(file, code)) {
    return makeError(
        FailureKind::NotFound,
        fmt::format("configuration file {} cannot be read: it does not exist or is no file",
                    file.string()));
  }
  try {
    Poco::AutoPtr<Poco::Util::PropertyFileConfiguration> properties(
        new Poco::Util::PropertyFileConfiguration(file.string()));
    std::vector<std::string> pending{""};
    while (!pending.empty()) {
      const std::string prefix = pending.back();
      pending.pop_back();
      Poco::Util::AbstractConfiguration::Keys children;
      properties->keys(prefix, children);
      if (children.empty() && !prefix.empty()) {
        if (auto done = put(values, prefix, properties->getRawString(prefix),
                            "file " + file.string(), Layer::File);
            !done)
          return done;
      }
      for (const auto& child : children)
        pending.push_back(prefix.empty() ? child : fmt::format("{}.{}", prefix, child));
    }
  } catch (const Poco::Exception& error) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("configuration file {} cannot be read: {}", file.string(),
                                 error.displayText()));
  }
  return {};
}

Result<> readEnvironment(const std::vector<std::string>& environment, Values& values) {
  constexpr std::string_view kPluginPrefix = "OMNIROUTE_PLUGINS_";
  for (const std::string& entry : environment) {
    const auto equals = entry.find('=');
    if (!entry.starts_with("OMNIROUTE_") || equals == std::string::npos) continue;
    const std::string name = entry.substr(0, equals);
    if (std::ranges::find(kClientVariables, name) != std::end(kClientVariables)) continue;
    std::string key;
    for (const KeySpec& spec : keyTable())
      if (environmentName(spec.key) == name) key = spec.key;
    if (key.empty() && name.starts_with(kPluginPrefix)) {
      key = "plugins.";
      for (char c : name.substr(kPluginPrefix.size()))
        key += c == '_' ? '.' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (key.empty()) key = name;
    if (auto done = put(values, key, entry.substr(equals + 1), "environment variable " + name,
                        Layer::Environment);
        !done)
      return done;
  }
  return {};
}

std::unexpected<Error> badValue(const KeySpec& spec, const Value& value,
                                std::string_view expected) {
  return makeError(
      FailureKind::BadRequest,
      fmt::format("{}: {} = \"{}\" is not valid; {}", value.origin, spec.key, value.text, expected),
      std::string(spec.key));
}

Result<> check(const KeySpec& spec, const Value& value) {
  if (spec.kind == KeyKind::Integer) {
    const auto dots = spec.allowed.find("..");
    const int low = std::stoi(std::string(spec.allowed.substr(0, dots)));
    const int high = std::stoi(std::string(spec.allowed.substr(dots + 2)));
    int number = 0;
    const auto* end = value.text.data() + value.text.size();
    const auto [stop, code] = std::from_chars(value.text.data(), end, number);
    if (code != std::errc() || stop != end || number < low || number > high)
      return badValue(spec, value,
                      fmt::format("allowed is a whole number from {} to {}", low, high));
  } else if (spec.kind == KeyKind::Choice) {
    if (value.text.empty() || value.text.contains('|') ||
        ("|" + std::string(spec.allowed) + "|").find("|" + value.text + "|") == std::string::npos)
      return badValue(spec, value, fmt::format("allowed is one of {}", spec.allowed));
  }
  return {};
}

std::vector<std::string> splitList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (auto item = trimmed(text.substr(0, comma)); !item.empty()) items.push_back(std::move(item));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return items;
}

std::string environmentValue(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string& entry : environment)
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  return {};
}

fs::path defaultDataDir(const std::vector<std::string>& environment) {
  if (auto dir = environmentValue(environment, "STATE_DIRECTORY"); !dir.empty())
    return dir.substr(0, dir.find(':'));
  // Only Windows sets it.
  if (auto dir = environmentValue(environment, "ProgramData"); !dir.empty())
    return fs::path(dir) / "OmniRoute";
  if (auto dir = environmentValue(environment, "XDG_DATA_HOME"); !dir.empty())
    return fs::path(dir) / "omniroute";
  if (auto dir = environmentValue(environment, "HOME"); !dir.empty())
    return fs::path(dir) / ".local" / "share" / "omniroute";
  return "/var/lib/omniroute";
}

fs::path defaultPluginsDir(const fs::path& program_dir) {
  std::error_code code;
  for (const fs::path& candidate : {program_dir / "plugins", program_dir.parent_path() / "plugins",
                                    program_dir.parent_path() / "lib" / "omniroute" / "plugins"})
    if (fs::is_directory(candidate, code)) return candidate;
  return program_dir.parent_path() / "lib" / "omniroute" / "plugins";
}

fs::path defaultMasterKey(const std::vector<std::string>& environment, const fs::path& data_dir) {
  std::error_code code;
  if (auto dir = environmentValue(environment, "CREDENTIALS_DIRECTORY"); !dir.empty())
    if (fs::path file = fs::path(dir) / "master.key"; fs::exists(file, code)) return file;
  return data_dir / "master.key";
}

}  // namespace

const std::string* Config::pluginSetting(std::string_view id, std::string_view key) const {
  std::string name;
  name.reserve(id.size() + 1 + key.size());
  name.append(id).append(".").append(key);
  const auto found = plugin_settings.find(name);
  return found == plugin_settings.end() ? nullptr : &found->second.text;
}

Result<Config> load(const Sources& sources, const fs::path& program_dir) {
  Values values;
  if (!sources.file.empty())
    if (auto done = readFile(sources.file, values); !done) return std::unexpected(done.error());
  if (auto done = readEnvironment(sources.environment, values); !done)
    return std::unexpected(done.error());
  for (const std::string& entry : sources.command_line) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos)
      return makeError(FailureKind::BadRequest,
                       fmt::format("command line: \"{}\" is not of the form key=value", entry));
    if (auto done = put(values, trimmed(entry.substr(0, equals)), entry.substr(equals + 1),
                        "command line", Layer::CommandLine);
        !done)
      return std::unexpected(done.error());
  }

  for (const KeySpec& spec : keyTable()) {
    auto [position, added] = values.try_emplace(
        std::string(spec.key), Value{std::string(spec.default_value), "default", Layer::Default});
    if (auto done = check(spec, position->second); !done) return std::unexpected(done.error());
  }
  const auto text = [&](std::string_view key) -> const std::string& {
    return values.find(key)->second.text;
  };
  const auto number = [&](std::string_view key) { return std::stoi(text(key)); };

  Config config;
  config.address = text("server.address");
  config.port = static_cast<uint16_t>(number("server.port"));
  config.tls_certificate = text("server.tls.certificate");
  config.tls_key = text("server.tls.key");
  config.tls_address =
      text("server.tls.address").empty() ? config.address : text("server.tls.address");
  config.tls_port = static_cast<uint16_t>(number("server.tls.port"));
  if (config.tls_certificate.empty() != config.tls_key.empty())
    return makeError(FailureKind::BadRequest,
                     "server.tls.certificate and server.tls.key go together: set both for a TLS "
                     "listener, or none",
                     "server.tls.certificate");
  config.allowed_hosts = splitList(text("server.allowedHosts"));
  config.max_streams = number("server.maxStreams");
  config.max_admin = number("server.maxAdmin");
  config.max_queued = number("server.maxQueued");
  config.send_timeout_s = number("server.sendTimeoutSeconds");
  config.drain_s = number("server.drainSeconds");
  config.data_dir =
      text("data.dir").empty() ? defaultDataDir(sources.environment) : fs::path(text("data.dir"));
  config.master_key_file = text("data.masterKeyFile").empty()
                               ? defaultMasterKey(sources.environment, config.data_dir)
                               : fs::path(text("data.masterKeyFile"));
  config.plugins_dir =
      text("plugins.dir").empty() ? defaultPluginsDir(program_dir) : fs::path(text("plugins.dir"));
  config.ca_file = text("upstream.caFile");
  config.proxy_test_urls = splitList(text("proxies.testUrls"));
  config.keys_on_loopback = text("access.requireKey") == "always";
  config.password_file = text("access.passwordFile");
  config.key_file = text("access.keyFile");
  config.request_keep_days = number("requests.keepDays");
  config.request_keep_rows = number("requests.keepRows");
  config.request_content = text("requests.content") == "on";
  config.request_content_kib = number("requests.contentKiB");
  config.request_content_keep_days = number("requests.contentKeepDays");
  config.request_content_keep_rows = number("requests.contentKeepRows");
  config.log_level = text("log.level");
  config.log_format = text("log.format");
  config.log_file = text("log.file");
  for (const auto& [key, value] : values)
    if (isPluginKey(key)) config.plugin_settings[key.substr(8)] = value;
  return config;
}

}  // namespace omni::config
