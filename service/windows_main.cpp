#include "service/windows_main.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>

#include "service/platform/process.hpp"
#include "service/platform/windows_folders.hpp"
#include "service/platform/windows_install.hpp"
#include "service/platform/windows_service.hpp"
#include "service/platform/windows_text.hpp"

#include <windows.h>

namespace omni {
namespace {

constexpr int kSoftware = 70;  // EX_SOFTWARE of sysexits.h
constexpr int kUsage = 64;     // EX_USAGE

std::filesystem::path programFile() {
  std::wstring path(32'768, L'\0');
  path.resize(GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return path;
}

}  // namespace

std::vector<std::string> utf8Arguments(int count, wchar_t** values) {
  std::vector<std::string> arguments;
  // The first is what the caller likes; where the program is, only the system knows.
  arguments.push_back(programFile().string());
  for (int i = 1; i < count; ++i) arguments.push_back(platform::utf8(values[i]));
  return arguments;
}

int runProgram(const std::vector<std::string>& arguments,
               const std::function<int(const std::vector<std::string>&)>& body) {
  SetConsoleOutputCP(CP_UTF8);
  const auto guarded = [&]() -> int {
    try {
      return body(arguments);
    } catch (const std::exception& error) {
      platform::complain(error.what());
      return kSoftware;
    }
  };
  if (std::find(arguments.begin() + 1, arguments.end(), "--service") == arguments.end())
    return guarded();
  const int code = platform::runService(guarded);
  if (code >= 0) return code;
  platform::complain(
      "--service is for the service control manager; register the service with --install-service, "
      "and start it with: sc start OmniRoute");
  return kUsage;
}

Result<std::string> installAsService(const config::Config& config, const config::Sources& sources) {
  platform::ServiceSetup setup;
  setup.program = programFile();
  if (!sources.file.empty()) {
    setup.arguments.push_back("--config");
    setup.arguments.push_back(std::filesystem::absolute(sources.file).string());
  }
  for (const std::string& setting : sources.command_line) {
    setup.arguments.push_back("--set");
    setup.arguments.push_back(setting);
  }
  // A service has no standard error, and a line that nobody can read is no log.
  if (config.log_file.empty()) {
    setup.arguments.push_back("--set");
    setup.arguments.push_back("log.file=" + (config.data_dir / "omnirouted.log").string());
  }
  setup.keep_arguments = sources.file.empty() && sources.command_line.empty();
  setup.data_dir = config.data_dir;
  setup.preshutdown_s = config.drain_s + 15;
  if (auto done = platform::installService(setup); !done) return std::unexpected(done.error());
  return "The service OmniRoute is registered, with its data in " + config.data_dir.string() +
         ". It starts with the system; now: sc start OmniRoute";
}

Result<std::string> removeAsService(bool with_data) {
  auto done = platform::removeService();
  // The data can be removed later than the service.
  if (!done && !(with_data && done.error().kind == FailureKind::NotFound))
    return std::unexpected(done.error());
  if (!with_data)
    return std::string("The service OmniRoute is removed. Its data stay where they are.");
  const std::filesystem::path shared = platform::programData();
  if (shared.empty())
    return makeError(FailureKind::NotFound, "The system does not say where the data are.");
  const std::filesystem::path folder = shared / "OmniRoute";
  if (auto removed = platform::removeFolder(folder); !removed)
    return std::unexpected(removed.error());
  return "The service OmniRoute and its data in " + folder.string() + " are removed.";
}

}  // namespace omni
