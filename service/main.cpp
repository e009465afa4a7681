// omnirouted: the process. Poco's ServerApplication gives it the command line; what the systems do
// differently is in service/platform and windows_main.

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionCallback.h>
#include <Poco/Util/OptionSet.h>
#include <Poco/Util/ServerApplication.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "service/app/by_hand.hpp"
#include "service/app/exit_code.hpp"
#include "service/app/gateway.hpp"
#include "service/app/plugin_settings.hpp"
#include "service/config/config.hpp"
#include "service/config/key_table.hpp"
#include "service/http/tls_identity.hpp"
#include "service/platform/process.hpp"
#include "service/platform/requests.hpp"
#include "service/platform/service_manager.hpp"

#if defined(_WIN32)
#include "service/plugins/crash_probe.hpp"
#include "service/windows_main.hpp"
#endif

namespace {

using Poco::Util::Option;
using Poco::Util::OptionCallback;

class OmniRouted final : public Poco::Util::ServerApplication {
 public:
  OmniRouted() { setUnixOptions(true); }

#if defined(_WIN32)
  // Without Poco's own dispatch to the service control manager.
  int runHere(const std::vector<std::string>& arguments) {
    init(arguments);
    return Application::run();
  }
#endif

 protected:
  void defineOptions(Poco::Util::OptionSet& options) override {
#if defined(_WIN32)
    Application::defineOptions(options);  // without Poco's own way to register a service
    add(options, "service", "", "For the service control manager: run as its service.", "",
        [](const std::string&){});
    add(options, "install-service", "",
        "Register the service, with the --config and --set given here, and exit.", "",
        [this](const std::string&) { install_ = true; });
    add(options, "remove-service", "", "Stop and remove the service, and exit; the data stay.", "",
        [this](const std::string&) { remove_ = true; });
    add(options, "remove-data", "",
        "With --remove-service: remove all accounts and settings in %ProgramData%\\OmniRoute too.",
        "", [this](const std::string&) { remove_data_ = true; });
#else
    ServerApplication::defineOptions(options);
#endif
    add(options, "help", "h", "Show this help and exit.", "",
        [this](const std::string&) { help_ = true; });
    add(options, "version", "", "Show the version and exit.", "",
        [this](const std::string&) { version_ = true; });
    add(options, "config", "c", "Configuration file (.properties).", "FILE",
        [this](const std::string& value) { sources_.file = value; });
    add(options, "set", "s", "One setting; may be repeated.", "KEY=VALUE",
        [this](const std::string& value) { sources_.command_line.push_back(value); });
    add(options, "check-config", "", "Check the configuration, say what is wrong, and exit.", "",
        [this](const std::string&) { check_ = true; });
    add(options, "restore", "",
        "With the service stopped: lay a backup ready for the next start, and exit. The passphrase "
        "is read from standard input.",
        "FILE", [this](const std::string& value) { restore_ = value; });
    add(options, "begin-anew", "",
        "After a damaged database was moved aside: make an empty one, and exit.", "",
        [this](const std::string&) { begin_anew_ = true; });
    add(options, "ready-file", "",
        "Write one line of JSON (port, tlsPort, pid) there once requests are served.", "FILE",
        [this](const std::string& value) { ready_file_ = value; });
  }

  int main(const std::vector<std::string>& arguments) override {
    if (help_) {
      showHelp();
      return EXIT_OK;
    }
    if (version_) {
      std::cout << "omnirouted " OMNI_VERSION "\n";
      return EXIT_OK;
    }
    if (!arguments.empty()) {
      std::cerr << "omnirouted: unexpected argument \"" << arguments.front()
                << "\"; see omnirouted --help\n";
      return EXIT_USAGE;
    }
    sources_.environment = omni::platform::environment();
#if defined(_WIN32)
    if (remove_data_ && !remove_) {
      std::cerr << "omnirouted: --remove-data goes with --remove-service only\n";
      return EXIT_USAGE;
    }
    if (remove_) return ended(omni::removeAsService(remove_data_));
#endif
    program_dir_ = std::filesystem::path(commandPath()).parent_path();
    auto config = loadConfig();
    if (!config) {
      omni::platform::complain(config.error().message);
      return EXIT_CONFIG;
    }
#if defined(_WIN32)
    if (install_) return ended(omni::installAsService(*config, sources_));
#endif
    if (check_) {
      if (!config->tls_certificate.empty()) {
        const auto identity =
            omni::http::TlsIdentity::load(config->tls_certificate, config->tls_key);
        if (!identity) {
          omni::platform::complain(identity.error().message);
          return omni::app::exitCode(identity.error());
        }
      }
      std::error_code code;
      if (!std::filesystem::is_directory(config->plugins_dir, code)) {
        omni::platform::complain("the plugin folder " + config->plugins_dir.string() +
                                 " does not exist; set plugins.dir to where the plugins are");
        return EXIT_CONFIG;
      }
      std::cout << "The configuration is valid. Data: " << config->data_dir.string()
                << "  plugins: " << config->plugins_dir.string() << "  address: " << config->address
                << ":" << config->port << "\n";
      return EXIT_OK;
    }
    if (!restore_.empty()) return ended(omni::app::restoreByHand(*config, restore_, std::cin));
    if (begin_anew_) return ended(omni::app::beginAnew(*config));
    return serve(std::make_shared<const omni::config::Config>(std::move(*config)));
  }

 private:
  void add(Poco::Util::OptionSet& options, const std::string& name, const std::string& shorthand,
           const std::string& text, const std::string& argument,
           std::function<void(const std::string&)> action) {
    Option option(name, shorthand, text, false);
    if (!argument.empty()) option.argument(argument);
    if (name == "set") option.repeatable(true);
    actions_[name] = std::move(action);
    options.addOption(option.callback(OptionCallback<OmniRouted>(this, &OmniRouted::onOption)));
  }

  void onOption(const std::string& name, const std::string& value) {
    actions_.at(name)(value);
    // Poco would go on to require other options; help and version must work alone.
    if (name == "help" || name == "version") stopOptionsProcessing();
  }

  omni::Result<omni::config::Config> loadConfig() const {
    auto config = omni::config::load(sources_, program_dir_);
    if (!config) return config;
    if (auto settled = omni::app::settlePluginSettings(*config); !settled)
      return std::unexpected(std::move(settled.error()));
    return config;
  }

  void showHelp() {
    Poco::Util::HelpFormatter formatter(options());
    formatter.setCommand("omnirouted");
    formatter.setUsage("[options]");
    formatter.setHeader(
        "Keeps Kiro accounts signed in side by side and serves them to OpenAI clients on one local "
        "address.");
    formatter.setUnixStyle(true);
    formatter.setWidth(100);
    formatter.format(std::cout);
    std::cout << "\nSettings (file, OMNIROUTE_* environment, or --set):\n";
    for (const auto& spec : omni::config::keyTable()) {
      std::cout << "  " << spec.key;
      if (!spec.default_value.empty()) std::cout << " = " << spec.default_value;
      if (!spec.allowed.empty()) std::cout << "  (" << spec.allowed << ")";
      std::cout << "\n      " << spec.help << "\n";
    }
    std::cout << omni::app::pluginSettingsHelp(std::filesystem::path(commandPath()).parent_path(),
                                               omni::platform::environment());
  }

  static int ended(const omni::Result<std::string>& done) {
    if (done) {
      std::cout << *done << "\n";
      return EXIT_OK;
    }
    omni::platform::complain(done.error().message);
    return omni::app::exitCode(done.error());
  }

  int serve(const std::shared_ptr<const omni::config::Config>& config) {
    const omni::platform::Requests requests;
    omni::platform::forbidDumps();
    const omni::platform::ServiceManager manager;
    omni::app::Gateway gateway(config, manager.listener());
    if (auto started = gateway.start(); !started) {
      omni::platform::complain(started.error().message);
      return omni::app::exitCode(started.error());
    }
    if (!writeReadyFile(gateway)) {
      gateway.stop(std::chrono::milliseconds(0));
      return EXIT_CANTCREAT;
    }
    std::string serving = "Serving on " + config->address + ":" + std::to_string(gateway.port());
    if (gateway.tlsPort() != 0)
      serving += ", with TLS on " + config->tls_address + ":" + std::to_string(gateway.tlsPort());
    manager.ready(serving);
    while (waitForRequest(requests, gateway, manager) == omni::platform::Request::Reload) {
      manager.reloading();
      auto fresh = loadConfig();
      if (fresh) {
        gateway.reload(std::make_shared<const omni::config::Config>(std::move(*fresh)));
        manager.ready(serving);
      } else {
        omni::platform::complain("reload refused, the old settings stay: " + fresh.error().message);
        manager.ready(serving + "; the last reload was refused: " + fresh.error().message);
      }
    }
    manager.stopping("Letting running requests end");
    gateway.stop(std::chrono::seconds(config->drain_s));
    return EXIT_OK;
  }

  // Waits for the next request; on the way it tells the watchdog that the service answers. One that
  // does not answer is left to the manager, which restarts it.
  static omni::platform::Request waitForRequest(const omni::platform::Requests& requests,
                                                const omni::app::Gateway& gateway,
                                                const omni::platform::ServiceManager& manager) {
    if (manager.watchdog() == std::chrono::milliseconds(0)) return requests.wait({});
    const std::chrono::milliseconds every = manager.watchdog() / 3;
    for (;;) {
      if (gateway.alive(every)) manager.alive();
      if (const auto asked = requests.wait(every); asked != omni::platform::Request::None)
        return asked;
    }
  }

  bool writeReadyFile(const omni::app::Gateway& gateway) {
    if (ready_file_.empty()) return true;
    // Renamed into place so that a reader never sees half a line.
    const std::string temporary = ready_file_ + ".tmp";
    {
      std::ofstream out{std::filesystem::path(temporary)};
      out << "{\"port\":" << gateway.port();
      if (gateway.tlsPort() != 0) out << ",\"tlsPort\":" << gateway.tlsPort();
      out << ",\"pid\":" << omni::platform::processId() << "}\n";
      if (!out.flush()) {
        std::cerr << "omnirouted: cannot write the ready file " << ready_file_ << "\n";
        return false;
      }
    }
    std::error_code code;
    std::filesystem::rename(temporary, ready_file_, code);
    if (code)
      std::cerr << "omnirouted: cannot write the ready file " << ready_file_ << ": "
                << code.message() << "\n";
    return !code;
  }

  std::map<std::string, std::function<void(const std::string&)>> actions_;
  omni::config::Sources sources_;
  std::filesystem::path program_dir_;
  std::string ready_file_;
  std::string restore_;
  bool help_ = false;
  bool version_ = false;
  bool check_ = false;
  bool begin_anew_ = false;
#if defined(_WIN32)
  bool install_ = false;
  bool remove_ = false;
  bool remove_data_ = false;
#endif
};

}  // namespace

#if defined(_WIN32)
extern "C" int wmain(int count, wchar_t** values) {
  // The trial of a plugin (service/plugins/crash_probe.hpp): before anything else runs.
  if (count == 3 && std::wstring_view(values[1]) == omni::plugins::kTryPlugin)
    omni::plugins::tryPlugin(values[2]);
  return omni::runProgram(omni::utf8Arguments(count, values),
                          [](const std::vector<std::string>& arguments) {
                            OmniRouted program;
                            return program.runHere(arguments);
                          });
}
#else
POCO_SERVER_MAIN(OmniRouted)
#endif
