#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SSLManager.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "simulator/server.hpp"
#include "simulator/tls.hpp"

namespace {

using omni::sim::Policy;

struct Options {
  std::uint16_t port = 0;
  std::optional<std::uint16_t> tls_port;
  std::string tls_dir;
  std::int64_t clock_offset = 0;
  Policy policy;
};

constexpr const char* kUsage =
    "usage: kiro-sim [--port=N] [--tls-port=N] [--tls-dir=DIR] [--clock-offset=SECONDS]\n"
    "                [--foreign-refresh=strict|adopt] [--rotate=always|never|sometimes] [--fast]\n"
    "                [--scripted] [--no-capture]\n";

std::uint16_t portNumber(const std::string& digits) {
  const int number = std::stoi(digits);
  if (number < 0 || number > 65535) throw std::invalid_argument("port");
  return static_cast<std::uint16_t>(number);
}

// False if an option is unknown or has a value that cannot be.
bool readOption(const std::string& argument, Options& options) {
  const auto equals = argument.find('=');
  const auto name = argument.substr(0, equals);
  const auto value = equals == std::string::npos ? std::string() : argument.substr(equals + 1);
  if (name == "--port") {
    options.port = portNumber(value);
  } else if (name == "--tls-port") {
    options.tls_port = portNumber(value);
  } else if (name == "--tls-dir") {
    options.tls_dir = value;
  } else if (name == "--clock-offset") {
    options.clock_offset = std::stoll(value);
  } else if (name == "--foreign-refresh") {
    options.policy.foreign_refresh = value;
    return value == "strict" || value == "adopt";
  } else if (name == "--rotate") {
    options.policy.rotate = value;
    return value == "always" || value == "never" || value == "sometimes";
  } else if (name == "--fast") {
    options.policy.fast = true;
  } else if (name == "--scripted") {
    options.policy.scripted = true;
  } else if (name == "--no-capture") {
    options.policy.capture = false;
  } else {
    return false;
  }
  return true;
}

int run(const Options& options) {
  // Before any thread exists, so that all of them inherit the mask and only this one takes the
  // signals.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  omni::sim::World world;
  world.start_policy = options.policy;
  world.policy.set(options.policy);
  world.clock.setOffset(options.clock_offset);

  omni::sim::Server plain(world, options.port);
  std::optional<omni::sim::Server> secure;
  omni::sim::json::object ready;
  world.base_url = "http://127.0.0.1:" + std::to_string(plain.port());
  ready["http"] = world.base_url;
  if (options.tls_port) {
    const auto directory =
        options.tls_dir.empty()
            ? (std::filesystem::temp_directory_path() / ("kiro-sim-" + std::to_string(::getpid())))
                  .string()
            : options.tls_dir;
    omni::sim::writeCertificates(directory);
    Poco::Net::initializeSSL();
    secure.emplace(world, *options.tls_port, directory);
    ready["https"] = "https://127.0.0.1:" + std::to_string(secure->port());
    ready["ca"] = directory + "/ca.pem";
    secure->start();
  }
  ready["pid"] = ::getpid();
  plain.start();
  std::printf("%s\n", omni::sim::json::serialize(ready).c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&ending, &signal);
  omni::sim::stopAllExchanges();
  plain.stop();
  if (secure) secure->stop();
  for (int i = 0; i < 50 && world.active_streams.load() > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::fflush(nullptr);
  // Threads may still sit in idle keep-alive connections; nothing they hold needs an orderly end.
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  try {
    for (int i = 1; i < argc; ++i) {
      if (!readOption(argv[i], options)) {
        std::fprintf(stderr, "kiro-sim: cannot use %s\n%s", argv[i], kUsage);
        return 2;
      }
    }
  } catch (const std::exception&) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  try {
    return run(options);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "kiro-sim: %s\n", problem.what());
    return 1;
  }
}
