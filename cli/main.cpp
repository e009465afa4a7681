// omniroute: the command line.
#include <Poco/Net/NetSSL.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <filesystem>
#include <fstream>

#include "cli/command.hpp"
#include "cli/commands/all.hpp"
#include "cli/complete.hpp"
#include "cli/help.hpp"
#include "cli/json.hpp"
#include "cli/parser.hpp"
#include "cli/platform.hpp"
#include "cli/text.hpp"

namespace omni::cli {

namespace {

Done<std::string> keyFrom(const std::filesystem::path& file, bool wanted) {
  std::ifstream in(file);
  std::string key;
  if (!in) {
    if (!wanted) return std::string();
    return std::unexpected(
        Problem{kUsage, 0, fmt::format("the key file {} cannot be read", safe(file.string())),
                "usage", ""});
  }
  if (!openToOthers(file).empty())
    return std::unexpected(Problem{
        kUsage, 0,
        fmt::format("the key file {} can be read by others; chmod go= it, and make a new key if "
                    "others use this machine",
                    safe(file.string())),
        "usage", ""});
  std::getline(in, key);
  while (key.ends_with('\r') || key.ends_with(' ')) key.pop_back();
  return key;
}

Done<std::string> keyOf(const Invocation& in) {
  if (in.has("key-file")) return keyFrom(in.get("key-file"), true);
  if (std::string key = environment("OMNIROUTE_API_KEY"); !key.empty()) return key;
  const std::filesystem::path config = configFolder();
  return config.empty() ? std::string() : keyFrom(config / "key", false);
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
    struct Source {
      std::string_view what, path, list, name;
    };
    static constexpr std::array sources = {
        Source{"@accounts", "/api/providers", "connections", "name"},
        Source{"@combos", "/api/combos", "combos", "name"},
        Source{"@keys", "/api/keys", "keys", "name"},
        Source{"@models", "/v1/models", "data", "id"},
        Source{"@proxies", "/api/proxies", "proxies", "name"},
        Source{"@webhooks", "/api/webhooks", "webhooks", "name"},
    };
    // The service may know more of them, and says so when it is asked.
    if (what == "@strategies")
      return std::vector<std::string>{"priority",   "round-robin",    "weighted",
                                      "least-used", "most-remaining", "reset-soonest"};
    std::vector<std::string> names;
    for (const Source& source : sources) {
      if (source.what != what) continue;
      const auto answer = api.get(std::string(source.path));
      if (!answer) break;
      for (const json::value& one : list(answer->json, source.list))
        names.push_back(safe(text(one, source.name)));
    }
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

namespace {

int begin(const char* called_as, const std::vector<std::string>& arguments) try {
  omni::cli::endQuietly();
  Poco::Net::initializeSSL();
  omni::cli::programFolder() = omni::cli::ownFolder(called_as);
  return omni::cli::run(arguments);
} catch (const std::exception& error) {
  std::fprintf(stderr, "omniroute: %s\n", error.what());
  return omni::cli::kFailed;
}

}  // namespace

#if defined(_WIN32)
extern "C" int wmain(int count, wchar_t** values) {
  std::vector<std::string> arguments;  // UTF-16 to UTF-8, which is what a path's string() does
  for (int i = 1; i < count; ++i) arguments.push_back(std::filesystem::path(values[i]).string());
  return begin("", arguments);
}
#else
int main(int argc, char** argv) {
  return begin(argv[0], {argv + 1, argv + argc});
}
#endif
