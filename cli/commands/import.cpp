#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "cli/commands/all.hpp"
#include "cli/local_scan.hpp"
#include "cli/platform.hpp"
#include "cli/text.hpp"

namespace omni::cli {

namespace {

namespace fs = std::filesystem;

fs::path pluginsFolder(const Invocation& in) {
  if (in.has("plugins-dir")) return in.get("plugins-dir");
  if (const std::string given = environment("OMNIROUTE_PLUGINS_DIR"); !given.empty()) return given;
  std::error_code code;
  for (const fs::path& folder : {programFolder() / "plugins", programFolder() / ".." / "plugins",
                                 programFolder() / ".." / "lib" / "omniroute" / "plugins",
                                 fs::path("/usr/lib/omniroute/plugins")})
    if (fs::exists(folder / "kiro.plugin.json", code)) return folder;
  return programFolder() / "plugins";
}

struct There {
  std::map<std::string, std::string> known;  // fingerprint -> name of the account that has it
  std::map<std::string, json::value> lent;   // origin -> account that has its session
};
There accountsThere(const Session& session, const json::value& listing) {
  There known;
  std::string query;
  for (const json::value& item : list(listing, "found"))
    if (const std::string mark = text(item, "fingerprint"); !mark.empty())
      query += (query.empty() ? "?fingerprint=" : "&fingerprint=") + mark +
               "&origin=" + text(item, "origin");
  if (query.empty()) return known;
  // A service that does not know the question refuses a token that it has when it is imported.
  const auto answer = session.api.get("/api/oauth/kiro/auto-import" + query);
  if (!answer) return known;
  if (const auto* here = at(answer->json, "known").if_object())
    for (const auto& [mark, account] : *here)
      known.known[std::string(mark)] = text(account, "name");
  if (const auto* here = at(answer->json, "lent").if_object())
    for (const auto& [origin, account] : *here) known.lent[std::string(origin)] = account;
  return known;
}

std::string shortened(std::string path) {
  const std::string home = environment("HOME");
  if (!home.empty() && path.starts_with(home + "/")) path = "~" + path.substr(home.size());
  return path;
}

// "1,3" or "1 3" or "all"; nullopt: not understood.
std::optional<std::vector<size_t>> picked(std::string_view given, size_t count) {
  std::vector<size_t> out;
  if (given == "all" || given == "a") {
    for (size_t i = 0; i < count; ++i) out.push_back(i);
    return out;
  }
  size_t number = 0;
  bool digits = false;
  for (char c : std::string(given) + ",") {
    if (c >= '0' && c <= '9') {
      number = number * 10 + static_cast<size_t>(c - '0');
      digits = true;
      if (number > 10'000) return std::nullopt;
    } else if (c == ',' || c == ' ') {
      if (digits && (number < 1 || number > count)) return std::nullopt;
      if (digits && std::ranges::find(out, number - 1) == out.end()) out.push_back(number - 1);
      number = 0;
      digits = false;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

struct Offer {
  json::value item;
  std::string there;  // the account that has it
  json::value lent;   // the account that has an older token of the same session
};

void showList(const Session& session, const std::vector<Offer>& offers,
              const json::value& listing) {
  const Terminal& terminal = session.terminal;
  Table table({"#", "Account", "From", "Region", "Token", "Registration", "Here as"});
  size_t index = 0;
  for (const auto& [item, there, lent] : offers) {
    const int64_t expires = number(item, "expiresAt");
    table.add({std::to_string(++index), text(item, "label"), text(item, "kind"),
               text(item, "region"), expires ? relativeTime(expires, nowMs()) : "-",
               text(item, "registration"),
               !there.empty()             ? there
               : lent.is_object()         ? text(lent, "name") + " (older)"
               : flag(item, "importable") ? "-"
                                          : "cannot"});
  }
  if (!table.empty()) terminal.show(table);
  index = 0;
  for (const auto& [item, there, lent] : offers) {
    ++index;
    std::string where = shortened(text(item, "file"));
    for (const json::value& more : list(item, "alsoIn")) where += ", " + shortened(text(more));
    terminal.line(terminal.dim(fmt::format("{}  {}", index, safe(where))));
    if (!flag(item, "importable") || text(item, "registration") == "missing")
      for (const std::string& piece :
           wrapped(safe(text(item, "note")), terminal.width() > 20 ? terminal.width() - 4 : 100))
        terminal.line("   " + terminal.warn(piece));
  }
  for (const json::value& problem : list(listing, "problems"))
    terminal.err(fmt::format("{}: {}", safe(shortened(text(problem, "file"))),
                             safe(text(problem, "message"))));
}

}  // namespace

int runImport(const Session& session, const Invocation& in) {
  const auto scan = LocalScan::load(pluginsFolder(in), "kiro");
  if (!scan) return fail(session, kFailed, scan.error());
  std::string roots;
  if (in.has("home"))
    roots = json::serialize(json::object{{"home", in.get("home")}, {"env", json::object{}}});
  const auto found = (*scan)->scan(roots);
  if (!found) return fail(session, kFailed, found.error());
  const json::value listing = json::parse(*found);
  const auto known = accountsThere(session, listing);
  std::vector<Offer> offers;
  json::array shown;
  for (const json::value& item : list(listing, "found")) {
    const auto there = known.known.find(text(item, "fingerprint"));
    const bool here = there != known.known.end();
    const auto lent = known.lent.find(text(item, "origin"));
    offers.push_back({item, here ? there->second : std::string(),
                      here || lent == known.lent.end() ? json::value() : lent->second});
    json::object copy = item.as_object();
    copy["importedAs"] = here ? json::value(there->second) : json::value(nullptr);
    copy["newerThan"] = offers.back().lent.is_object()
                            ? json::value(text(offers.back().lent, "name"))
                            : json::value(nullptr);
    shown.emplace_back(std::move(copy));
  }
  if (session.json && in.has("list")) {
    printJson(session, json::object{{"found", std::move(shown)},
                                    {"problems", at(listing, "problems")},
                                    {"searched", at(listing, "searched")}});
    return offers.empty() ? kNotFound : kOk;
  }
  const Terminal& terminal = session.terminal;
  if (!session.json) showList(session, offers, listing);
  if (offers.empty()) {
    if (session.json) {
      printJson(session,
                json::object{{"imported", json::array{}}, {"problems", at(listing, "problems")}});
      return kNotFound;
    }
    terminal.say("No account of kiro-cli, Amazon Q or the Kiro IDE was found. Looked at:");
    for (const json::value& place : list(listing, "searched"))
      terminal.line("  " + safe(shortened(text(place))));
    terminal.say("\"omniroute login kiro\" signs one in.");
    return kNotFound;
  }
  if (in.has("list")) return kOk;

  std::vector<size_t> chosen;
  if (!in.arguments.empty()) {
    for (const std::string& wanted : in.arguments) {
      const auto match = std::ranges::find_if(
          offers, [&](const Offer& offer) { return text(offer.item, "id") == wanted; });
      const auto by_number = picked(wanted, offers.size());
      if (match != offers.end())
        chosen.push_back(static_cast<size_t>(match - offers.begin()));
      else if (by_number && by_number->size() == 1)
        chosen.push_back(by_number->front());
      else
        return fail(session, kNotFound,
                    fmt::format("no found account has the id or number \"{}\"", safe(wanted)));
    }
  } else {
    std::vector<size_t> possible;
    for (size_t i = 0; i < offers.size(); ++i)
      if (flag(offers[i].item, "importable") && offers[i].there.empty()) possible.push_back(i);
    if (possible.empty()) {
      if (session.json)
        return printJson(session, json::object{{"imported", json::array{}},
                                               {"problems", at(listing, "problems")}});
      terminal.say("Nothing is left to import.");
      return kOk;
    }
    if (in.has("all")) {
      chosen = possible;
    } else if (!terminal.interactive()) {
      return fail(session, kUsage,
                  "nobody can choose here; say --all, or the ids that --list --json shows");
    } else {
      for (;;) {
        const auto answer =
            terminal.ask(fmt::format("Import which? Numbers, \"all\", or Enter for none: "));
        if (!answer || answer->empty()) return kOk;
        if (auto numbers = picked(*answer, offers.size())) {
          chosen = *answer == "all" || *answer == "a" ? possible : *numbers;
          break;
        }
        terminal.err(fmt::format("Please give numbers from 1 to {}, like 1,2.", offers.size()));
      }
    }
  }
  if (chosen.size() > 1 && in.has("name"))
    return fail(session, kUsage, "--name goes with one account only");
  if (in.has("rotate") && !session.yes && terminal.interactive() &&
      !terminal.confirm("The tools that these come from may have to sign in again. Go on?", false))
    return kOk;

  json::array results;
  int exit = kOk;
  for (size_t index : chosen) {
    const json::value& item = offers[index].item;
    const std::string label = safe(text(item, "label"));
    const auto account = (*scan)->read(roots, text(item, "id"));
    Done<Answer> answer =
        std::unexpected(Problem{kFailed, 0, account ? "" : account.error(), "", ""});
    if (account) {
      json::object body{{"json", json::parse(*account)}, {"rotate", in.has("rotate")}};
      if (offers[index].lent.is_object()) {
        body["mode"] = "replace";
        body["connectionId"] = text(offers[index].lent, "id");
      } else if (in.has("name")) {
        body["name"] = in.get("name");
      }
      answer = session.api.post("/api/oauth/kiro/import", std::move(body));
    }
    if (!answer && answer.error().exit == kConflict && in.has("all")) {
      results.push_back(
          json::object{{"id", text(item, "id")}, {"skipped", answer.error().message}});
      if (!session.json) terminal.say(fmt::format("- {}: {}", label, safe(answer.error().message)));
      continue;
    }
    if (!answer) {
      exit = answer.error().exit;
      results.push_back(json::object{{"id", text(item, "id")}, {"error", answer.error().message}});
      if (!session.json)
        terminal.err(
            fmt::format("{} {}: {}", terminal.bad("✗"), label, safe(answer.error().message)));
      if (exit == kUnreachable || exit == kNotAllowed) break;  // the others would fare no better
      continue;
    }
    const json::value& connection = at(answer->json, "connection");
    results.push_back(json::object{{"id", text(item, "id")},
                                   {"connectionId", text(connection, "id")},
                                   {"name", text(connection, "name")}});
    if (!session.json)
      terminal.say(fmt::format(
          "{} {} is here as {}{}", terminal.good("✓"), label, safe(text(connection, "name")),
          in.has("rotate") ? "."
          : offers[index].lent.is_object()
              ? ", with its tool's newer token."
              : ", sharing the session with its tool. \"omniroute providers isolate\" "
                "gives it one of its own."));
  }
  if (session.json)
    printJson(session, json::object{{"imported", std::move(results)},
                                    {"problems", at(listing, "problems")}});
  return exit;
}

}  // namespace omni::cli
