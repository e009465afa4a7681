#include <fmt/format.h>

#include "cli/commands/all.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

std::string path(const Invocation& in, std::string_view more = {}) {
  return "/api/providers/" + escaped(in.argument(0)) + std::string(more);
}

int change(const Session& session, const Invocation& in, json::object body, std::string_view done) {
  const json::value value(std::move(body));
  const auto answer = session.api.call("PATCH", path(in), &value);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.line(fmt::format("{}: {}", safe(text(answer->json, "name")), done));
  return kOk;
}

// A time of the plugin's record: milliseconds as text.
std::string inRecord(const json::value& account, std::string_view name) {
  const std::string value = text(at(account, "providerSpecificData"), name);
  return value.empty() || value == "0"
             ? std::string()
             : relativeTime(std::strtoll(value.c_str(), nullptr, 10), nowMs());
}

}  // namespace

int runProvidersList(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/api/providers");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  Table table({"Name", "Provider", "State", "Isolation", "Region", "Token"});
  for (const json::value& account : list(answer->json, "connections")) {
    const json::value& own = at(account, "providerSpecificData");
    table.add({text(account, "name"), text(account, "provider"), text(at(account, "state"), "name"),
               text(own, "isolation"), text(own, "region"), inRecord(account, "expiresAt")});
  }
  if (table.empty())
    session.terminal.say(
        "No account yet. Sign one in with \"omniroute login kiro\", or take over what is on this "
        "machine "
        "with \"omniroute import\".");
  else
    session.terminal.show(table);
  return kOk;
}

int runProvidersShow(const Session& session, const Invocation& in) {
  const auto answer = session.api.get(path(in));
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  const json::value& account = answer->json;
  const json::value& state = at(account, "state");
  std::vector<std::pair<std::string, std::string>> all = {
      {"name", text(account, "name")},
      {"id", text(account, "id")},
      {"provider", text(account, "provider")},
      {"state",
       text(state, "name") + (text(state, "reason").empty() ? "" : " - " + text(state, "reason"))},
      {"until", text(state, "until")},
      {"next probe", text(state, "nextProbe")},
      {"created", text(account, "createdAt")}};
  if (const auto* own = at(account, "providerSpecificData").if_object())
    for (const auto& [name, value] : *own) {
      std::string shown = text(value);
      // Times are milliseconds there.
      if (std::string_view(name).ends_with("At") && shown.size() == 13) {
        const int64_t at_ms = std::strtoll(shown.c_str(), nullptr, 10);
        shown = isoText(at_ms) + " (" + relativeTime(at_ms, nowMs()) + ")";
      }
      all.emplace_back(std::string(name), shown);
    }
  if (const auto* secrets = at(account, "secrets").if_object())
    for (const auto& [name, value] : *secrets) all.emplace_back(std::string(name), text(value));
  facts(session.terminal, all);
  return kOk;
}

int runProvidersRename(const Session& session, const Invocation& in) {
  return change(session, in, {{"name", in.argument(1)}}, "renamed");
}

int runProvidersEnable(const Session& session, const Invocation& in) {
  return change(session, in, {{"isActive", true}}, "enabled");
}

int runProvidersDisable(const Session& session, const Invocation& in) {
  return change(session, in, {{"isActive", false}},
                "disabled; it is used again after \"omniroute providers enable\"");
}

int runProvidersTest(const Session& session, const Invocation& in) {
  const auto answer = session.api.post(path(in, "/test"), json::object{{"probe", in.has("probe")}});
  if (!answer) return fail(session, answer.error());
  const bool valid = flag(answer->json, "valid");
  if (session.json) {
    printJson(session, answer->json);
    return valid ? kOk : kFailed;
  }
  const Terminal& terminal = session.terminal;
  for (const json::value& check : list(answer->json, "checks"))
    terminal.line(fmt::format(
        "{}  {}{}", flag(check, "ok") ? terminal.good("ok    ") : terminal.bad("failed"),
        safe(text(check, "name")),
        text(check, "message").empty() ? "" : ": " + safe(text(check, "message"))));
  terminal.line(valid ? fmt::format("The account works ({} ms).", number(answer->json, "latencyMs"))
                      : "The account does not work: " +
                            safe(text(at(answer->json, "diagnosis"), "message")));
  return valid ? kOk : kFailed;
}

int runProvidersRefresh(const Session& session, const Invocation& in) {
  const auto answer = session.api.post(path(in, "/refresh"), json::object{});
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.say("Refreshed; the new token expires " +
                       relativeTime(parseIso(text(answer->json, "expiresAt")), nowMs()) + ".");
  return kOk;
}

int runProvidersIsolate(const Session& session, const Invocation& in) {
  const auto answer = session.api.post(path(in, "/isolate"), json::object{}, "isolation");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.line(fmt::format("{}: {}", safe(text(answer->json, "isolation")),
                                    safe(text(answer->json, "isolationReason"))));
  if (!flag(answer->json, "signInNeeded")) return kOk;
  const auto account = session.api.get(path(in));
  session.terminal.say("Sign in once more to finish: " +
                       safe(account ? signInAnew(account->json)
                                    : "omniroute login kiro --replace " + in.argument(0)));
  return kOk;
}

// By name, alone or with a model, or as one of several accounts of a target.
bool isTarget(const json::value& combo, const json::value& account) {
  const std::string whole = text(account, "provider") + "/" + text(account, "name");
  for (const json::value& target : list(combo, "models"))
    if ((text(target) + "/").starts_with(whole + "/")) return true;
  for (const json::value& target : list(combo, "targets"))
    for (const json::value& one : list(target, "connections"))
      if (text(one) == text(account, "id") || text(one) == text(account, "name") ||
          text(one) == whole || text(one, "id") == text(account, "id"))
        return true;
  return false;
}

int runProvidersRemove(const Session& session, const Invocation& in) {
  const auto account = session.api.get(path(in));
  if (!account) return fail(session, account.error());
  const auto combos = session.api.get("/api/combos");
  std::string used;
  if (combos)
    for (const json::value& combo : list(combos->json, "combos"))
      if (isTarget(combo, account->json)) used += (used.empty() ? "" : ", ") + text(combo, "name");
  const std::string name = safe(text(account->json, "name"));
  if (!sure(session, fmt::format("Forget the account {} and its secrets{}?", name,
                                 used.empty() ? "" : " (it is a target of " + safe(used) + ")")))
    return kFailed;
  const auto answer = session.api.call("DELETE", path(in));
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.line(name + " is forgotten.");
  return kOk;
}

}  // namespace omni::cli
