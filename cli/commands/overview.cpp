// status, health, metrics, plugins, models: what is there.
#include <fmt/format.h>

#include "cli/commands/all.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

std::string uptime(int64_t seconds) {
  if (seconds < 90) return fmt::format("{} s", seconds);
  if (seconds < 5400) return fmt::format("{} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86'400);
}

}  // namespace

int runStatus(const Session& session, const Invocation&) {
  const auto health = session.api.get("/api/health", "status");
  if (!health) return fail(session, health.error());
  const auto accounts = session.api.get("/api/providers");
  if (!accounts) return fail(session, accounts.error());
  const auto combos = session.api.get("/api/combos");
  if (!combos) return fail(session, combos.error());
  const Terminal& terminal = session.terminal;
  const bool fine = text(health->json, "status") == "ok";
  int exit = fine ? kOk : kAttention;
  std::vector<std::string> attention;
  for (const json::value& account : list(accounts->json, "connections")) {
    const json::value& state = at(account, "state");
    const std::string name = text(state, "name");
    if (name == "active" || name == "disabled" || name == "cooling") continue;
    const std::string reason = text(state, "reason");
    attention.push_back(fmt::format("{}: {}{}", safe(text(account, "name")),
                                    stateText(terminal, name),
                                    reason.empty() ? "" : " - " + safe(reason)));
  }
  if (!attention.empty()) exit = kAttention;
  if (session.json) {
    printJson(session, json::object{{"health", health->json},
                                    {"accounts", at(accounts->json, "connections")},
                                    {"combos", at(combos->json, "combos")}});
    return exit;
  }
  const json::value& counts = at(health->json, "connections");
  facts(
      terminal,
      {{"Service", fmt::format("{} at {}, up {}", text(health->json, "version"), session.api.base(),
                               uptime(number(health->json, "uptimeSeconds")))},
       {"Store", fine ? "answers" : text(health->json, "error")},
       {"Accounts",
        fmt::format("{}, {} active", number(counts, "total"), number(counts, "active"))},
       {"Combos", std::to_string(list(combos->json, "combos").size())}});
  if (list(accounts->json, "connections").empty())
    terminal.say(
        "\nNo account yet. Sign one in with \"omniroute login kiro\", or take over what is on this "
        "machine with "
        "\"omniroute import\".");
  else if (list(combos->json, "combos").empty())
    terminal.say(
        "\nNo combo yet. \"omniroute combos create NAME TARGET...\" makes one name of several "
        "accounts.");
  if (!attention.empty()) {
    terminal.line("\n" + terminal.bold("Needs attention"));
    for (const std::string& line : attention)
      for (const std::string& piece :
           wrapped(line, terminal.width() > 20 ? terminal.width() - 2 : 1000))
        terminal.line("  " + piece);
    terminal.say("\n\"omniroute doctor\" says what to do.");
  }
  return exit;
}

int runHealth(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/api/token-health", "token health");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  const json::array& all = list(answer->json, "connections");
  const int64_t now = nowMs();
  const auto when = [&](const json::value& value) {
    const int64_t at_ms = value.is_number() ? value.to_number<int64_t>() : parseIso(text(value));
    return at_ms ? relativeTime(at_ms, now) : std::string("-");
  };
  Table table({"Account", "Health", "State", "Token", "Registration", "Next check"});
  std::vector<std::string> problems;
  int exit = kOk;
  for (const json::value& one : all) {
    const std::string verdict = text(one, "status");
    if (verdict != "healthy" && verdict != "disabled") exit = kAttention;
    table.add({text(one, "name"), verdict, text(at(one, "state"), "name"),
               when(at(one, "tokenExpiresAt")), when(at(at(one, "registration"), "expiresAt")),
               when(at(one, "nextCheckAt"))});
    if (const std::string error = text(one, "lastError"); !error.empty())
      problems.push_back(safe(text(one, "name")) + ": " + safe(error));
  }
  if (table.empty())
    session.terminal.say("No account yet.");
  else
    session.terminal.show(table);
  for (const std::string& problem : problems) session.terminal.say("\n" + problem);
  return exit;
}

int runMetrics(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/metrics", "metrics");
  if (!answer) return fail(session, answer.error());
  session.terminal.out(answer->body);
  return kOk;
}

int runPlugins(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/api/plugins", "plugins");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  Table table({"Plugin", "Version", "Status", "Signs in with", "Reason"});
  int exit = kOk;
  for (const json::value& plugin : list(answer->json, "plugins")) {
    std::string methods;
    for (const json::value& method : list(plugin, "signInMethods"))
      methods += (methods.empty() ? "" : ", ") + text(method, "title");
    if (text(plugin, "status") != "loaded") exit = kAttention;
    table.add({text(plugin, "id"), text(plugin, "version"), text(plugin, "status"), methods,
               text(plugin, "reason")});
  }
  if (table.empty()) {
    session.terminal.say(
        "No plugin is there: set plugins.dir of the service to the folder with kiro.plugin.json.");
    return kAttention;
  }
  session.terminal.show(table);
  return exit;
}

int runModels(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/v1/models", "models");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  Table table({"Model", "From"});
  for (const json::value& model : list(answer->json, "data"))
    table.add({text(model, "id"), text(model, "owned_by")});
  if (table.empty())
    session.terminal.say(
        "Nothing can be served yet: sign an account in with \"omniroute login kiro\".");
  else
    session.terminal.show(table);
  return kOk;
}

}  // namespace omni::cli
