// omniroute: the command line.
#include <Poco/Net/NetSSL.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>

#include "cli/command.hpp"
#include "cli/commands/all.hpp"
#include "cli/complete.hpp"
#include "cli/help.hpp"
#include "cli/json.hpp"
#include "cli/parser.hpp"
#include "cli/text.hpp"

namespace omni::cli {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

Done<std::string> keyFrom(const std::filesystem::path& file, bool wanted) {
  std::ifstream in(file);
  std::string key;
  if (!in) {
    if (!wanted) return std::string();
    return std::unexpected(
        Problem{kUsage, 0, fmt::format("the key file {} cannot be read", safe(file.string())),
                "usage", ""});
  }
#if !defined(_WIN32)
  struct stat info;
  if (stat(file.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    return std::unexpected(Problem{
        kUsage, 0,
        fmt::format("the key file {} can be read by others; chmod go= it, and make a new key if "
                    "others use this machine",
                    safe(file.string())),
        "usage", ""});
#endif
  std::getline(in, key);
  while (key.ends_with('\r') || key.ends_with(' ')) key.pop_back();
  return key;
}

Done<std::string> keyOf(const Invocation& in) {
  if (in.has("key-file")) return keyFrom(in.get("key-file"), true);
  if (const std::string key = environment("OMNIROUTE_API_KEY"); !key.empty()) return key;
  std::filesystem::path config = environment("XDG_CONFIG_HOME");
  if (config.empty() && !environment("HOME").empty())
    config = std::filesystem::path(environment("HOME")) / ".config";
  return config.empty() ? std::string() : keyFrom(config / "omniroute" / "key", false);
}

std::string urlOf(const Invocation& in) {
  if (in.has("url")) return in.get("url");
  const std::string url = environment("OMNIROUTE_URL");
  return url.empty() ? "http://127.0.0.1:20128" : url;
}

int completeWords(const std::vector<std::string>& typed) {
  const Invocation none;
  const auto key = keyOf(none);
  const Api api(urlOf(none), key.value_or(""));
  const auto dynamic = [&](std::string_view what) {
    std::vector<std::string> names;
    const bool accounts = what == "@accounts", combos = what == "@combos";
    const auto answer = api.get(accounts ? "/api/providers"
                                : combos ? "/api/combos"
                                         : "/v1/models");
    if (!answer) return names;
    for (const json::value& one : list(answer->json, accounts ? "connections"
                                                     : combos ? "combos"
                                                              : "data"))
      names.push_back(safe(text(one, accounts || combos ? "name" : "id")));
    return names;
  };
  const Terminal terminal;
  for (const Candidate& one : complete(typed, dynamic))
    terminal.line(one.help.empty() ? one.value : one.value + "\t" + one.help);
  return kOk;
}

int run(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == "__complete")
    return completeWords({arguments.begin() + 1, arguments.end()});
  Terminal terminal;
  const auto parsed = parse(arguments);
  if (!parsed) {
    terminal.err("omniroute: " + parsed.error());
    return kUsage;
  }
  if (parsed->version) {
    terminal.line("omniroute " OMNI_VERSION);
    return kOk;
  }
  const Invocation& in = parsed->invocation;
  if (in.has("no-color")) terminal.noColours();
  if (parsed->help) {
    terminal.out(parsed->command ? helpFor(*parsed->command, terminal.width())
                                 : helpOverview(parsed->group, terminal.width()));
    return kOk;
  }
  const auto key = keyOf(in);
  if (!key) {
    terminal.err("omniroute: " + key.error().message);
    return key.error().exit;
  }
  const Api api(urlOf(in), *key);
  return parsed->command->run(Session{api, terminal, in.has("json"), in.has("yes")}, in);
}
}  // namespace

}  // namespace omni::cli

int main(int argc, char** argv) try {
#if !defined(_WIN32)
  std::signal(SIGPIPE, SIG_DFL);  // "omniroute ... | head" ends quietly
#endif
  Poco::Net::initializeSSL();
  std::error_code code;
#if defined(__linux__)
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
#else
  const auto self = std::filesystem::absolute(argv[0], code);
#endif
  omni::cli::programFolder() = self.parent_path();
  return omni::cli::run({argv + 1, argv + argc});
} catch (const std::exception& error) {
  std::fprintf(stderr, "omniroute: %s\n", error.what());
  return omni::cli::kFailed;
}
