#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "cli/commands/all.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

std::string path(const Invocation& in, std::string_view more = {}) {
  return "/api/combos/" + escaped(in.argument(0)) + std::string(more);
}

// "kiro/kiro-dev (weight 3) -> kiro/kiro-pro (soft)"; what is usual is not said.
std::string targets(const json::value& combo) {
  std::string all;
  const json::array& full = list(combo, "targets");
  size_t index = 0;
  for (const json::value& target : list(combo, "models")) {
    std::string name = text(target);
    if (name.empty())
      name = text(target, "target").empty() ? json::serialize(target) : text(target, "target");
    std::string more;
    if (index < full.size()) {
      if (const int64_t weight = number(full[index], "weight", 1); weight != 1)
        more = fmt::format("weight {}", weight);
      if (text(full[index], "pin") == "soft") more += more.empty() ? "soft" : ", soft";
    }
    ++index;
    if (!more.empty()) name += " (" + more + ")";
    all += (all.empty() ? "" : " -> ") + name;
  }
  return all;
}

// What is among the targets and was deleted since: "kiro/kiro-pro, inner".
std::string missing(const json::value& combo) {
  std::string all;
  for (const json::value& one : list(combo, "missing"))
    all += (all.empty() ? "" : ", ") + text(one);
  return all;
}

std::string counted(int64_t count, std::string_view one, std::string_view more) {
  return fmt::format("{} {}", count, count == 1 ? one : more);
}

// "conversations stay 30 minutes, at most 3 calls, 1 retry, waits up to 2000 ms"
std::string optionsText(const json::value& combo) {
  const json::value& options = at(combo, "options");
  if (!options.is_object()) return {};
  std::string all =
      flag(options, "sticky")
          ? fmt::format("conversations stay {} with their account",
                        counted(number(options, "sessionMinutes"), "minute", "minutes"))
          : "conversations do not stay with an account";
  if (const int64_t calls = number(options, "maxAttempts"))
    all += ", at most " + counted(calls, "call", "calls");
  if (at(options, "retries").is_number())
    all +=
        fmt::format(", {} on one account", counted(number(options, "retries"), "retry", "retries"));
  return all + fmt::format(", waits up to {} ms", number(options, "maxWaitMs"));
}

int shown(const Session& session, const Done<Answer>& answer) {
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  const std::string gone = missing(answer->json);
  session.terminal.line(fmt::format(
      "{} ({}): {}{}", safe(text(answer->json, "name")), text(answer->json, "strategy"),
      safe(targets(answer->json)),
      gone.empty() ? ""
                   : session.terminal.warn(fmt::format(" (not there any more: {})", safe(gone)))));
  if (const std::string options = optionsText(answer->json); !options.empty())
    session.terminal.say(options);
  return kOk;
}

std::unexpected<Problem> wrong(std::string_view option, std::string message) {
  return std::unexpected(Problem{kUsage, 0, std::move(message), "usage", std::string(option)});
}

std::optional<int64_t> wholeNumber(std::string_view given) {
  int64_t out = 0;
  const auto [end, problem] = std::from_chars(given.data(), given.data() + given.size(), out);
  if (problem != std::errc() || end != given.data() + given.size()) return std::nullopt;
  return out;
}

// Name, strategy and options; only what is given, so that a change keeps the rest.
Done<json::object> comboBody(const Invocation& in) {
  json::object out, options;
  for (const char* member : {"name", "strategy"})
    if (in.has(member)) out[member] = in.get(member);
  if (in.has("sticky")) options["sticky"] = in.get("sticky") == "on";
  for (const auto& [option, member] :
       {std::pair("session-minutes", "sessionMinutes"), std::pair("max-attempts", "maxAttempts"),
        std::pair("retries", "retries"), std::pair("max-wait-ms", "maxWaitMs")}) {
    if (!in.has(option)) continue;
    const std::string given = in.get(option);
    const auto value = wholeNumber(given);
    if (!value && given != "default")
      return wrong(option, fmt::format("--{} must be a whole number, or default", option));
    options[member] = value ? json::value(*value) : json::value(nullptr);
  }
  if (!options.empty()) out["options"] = std::move(options);
  return out;
}

// The targets with the weights and the pin that are given; `all` as they are known so far.
Done<json::array> weighed(const Invocation& in, json::array all) {
  if (in.has("weights") || in.has("pin"))
    for (json::value& target : all)
      if (target.is_string()) target = json::object{{"text", target}};
  if (in.has("weights")) {
    const std::string given = in.get("weights");
    std::string_view rest = given;
    std::vector<int64_t> weights;
    while (true) {
      const auto end = std::min(rest.find(','), rest.size());
      const auto weight = wholeNumber(rest.substr(0, end));
      if (!weight) return wrong("weights", "--weights must be whole numbers with commas, like 3,1");
      weights.push_back(*weight);
      if (end == rest.size()) break;
      rest.remove_prefix(end + 1);
    }
    if (weights.size() != all.size())
      return wrong("weights", fmt::format("--weights has {} and there are {} targets; give one for "
                                          "each, in their order",
                                          weights.size(), all.size()));
    for (size_t i = 0; i < all.size(); ++i) all[i].as_object()["weight"] = weights[i];
  }
  if (in.has("pin"))
    for (json::value& target : all) {
      json::object& object = target.as_object();
      if (!object.contains("combo")) object["pin"] = in.get("pin");
    }
  return all;
}

json::array from(const Invocation& in, size_t first) {
  json::array all;
  for (size_t i = first; i < in.arguments.size(); ++i) all.emplace_back(in.arguments[i]);
  return all;
}

// What somebody else made of the combo between two readings of it.
std::string differences(const json::value& before, const json::value& after) {
  std::string all;
  const auto add = [&](std::string_view what, const std::string& was, const std::string& is) {
    if (was != is)
      all += fmt::format("\n  {}: {}\n  {} now: {}", what, safe(was), std::string(what.size(), ' '),
                         safe(is));
  };
  add("name", text(before, "name"), text(after, "name"));
  add("strategy", text(before, "strategy"), text(after, "strategy"));
  add("targets", targets(before), targets(after));
  add("options", optionsText(before), optionsText(after));
  return all;
}

// The service refused the change because of the version; says what is different now.
int outdated(const Session& session, Problem problem, const json::value& before) {
  const std::string at_path = "/api/combos/" + escaped(text(before, "id"));
  const auto now = session.api.get(at_path);
  std::string name = safe(text(now ? now->json : before, "name"));
  std::string changed;
  if (now && text(now->json, "version") != text(before, "version"))
    changed = differences(before, now->json);
  else if (now)  // an older version was named, of which nothing more is known
    changed = fmt::format("\n  it is now: {} ({}): {}", name, text(now->json, "strategy"),
                          safe(targets(now->json)));
  problem.message = fmt::format(
      "somebody else changed the combo {} meanwhile; nothing of yours was changed.{}\nLook at it "
      "(omniroute combos show {}) and edit it again",
      name, changed, name);
  problem.field.clear();
  if (session.json) return fail(session, problem);
  session.terminal.err("omniroute: " + problem.message);
  return problem.exit;
}

}  // namespace

int runCombosList(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/api/combos");
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  const json::array& all = list(answer->json, "combos");
  // Its own column, where a long list of targets cannot push it out; only when there is something.
  const bool any_missing =
      std::ranges::any_of(all, [](const json::value& combo) { return !missing(combo).empty(); });
  std::vector<std::string> header{"Combo", "Strategy", "Targets"};
  if (any_missing) header.emplace_back("Not there any more");
  Table table(std::move(header));
  for (const json::value& combo : all) {
    std::vector<std::string> row{text(combo, "name"), text(combo, "strategy"), targets(combo)};
    if (any_missing) row.push_back(missing(combo));
    table.add(std::move(row));
  }
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

// Another combo, or any account of a provider, has nothing to pin; then --pin would say nothing.
void sayWhatIsNotPinned(const Session& session, const Invocation& in, const Done<Answer>& answer) {
  if (!in.has("pin") || !answer) return;
  std::string all;
  size_t index = 0;
  for (const json::value& target : list(answer->json, "targets")) {
    const json::array& names = list(answer->json, "models");
    const std::string name = index < names.size() ? text(names[index]) : std::string();
    ++index;
    if (text(target, "pin").empty()) all += (all.empty() ? "" : ", ") + safe(name);
  }
  if (!all.empty())
    session.terminal.err("omniroute: --pin means nothing for " + all +
                         ": only targets that name accounts have a pin");
}

int runCombosCreate(const Session& session, const Invocation& in) {
  auto body = comboBody(in);
  if (!body) return fail(session, body.error());
  auto targets_given = weighed(in, from(in, 1));
  if (!targets_given) return fail(session, targets_given.error());
  (*body)["name"] = in.argument(0);
  (*body)["models"] = std::move(*targets_given);
  const auto answer = session.api.post("/api/combos", std::move(*body));
  sayWhatIsNotPinned(session, in, answer);
  return shown(session, answer);
}

int runCombosEdit(const Session& session, const Invocation& in) {
  auto body = comboBody(in);
  if (!body) return fail(session, body.error());
  const bool own_targets = in.arguments.size() > 1;
  const bool about_targets = own_targets || in.has("weights") || in.has("pin");
  if (body->empty() && !about_targets)
    return fail(session, kUsage,
                "say what to change: targets, --strategy, --weights, --name or another option");
  const auto read = session.api.get(path(in));
  if (!read) return fail(session, read.error());
  if (about_targets) {
    auto targets_given = weighed(in, own_targets ? from(in, 1) : list(read->json, "targets"));
    if (!targets_given) return fail(session, targets_given.error());
    (*body)["models"] = std::move(*targets_given);
  }
  const std::string version = in.get("if-version", text(read->json, "version"));
  const json::value value(std::move(*body));
  // By its id: somebody may give it another name meanwhile.
  const auto answer = session.api.call("PUT", "/api/combos/" + escaped(text(read->json, "id")),
                                       &value, {}, version);
  if (!answer && answer.error().exit == kConflict && answer.error().field == "If-Match")
    return outdated(session, answer.error(), read->json);
  sayWhatIsNotPinned(session, in, answer);
  return shown(session, answer);
}

int runCombosDelete(const Session& session, const Invocation& in) {
  const auto combo = session.api.get(path(in));
  if (!combo) return fail(session, combo.error());
  if (!sure(session, fmt::format("Remove the combo {}? Clients that ask for it get an error.",
                                 safe(text(combo->json, "name")))))
    return kFailed;
  const auto answer = session.api.call("DELETE", "/api/combos/" + escaped(text(combo->json, "id")));
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
