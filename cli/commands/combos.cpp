#include <fmt/format.h>

#include "cli/commands/all.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

std::string path(const Invocation& in, std::string_view more = {}) {
  return "/api/combos/" + escaped(in.argument(0)) + std::string(more);
}

std::string targets(const json::value& combo) {
  std::string all;
  for (const json::value& target : list(combo, "models")) {
    std::string name = text(target);
    if (name.empty())
      name = text(target, "target").empty() ? json::serialize(target) : text(target, "target");
    all += (all.empty() ? "" : " -> ") + name;
  }
  return all;
}

int shown(const Session& session, const Done<Answer>& answer) {
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.line(fmt::format("{} ({}): {}", safe(text(answer->json, "name")),
                                    text(answer->json, "strategy"), safe(targets(answer->json))));
  return kOk;
}

json::array from(const Invocation& in, size_t first) {
  json::array all;
  for (size_t i = first; i < in.arguments.size(); ++i) all.emplace_back(in.arguments[i]);
  return all;
}

}  // namespace

int runCombosList(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/api/combos");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  Table table({"Combo", "Strategy", "Targets"});
  for (const json::value& combo : list(answer->json, "combos"))
    table.add({text(combo, "name"), text(combo, "strategy"), targets(combo)});
  if (table.empty())
    session.terminal.say(
        "No combo yet. \"omniroute combos create NAME TARGET...\" makes one name of several "
        "accounts.");
  else
    session.terminal.show(table);
  return kOk;
}

int runCombosShow(const Session& session, const Invocation& in) {
  return shown(session, session.api.get(path(in)));
}

int runCombosCreate(const Session& session, const Invocation& in) {
  return shown(session, session.api.post("/api/combos",
                                         json::object{{"name", in.argument(0)},
                                                      {"strategy", in.get("strategy", "priority")},
                                                      {"models", from(in, 1)}}));
}

int runCombosEdit(const Session& session, const Invocation& in) {
  json::object body;
  if (in.has("name")) body["name"] = in.get("name");
  if (in.has("strategy")) body["strategy"] = in.get("strategy");
  if (in.arguments.size() > 1) body["models"] = from(in, 1);
  if (body.empty())
    return fail(session, kUsage, "say what to change: targets, --strategy or --name");
  const json::value value(std::move(body));
  return shown(session, session.api.call("PUT", path(in), &value));
}

int runCombosDelete(const Session& session, const Invocation& in) {
  if (!sure(session, fmt::format("Remove the combo {}? Clients that ask for it get an error.",
                                 safe(in.argument(0)))))
    return kFailed;
  const auto answer = session.api.call("DELETE", path(in));
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.line(safe(text(answer->json, "name")) + " is removed.");
  return kOk;
}

int runCombosExplain(const Session& session, const Invocation& in) {
  const auto answer = session.api.post(path(in, "/explain"), json::object{}, "explain");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  const Terminal& terminal = session.terminal;
  Table table({"", "Account", "Model", "Verdict", "Why"});
  int64_t position = 0;
  for (const json::value& one : list(answer->json, "candidates")) {
    const bool out_of_it = text(one, "verdict") == "excluded";
    std::string why = text(one, "reason");
    if (!text(one, "detail").empty()) why += " (" + text(one, "detail") + ")";
    if (const int64_t until = parseIso(text(one, "until")))
      why += ", " + relativeTime(until, nowMs());
    table.add({out_of_it ? "-" : std::to_string(++position),
               text(one, "provider") + "/" + text(one, "connection"), text(one, "model"),
               text(one, "verdict"), why});
  }
  if (!text(answer->json, "strategy").empty())
    terminal.line(
        fmt::format("{} ({}{})", safe(in.argument(0)), text(answer->json, "strategy"),
                    flag(answer->json, "sticky") ? ", stays with the conversation's account" : ""));
  if (!table.empty()) terminal.show(table);
  for (const json::value& missing : list(answer->json, "missing"))
    terminal.line(terminal.warn("not there any more: ") + safe(text(missing)));
  if (position == 0) {
    const int64_t back = parseIso(text(answer->json, "backAt"));
    terminal.say("Nobody can serve it now" +
                 (back ? "; back " + relativeTime(back, nowMs()) : std::string()) + ".");
    return kAttention;
  }
  return kOk;
}

}  // namespace omni::cli
