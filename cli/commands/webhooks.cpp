#include <fmt/format.h>

#include "cli/commands/all.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

constexpr std::string_view kWebhooks = "webhooks";

std::string pathOf(const Invocation& in, std::string_view rest = {}) {
  return fmt::format("/api/webhooks/{}{}", escaped(in.argument(0)), rest);
}

json::array eventsOf(const std::string& given) {
  json::array out;
  for (size_t from = 0; from < given.size();) {
    const size_t end = std::min(given.find(',', from), given.size());
    std::string_view one = std::string_view(given).substr(from, end - from);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!one.empty()) out.emplace_back(one);
    from = end + 1;
  }
  return out;
}

std::string joined(const json::array& all) {
  std::string out;
  for (const json::value& one : all) out += (out.empty() ? "" : ", ") + text(one);
  return out;
}

std::string when(const json::value& one, std::string_view name) {
  const int64_t at_ms = parseIso(text(one, name));
  return at_ms ? relativeTime(at_ms, nowMs()) : std::string("-");
}

std::string lastAnswer(const json::value& delivery) {
  const std::string error = text(delivery, "error");
  return error.empty() ? text(delivery, "status") : error;
}

int changeActive(const Session& session, const Invocation& in, bool on) {
  const json::value body(json::object{{"isActive", on}});
  const auto answer = session.api.call("PATCH", pathOf(in), &body, kWebhooks);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.say(
      fmt::format("{} is {}.", safe(text(answer->json, "name")), on ? "on" : "off"));
  return kOk;
}

}  // namespace

int runWebhooksList(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/api/webhooks", kWebhooks);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  Table table({"Name", "Address", "Events", "State"});
  for (const json::value& one : list(answer->json, "webhooks")) {
    const std::string events = joined(list(one, "events"));
    table.add({text(one, "name"), text(one, "url"), events.empty() ? "all" : events,
               flag(one, "isActive") ? "on" : "off"});
  }
  if (table.empty())
    session.terminal.say("No webhook. \"omniroute webhooks add NAME\" adds one.");
  else
    session.terminal.show(table);
  return kOk;
}

int runWebhooksAdd(const Session& session, const Invocation& in) {
  std::string url = in.argument(1);
  if (url.empty()) {  // some receivers' addresses are a secret by themselves
    const auto typed = session.terminal.secret("Address of the receiver: ");
    if (!typed || typed->empty())
      return fail(session, kUsage, "no address: give it as argument, or by standard input");
    url = *typed;
  }
  json::object body{{"name", in.argument(0)}, {"url", url}};
  if (in.has("events")) body["events"] = eventsOf(in.get("events"));
  const auto answer = session.api.post("/api/webhooks", std::move(body), kWebhooks);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.err(
      "The secret is shown this once; the receiver checks the signatures with it:");
  session.terminal.line(text(answer->json, "secret"));
  return kOk;
}

int runWebhooksTest(const Session& session, const Invocation& in) {
  const auto answer = session.api.post(pathOf(in, "/test"), json::object{}, kWebhooks);
  if (!answer) return fail(session, answer.error());
  const bool received = text(answer->json, "state") == "delivered";
  if (session.json) {
    printJson(session, answer->json);
  } else if (received) {
    session.terminal.line(
        fmt::format("Received, with the status {}.", text(answer->json, "status")));
  } else {
    session.terminal.line("Not received: " + safe(lastAnswer(answer->json)));
  }
  return received ? kOk : kFailed;
}

int runWebhooksDeliveries(const Session& session, const Invocation& in) {
  const auto answer = session.api.get(pathOf(in, "/deliveries?limit=20"), kWebhooks);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  Table table({"When", "Event", "State", "Attempts", "Next", "Last answer"});
  for (const json::value& one : list(answer->json, "deliveries"))
    table.add({when(one, "createdAt"), text(one, "type"), text(one, "state"), text(one, "attempts"),
               when(one, "nextAttemptAt"), lastAnswer(one)});
  if (table.empty())
    session.terminal.say("Nothing was sent yet.");
  else
    session.terminal.show(table);
  return kOk;
}

int runWebhooksEnable(const Session& session, const Invocation& in) {
  return changeActive(session, in, true);
}

int runWebhooksDisable(const Session& session, const Invocation& in) {
  return changeActive(session, in, false);
}

int runWebhooksRemove(const Session& session, const Invocation& in) {
  if (!sure(session, fmt::format("Remove the webhook {}? What waits to be sent to it is dropped.",
                                 safe(in.argument(0)))))
    return kFailed;
  const auto answer = session.api.call("DELETE", pathOf(in), nullptr, kWebhooks);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.say("The webhook is removed.");
  return kOk;
}

}  // namespace omni::cli
