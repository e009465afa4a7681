#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "cli/commands/all.hpp"
#include "cli/text.hpp"
#include "core/json/plain.hpp"

#if !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace omni::cli {
namespace {

namespace fs = std::filesystem;

std::string line(const Terminal& terminal, const json::value& one) {
  const std::string at_text = text(one, "at").empty() ? text(one, "startedAt") : text(one, "at");
  const std::string clock = at_text.size() >= 19 ? at_text.substr(11, 8) : at_text;
  std::string status = text(one, "status");
  const std::string coloured =
      status.starts_with('2') ? terminal.good(status) : terminal.bad(status);
  std::string account = text(one, "connection");
  if (account.empty()) account = text(one, "connectionName");
  std::string duration = text(one, "durationMs");
  if (duration.empty()) duration = text(one, "latencyMs");
  const std::string error =
      text(one, "error").empty() ? text(at(one, "error"), "message") : text(one, "error");
  const std::string tokens =
      text(one, "outputTokens").empty()
          ? ""
          : fmt::format("  {} in {} out", text(one, "inputTokens"), text(one, "outputTokens"));
  return fmt::format("{}  {}  {}  {}{}{}{}", clock, coloured, safe(text(one, "model")),
                     safe(account), duration.empty() ? "" : "  " + duration + " ms", tokens,
                     error.empty() ? "" : "  " + safe(error));
}

const json::array& rows(const json::value& answer) {
  return at(answer, "requests").is_array() ? list(answer, "requests") : list(answer, "items");
}

Done<std::string> passphrase(const Session& session, const Invocation& in, bool twice) {
  const auto given = session.terminal.secret("Passphrase of the backup: ");
  if (!given || given->empty())
    return std::unexpected(
        Problem{kUsage, 0, "a passphrase is needed: type it, or pipe it with --passphrase-stdin",
                "usage", ""});
  if (twice && session.terminal.inIsTerminal() && !in.has("passphrase-stdin")) {
    const auto again = session.terminal.secret("Once more: ");
    if (again != given)
      return std::unexpected(Problem{kUsage, 0, "the two passphrases differ", "usage", ""});
  }
  return *given;
}

// A text of somebody else's: its lines stay lines, everything else that moves a cursor is made
// safe.
void quoted(const Terminal& terminal, std::string_view title, const std::string& given) {
  terminal.line("");
  terminal.line(terminal.dim(title));
  size_t from = 0;
  while (from <= given.size()) {
    const size_t end = std::min(given.find('\n', from), given.size());
    std::string line;
    for (const char c : given.substr(from, end - from))
      if (c == '\t')
        line += "    ";
      else if (c != '\r')
        line += c;
    terminal.line(safe(line));
    from = end + 1;
  }
}

int showRequest(const Session& session, const std::string& id) {
  const auto answer = session.api.get("/api/requests/" + escaped(id), "single requests");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  const json::value& one = answer->json;
  std::string tried;
  for (const json::value& attempt : list(one, "attempts"))
    tried += fmt::format("{}{} ({})", tried.empty() ? "" : ", ", text(attempt, "connection"),
                         flag(attempt, "ok") ? "ok" : text(attempt, "error"));
  const auto ms = [&](std::string_view name) {
    const std::string value = text(one, name);
    return value.empty() ? value : value + " ms";
  };
  facts(session.terminal, {{"Request", text(one, "requestId")},
                           {"At", text(one, "at")},
                           {"Status", text(one, "status")},
                           {"Error", text(one, "error")},
                           {"Model", text(one, "model")},
                           {"Served model", text(one, "servedModel")},
                           {"Served by", text(one, "connectionName")},
                           {"Tried", tried},
                           {"Caller", text(one, "caller")},
                           {"First byte", ms("firstByteMs")},
                           {"Whole", ms("durationMs")},
                           {"Tokens in", text(one, "inputTokens")},
                           {"Tokens out", text(one, "outputTokens")},
                           {"Credits", text(one, "credits")},
                           {"Trace", text(one, "traceId")}});
  const json::value& content = at(one, "content");
  if (content.is_object()) {
    quoted(session.terminal, "What was asked", text(content, "request"));
    quoted(session.terminal, "What was answered", text(content, "answer"));
  } else {
    session.terminal.say(flag(one, "contentKept")
                             ? "What was said is not kept any more."
                             : "What was said is not kept; the setting requests.content=on does.");
  }
  return kOk;
}

int clearContent(const Session& session) {
  if (!sure(session, "Drop what was said in all requests so far?")) return kFailed;
  const auto answer =
      session.api.call("DELETE", "/api/requests/content", nullptr, "dropping contents");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.say(flag(answer->json, "contentKept")
                           ? "It is gone. From now on it is kept again, while requests.content=on."
                           : "It is gone.");
  return kOk;
}

}  // namespace

int runLogs(const Session& session, const Invocation& in) {
  const bool one = !in.argument(0).empty();
  if (one + in.has("clear-content") + in.has("follow") > 1)
    return fail(session, kUsage, "give one of: an id, --follow, --clear-content");
  if (one) return showRequest(session, in.argument(0));
  if (in.has("clear-content")) return clearContent(session);
  const std::string limit = in.get("limit", "20");
  if (limit.empty() || limit.find_first_not_of("0123456789") != std::string::npos ||
      limit.size() > 4)
    return fail(session, kUsage, "--limit must be a number up to 9999");
  std::set<std::string> seen;
  bool first = true;
  for (;;) {
    const auto answer = session.api.get("/api/requests?limit=" + limit, "the request log");
    if (!answer) return fail(session, answer.error());
    if (session.json && !in.has("follow")) return printJson(session, answer->json);
    const json::array& all = rows(answer->json);
    std::set<std::string> now;
    for (size_t i = all.size(); i-- > 0;) {  // newest last, as logs are read
      std::string id = text(all[i], "id");
      if (id.empty()) id = text(all[i], "requestId");
      now.insert(id);
      if (seen.contains(id)) continue;
      session.terminal.line(session.json ? omni::json::plainText(all[i])
                                         : line(session.terminal, all[i]));
    }
    if (first && all.empty() && !in.has("follow")) session.terminal.say("No request yet.");
    if (!in.has("follow")) return kOk;
    first = false;
    seen = std::move(now);
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

int runBackup(const Session& session, const Invocation& in) {
  const fs::path file = in.argument(0);
  std::error_code code;
  if (fs::exists(file, code) &&
      !sure(session, fmt::format("{} is there already. Overwrite it?", safe(file.string()))))
    return kFailed;
  const auto secret = passphrase(session, in, true);
  if (!secret) return fail(session, secret.error());
  const fs::path temporary = file.string() + ".part";
#if !defined(_WIN32)
  // It holds everything: for this user only, from the first byte.
  const int descriptor = open(temporary.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (descriptor < 0)
    return fail(session, kFailed, fmt::format("{} cannot be written", safe(file.string())));
  close(descriptor);
#endif
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  if (!out) return fail(session, kFailed, fmt::format("{} cannot be written", safe(file.string())));
  const json::value body(json::object{{"passphrase", *secret}});
  const bool accounts = in.has("accounts");
  const auto answer =
      session.api.download("POST", accounts ? "/api/export" : "/api/backup", &body, out, "backups");
  out.close();
  if (!answer || !out) {
    fs::remove(temporary, code);
    return answer ? fail(session, kFailed, "the file could not be written whole; is the disk full?")
                  : fail(session, answer.error());
  }
  fs::rename(temporary, file, code);
  if (code)
    return fail(session, kFailed,
                fmt::format("{} cannot be written: {}", safe(file.string()), code.message()));
  if (session.json)
    return printJson(session,
                     json::object{{"file", file.string()}, {"bytes", fs::file_size(file, code)}});
  session.terminal.say(fmt::format(
      "Saved {} ({} KiB). Without the passphrase nobody can read it, and nobody can give it back.",
      safe(file.string()), fs::file_size(file, code) / 1024 + 1));
  return kOk;
}

namespace {

// Accounts come in at once, beside those that are there.
int importAccounts(const Session& session, json::object body) {
  const auto answer = session.api.post("/api/import/bundle", std::move(body), "restoring accounts");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  Table table({"Name", "Result", "Why"});
  for (const json::value& one : list(answer->json, "results"))
    table.add({text(one, "name"), text(one, "result"), text(one, "reason")});
  if (!table.empty()) session.terminal.show(table);
  session.terminal.say(
      fmt::format("{} imported, {} skipped, {} refused.", number(answer->json, "imported"),
                  number(answer->json, "skipped"), number(answer->json, "refused")));
  Table combos({"Combo", "Result", "Why"});
  for (const json::value& one : list(answer->json, "combos"))
    combos.add({text(one, "name"), text(one, "result"), text(one, "reason")});
  if (!combos.empty()) session.terminal.show(combos);
  if (const std::string note = text(answer->json, "note"); !note.empty())
    session.terminal.say(safe(note));
  return flag(answer->json, "success") ? kOk : kFailed;
}

int restoreAll(const Session& session, const json::object& body) {
  const auto answer = session.api.post("/api/restore", body, "restoring backups");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.say(fmt::format(
      "The backup of {} ({} accounts) is laid ready. Restart the service: it then takes the place "
      "of what is there now, which is kept beside it.",
      text(at(answer->json, "backup"), "createdAt"),
      number(at(answer->json, "backup"), "connections")));
  return kOk;
}

}  // namespace

int runRestore(const Session& session, const Invocation& in) {
  if (in.has("cancel")) {
    const auto answer = session.api.call("DELETE", "/api/restore", nullptr, "restoring backups");
    if (!answer) return fail(session, answer.error());
    session.terminal.say("Nothing will be restored by the next start.");
    return kOk;
  }
  if (in.argument(0).empty())
    return fail(session, kUsage, "name the backup: omniroute restore <file>");
  std::ifstream file(in.argument(0), std::ios::binary);
  if (!file) return fail(session, kUsage, fmt::format("{} cannot be read", safe(in.argument(0))));
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  json::error_code code;
  json::value given = json::parse(bytes, code);
  const std::string format = code ? std::string() : text(given, "format");
  if (format != "omniroute-backup" && format != "omniroute-bundle")
    return fail(session, kUsage,
                fmt::format("{} is no backup of this service", safe(in.argument(0))));
  if (format == "omniroute-backup" &&
      !sure(session, "The next start puts the backup in place of everything there is. Go on?"))
    return kFailed;
  const auto secret = passphrase(session, in, false);
  if (!secret) return fail(session, secret.error());
  json::object body{{"passphrase", *secret}};
  body[format == "omniroute-backup" ? "backup" : "bundle"] = std::move(given);
  return format == "omniroute-backup" ? restoreAll(session, body)
                                      : importAccounts(session, std::move(body));
}

}  // namespace omni::cli
