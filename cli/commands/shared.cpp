#include <fmt/format.h>

#include <chrono>
#include <iostream>

#include "cli/commands/all.hpp"
#include "cli/help.hpp"
#include "cli/text.hpp"
#include "core/json/plain.hpp"

namespace omni::cli {

int fail(const Session& session, const Problem& problem) {
  if (session.json) {
    session.terminal.err(json::serialize(json::object{{"error",
                                                       {{"message", problem.message},
                                                        {"code", problem.code},
                                                        {"field", problem.field},
                                                        {"status", problem.status}}}}));
  } else {
    std::string message = safe(problem.message);
    if (!problem.field.empty() && !message.contains(problem.field))
      message += " (" + safe(problem.field) + ")";
    session.terminal.err("omniroute: " + message);
  }
  return problem.exit;
}

int fail(const Session& session, int exit, std::string message) {
  return fail(session,
              Problem{exit, 0, std::move(message), exit == kUsage ? "usage" : "failed", ""});
}

int printJson(const Session& session, const json::value& value) {
  session.terminal.line(omni::json::plainText(value));
  return kOk;
}

std::filesystem::path& programFolder() {
  static std::filesystem::path folder;
  return folder;
}

int64_t nowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string stateText(const Terminal& terminal, std::string_view state) {
  if (state == "active") return terminal.good(state);
  if (state == "cooling" || state == "exhausted" || state == "disabled")
    return terminal.warn(state);
  return terminal.bad(state);
}

void facts(const Terminal& terminal, const std::vector<std::pair<std::string, std::string>>& all) {
  size_t column = 0;
  for (const auto& [name, value] : all)
    if (!value.empty()) column = std::max(column, displayWidth(name));
  const size_t width = terminal.width() == 0 ? 1000 : terminal.width();
  for (const auto& [name, value] : all) {
    if (value.empty()) continue;
    bool first = true;
    const size_t room = width > column + 12 ? width - column - 2 : 10;
    for (const std::string& piece : wrapped(safe(value), room)) {
      terminal.line(terminal.dim(padded(first ? name : "", column)) + "  " + piece);
      first = false;
    }
  }
}

bool sure(const Session& session, const std::string& question) {
  if (session.yes) return true;
  if (!session.terminal.interactive()) {
    session.terminal.err("omniroute: " + question + " Nobody can answer here; say --yes to do it.");
    return false;
  }
  return session.terminal.confirm(question, false);
}

int runCompletion(const Session& session, const Invocation& in) {
  const std::string script = completionScript(in.argument(0));
  if (script.empty()) {
    const std::string near = nearest(in.argument(0), {"bash", "zsh", "fish", "powershell"});
    return fail(session, kUsage,
                "there are completions for bash, zsh, fish and powershell" +
                    (near.empty() ? std::string() : "; did you mean " + near + "?"));
  }
  session.terminal.out(script);
  return kOk;
}

int runMan(const Session& session, const Invocation&) {
  session.terminal.out(manPage());
  return kOk;
}

}  // namespace omni::cli
