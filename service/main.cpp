// omnirouted: the process. Poco's ServerApplication gives it the command line and, on Windows, the
// service control manager.

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionCallback.h>
#include <Poco/Util/OptionSet.h>
#include <Poco/Util/ServerApplication.h>

#include <chrono>
#include <csignal>
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
#include "service/config/config.hpp"
#include "service/config/key_table.hpp"
#include "service/platform/service_manager.hpp"

#if !defined(_WIN32)
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
extern char** environ;
#endif

namespace {

using Poco::Util::Option;
using Poco::Util::OptionCallback;

std::vector<std::string> environment() {
  std::vector<std::string> entries;
#if defined(_WIN32)
  for (char** entry = _environ; entry && *entry; ++entry) entries.emplace_back(*entry);
#else
  for (char** entry = environ; entry && *entry; ++entry) entries.emplace_back(*entry);
#endif
  return entries;
}

#if !defined(_WIN32)
// Blocked before any thread exists, so that only waitForSignal() ever sees them.
sigset_t blockSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

// Tokens live in this process: no core file and no ptrace by other processes of the user.
void forbidDumps() {
#if !defined(__SANITIZE_ADDRESS__)  // the leak checker must be able to trace its own process
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
#endif
}
#endif

class OmniRouted final : public Poco::Util::ServerApplication {
 public:
  OmniRouted() { setUnixOptions(true); }

 protected:
  void defineOptions(Poco::Util::OptionSet& options) override {
    ServerApplication::defineOptions(options);
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
        "Write one line of JSON (port, pid) there once requests are served.", "FILE",
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
    sources_.environment = environment();
    program_dir_ = std::filesystem::path(commandPath()).parent_path();
    auto config = omni::config::load(sources_, program_dir_);
    if (!config) {
      std::cerr << "omnirouted: " << config.error().message << "\n";
      return EXIT_CONFIG;
    }
    if (check_) {
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
  }

  static int ended(const omni::Result<std::string>& done) {
    if (done) {
      std::cout << *done << "\n";
      return EXIT_OK;
    }
    std::cerr << "omnirouted: " << done.error().message << "\n";
    return omni::app::exitCode(done.error());
  }

  int serve(std::shared_ptr<const omni::config::Config> config) {
#if !defined(_WIN32)
    const sigset_t signals = blockSignals();
    forbidDumps();
#endif
    const omni::platform::ServiceManager manager;
    omni::app::Gateway gateway(config, manager.listener());
    if (auto started = gateway.start(); !started) {
      std::cerr << "omnirouted: " << started.error().message << "\n";
      return omni::app::exitCode(started.error());
    }
    if (!writeReadyFile(gateway.port())) {
      gateway.stop(std::chrono::milliseconds(0));
      return EXIT_CANTCREAT;
    }
#if defined(_WIN32)
    waitForTerminationRequest();
#else
    const std::string serving =
        "Serving on " + config->address + ":" + std::to_string(gateway.port());
    manager.ready(serving);
    while (waitForSignal(signals, gateway, manager) == SIGHUP) {
      manager.reloading();
      auto fresh = omni::config::load(sources_, program_dir_);
      if (fresh) {
        gateway.reload(std::make_shared<const omni::config::Config>(std::move(*fresh)));
        manager.ready(serving);
      } else {
        std::cerr << "omnirouted: reload refused, the old settings stay: " << fresh.error().message
                  << "\n";
        manager.ready(serving + "; the last reload was refused: " + fresh.error().message);
      }
    }
    manager.stopping("Letting running requests end");
#endif
    gateway.stop(std::chrono::seconds(config->drain_s));
    return EXIT_OK;
  }

#if !defined(_WIN32)
  // Waits for the next signal; on the way it tells the watchdog that the service answers. One that
  // does not answer is left to the manager, which restarts it.
  static int waitForSignal(const sigset_t& signals, const omni::app::Gateway& gateway,
                           const omni::platform::ServiceManager& manager) {
    using std::chrono::milliseconds;
    int signal = 0;
    if (manager.watchdog() == milliseconds(0)) {
      return sigwait(&signals, &signal) == 0 ? signal : SIGTERM;
    }
    const milliseconds every = manager.watchdog() / 3;
    const timespec pause{every.count() / 1000, every.count() % 1000 * 1'000'000};
    for (;;) {
      if (gateway.alive(every)) manager.alive();
      signal = sigtimedwait(&signals, nullptr, &pause);
      if (signal > 0) return signal;
    }
  }
#endif

  bool writeReadyFile(uint16_t port) {
    if (ready_file_.empty()) return true;
    // Renamed into place so that a reader never sees half a line.
    const std::string temporary = ready_file_ + ".tmp";
    {
      std::ofstream out(temporary);
#if defined(_WIN32)
      out << "{\"port\":" << port << "}\n";
#else
      out << "{\"port\":" << port << ",\"pid\":" << getpid() << "}\n";
#endif
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
};

}  // namespace

POCO_SERVER_MAIN(OmniRouted)
