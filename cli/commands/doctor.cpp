#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "cli/commands/all.hpp"
#include "cli/platform.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kClockSlackMs = 30'000;
constexpr int64_t kDayMs = 86'400'000;
constexpr size_t kMostTests = 25;

struct Finding {
  enum Level { Ok, Warn, Bad };
  Level level;
  std::string topic;
  std::string what;
  std::string todo;
};

// "Tue, 24 Nov 2026 12:00:00 GMT"
int64_t parseHttpDate(const std::string& text) {
  char month[4] = {};
  int day = 0, year = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(text.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d", &day, month, &year, &hour, &minute,
                  &second) != 6)
    return 0;
  const std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto at_month = months.find(month);
  if (at_month == months.npos) return 0;
  return parseIso(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z", year, at_month / 3 + 1,
                              day, hour, minute, second));
}

class Doctor {
 public:
  Doctor(const Session& session, const Invocation& in) : session_(session), in_(in) {}

  std::vector<Finding> run() {
    if (!reach()) return std::move(findings_);
    store();
    plugins();
    accounts();
    proxies();
    combos();
    files();
    return std::move(findings_);
  }

 private:
  void add(Finding::Level level, std::string topic, std::string what, std::string todo = {}) {
    findings_.push_back({level, std::move(topic), std::move(what), std::move(todo)});
  }

  bool reach() {
    const auto alive = session_.api.get("/healthz");
    if (!alive) {
      const bool answered = alive.error().status != 0;
      add(Finding::Bad, "address", alive.error().message,
          answered ? "Another program answers at this address: check --url, and server.port of "
                     "omnirouted."
                   : "Start it: systemctl start omnirouted, or run omnirouted. If it runs, compare "
                     "server.address and "
                     "server.port of its configuration with the address here; omnirouted "
                     "--check-config reads it.");
      return false;
    }
    add(Finding::Ok, "address", session_.api.base() + " answers");
    if (const int64_t theirs = parseHttpDate(alive->date)) {
      const int64_t off = std::llabs(theirs - nowMs());
      if (off > kClockSlackMs)
        add(Finding::Bad, "clock",
            fmt::format("the service's clock and this one differ by {} s", off / 1000),
            "Set both by NTP (timedatectl set-ntp true): expiry times and signatures go wrong "
            "otherwise.");
      else
        add(Finding::Ok, "clock", "the service's clock agrees with this one");
    }
    return true;
  }

  void store() {
    const auto health = session_.api.get("/api/health");
    if (!health) {
      const bool closed = health.error().exit == kNotAllowed;
      add(Finding::Bad, closed ? "access" : "store", health.error().message,
          closed
              ? "Set OMNIROUTE_API_KEY, or run this on the machine of the service."
              : "Look at the service's log, and at the room and permissions of its data folder.");
      return;
    }
    const std::string version = text(health->json, "version");
    if (text(health->json, "status") == "ok")
      add(Finding::Ok, "store", "the store answers");
    else
      add(Finding::Bad, "store", text(health->json, "error"),
          "Look at the room and permissions of the data folder (data.dir).");
    if (version != OMNI_VERSION)
      add(Finding::Warn, "version",
          fmt::format("the service is {}, this program {}", version, OMNI_VERSION),
          "Install the same version of both.");
    else
      add(Finding::Ok, "version", "service and program are both " + version);
  }

  void plugins() {
    const auto answer = session_.api.get("/api/plugins");
    if (!answer) return;
    size_t loaded = 0;
    for (const json::value& plugin : list(answer->json, "plugins")) {
      if (text(plugin, "status") == "loaded") {
        ++loaded;
        continue;
      }
      add(Finding::Bad, "plugins",
          fmt::format("{} is refused: {}", text(plugin, "id"), text(plugin, "reason")),
          "Install it anew, or check the permissions of plugins.dir; then restart the service.");
    }
    if (loaded == 0)
      add(Finding::Bad, "plugins", "no plugin is loaded",
          "Set plugins.dir to the folder with kiro.plugin.json and restart the service.");
    else
      add(Finding::Ok, "plugins", fmt::format("{} loaded", loaded));
  }

  void account(const json::value& one, bool test) {
    const std::string name = text(one, "name");
    const json::value& state = at(one, "state");
    const std::string is = text(state, "name"), reason = text(state, "reason");
    const std::string topic = "account " + name;
    const auto why = [&] { return reason.empty() ? std::string() : ": " + reason; };
    if (is == "reauth_required")
      add(Finding::Bad, topic, "it must be signed in again" + why(), signInAnew(one));
    else if (is == "suspended")
      add(Finding::Bad, topic, "the provider has suspended it" + why(),
          "Its owner has to write to Kiro's support: the account's last error has the address. It "
          "is "
          "looked at again by itself.");
    else if (is == "exhausted")
      add(Finding::Warn, topic, "its credits are used up" + why(),
          "It comes back by itself when they are reset; other accounts of a combo serve "
          "meanwhile.");
    else if (is == "disabled")
      add(Finding::Warn, topic, "it is disabled",
          fmt::format("omniroute providers enable {}", name));
    const json::value& own = at(one, "providerSpecificData");
    const auto ms = [&](std::string_view key) {
      return std::strtoll(text(own, key).c_str(), nullptr, 10);
    };
    if (const int64_t ends = ms("clientSecretExpiresAt"); ends > 0 && ends < nowMs() + 14 * kDayMs)
      add(ends < nowMs() + 3 * kDayMs ? Finding::Bad : Finding::Warn, topic,
          "its client registration ends " + relativeTime(ends, nowMs()), signInAnew(one));
    if (text(own, "isolation") == "shared")
      add(Finding::Warn, topic,
          "it shares its session with another tool: " + text(own, "isolationReason"),
          fmt::format("omniroute providers isolate {}", name));
    if (!test || is == "disabled" || is == "reauth_required") return;
    const auto answer =
        session_.api.post("/api/providers/" + escaped(text(one, "id")) + "/test", json::object{});
    if (!answer) {
      add(Finding::Bad, topic, "it cannot be tested: " + answer.error().message);
      return;
    }
    bool all = flag(answer->json, "valid");
    for (const json::value& check : list(answer->json, "checks")) {
      if (flag(check, "ok")) continue;
      all = false;
      const std::string advice = text(check, "advice");
      add(Finding::Bad, topic, text(check, "name") + ": " + text(check, "message"),
          advice.empty() ? "omniroute providers test " + text(one, "name") : advice);
    }
    if (all)
      add(Finding::Ok, topic,
          fmt::format("its endpoints answer ({} ms)", number(answer->json, "latencyMs")));
    else if (list(answer->json, "checks").empty())
      add(Finding::Bad, topic, text(at(answer->json, "diagnosis"), "message"));
  }

  void accounts() {
    const auto answer = session_.api.get("/api/providers");
    if (!answer) return;
    size_t tested = 0;
    for (const json::value& one : list(answer->json, "connections"))
      account(one, tested++ < kMostTests);
    if (tested == 0)
      add(Finding::Warn, "accounts", "there is none", "omniroute login kiro, or omniroute import");
    else if (tested > kMostTests)
      add(Finding::Warn, "accounts",
          fmt::format("only the first {} of {} were called", kMostTests, tested),
          "omniroute providers test ACCOUNT calls one.");
  }

  void proxies() {
    const auto answer = session_.api.get("/api/proxies");
    if (!answer) return;
    for (const json::value& proxy : list(answer->json, "proxies")) {
      const std::string name = text(proxy, "name");
      const auto tried =
          session_.api.post("/api/proxies/" + escaped(text(proxy, "id")) + "/test", json::object{});
      const bool works = tried && (flag(tried->json, "success") || flag(tried->json, "ok"));
      std::string why = tried ? text(tried->json, "error") : tried.error().message;
      if (why.empty() && tried) why = text(at(tried->json, "error"), "message");
      if (works)
        add(Finding::Ok, "proxy " + name, "it works");
      else
        add(Finding::Bad, "proxy " + name, why,
            "Check its address and log-in; what is assigned to it is not sent around it.");
    }
  }

  void combos() {
    const auto answer = session_.api.get("/api/combos");
    if (!answer) return;
    for (const json::value& combo : list(answer->json, "combos")) {
      const auto explained = session_.api.post(
          "/api/combos/" + escaped(text(combo, "id")) + "/explain", json::object{});
      if (!explained) {
        add(Finding::Bad, "combo " + text(combo, "name"), explained.error().message,
            "omniroute combos edit " + text(combo, "name"));
        continue;
      }
      size_t usable = 0;
      for (const json::value& one : list(explained->json, "candidates"))
        usable += text(one, "verdict") != "excluded" ? 1 : 0;
      if (usable == 0)
        add(Finding::Bad, "combo " + text(combo, "name"), "nobody can serve it now",
            "omniroute combos explain " + text(combo, "name"));
      for (const json::value& missing : list(explained->json, "missing"))
        add(Finding::Warn, "combo " + text(combo, "name"),
            "its target " + text(missing) + " is no more",
            "omniroute combos edit " + text(combo, "name"));
    }
  }

  // Only where the service's files are this machine's.
  void files() {
    if (!session_.api.base().contains("127.0.0.1") && !session_.api.base().contains("localhost") &&
        !in_.has("data-dir"))
      return;
    std::vector<fs::path> folders;
    if (in_.has("data-dir")) {
      folders.emplace_back(in_.get("data-dir"));
    } else {
      folders = dataFolders();
    }
    std::error_code code;
    for (const fs::path& folder : folders) {
      if (!fs::exists(folder, code)) {
        if (in_.has("data-dir")) add(Finding::Bad, "files", folder.string() + " is not there");
        continue;
      }
      bool fine = true;
      for (const fs::path& one : {folder, folder / "master.key", folder / "omniroute.sqlite"}) {
        const std::string wrong = openToOthers(one);
        if (wrong.empty()) continue;
        fine = false;
        add(Finding::Bad, "files", fmt::format("{} {}", one.string(), wrong),
            "chmod go= " + one.string());
      }
      const auto space = fs::space(folder, code);
      if (!code && space.available < (64u << 20)) {
        fine = false;
        add(Finding::Bad, "files",
            fmt::format("only {} MiB are left at {}", space.available >> 20, folder.string()),
            "Make room: a full disk stops token renewal.");
      }
      if (fine)
        add(Finding::Ok, "files",
            folder.string() + (kSeesModes ? " is for its owner only" : " has room"));
    }
  }

  const Session& session_;
  const Invocation& in_;
  std::vector<Finding> findings_;
};

}  // namespace

int runDoctor(const Session& session, const Invocation& in) {
  const auto findings = Doctor(session, in).run();
  int exit = kOk;
  json::array all;
  const Terminal& terminal = session.terminal;
  const size_t width = terminal.width() ? terminal.width() : 1000;
  for (const Finding& finding : findings) {
    if (finding.level != Finding::Ok) exit = kAttention;
    if (finding.topic == "address" && finding.level == Finding::Bad) exit = kUnreachable;
    const std::string_view level = finding.level == Finding::Ok     ? "ok"
                                   : finding.level == Finding::Warn ? "warning"
                                                                    : "problem";
    if (session.json) {
      all.push_back(json::object{{"level", level},
                                 {"topic", finding.topic},
                                 {"what", finding.what},
                                 {"todo", finding.todo}});
      continue;
    }
    const std::string mark = finding.level == Finding::Ok     ? terminal.good("ok     ")
                             : finding.level == Finding::Warn ? terminal.warn("warning")
                                                              : terminal.bad("problem");
    const size_t room = width > 30 ? width - 9 : 21;
    bool first = true;
    for (const std::string& piece : wrapped(safe(finding.topic + ": " + finding.what), room)) {
      terminal.line((first ? mark : std::string(7, ' ')) + "  " + piece);
      first = false;
    }
    if (!finding.todo.empty())
      for (const std::string& piece : wrapped("-> " + safe(finding.todo), room))
        terminal.line(std::string(9, ' ') + terminal.dim(piece));
  }
  if (session.json)
    printJson(session, json::object{{"findings", std::move(all)}});
  else if (exit == kOk)
    terminal.line("Everything is as it should be.");
  return exit;
}

}  // namespace omni::cli
