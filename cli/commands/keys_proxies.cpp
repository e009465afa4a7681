#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/commands/all.hpp"
#include "cli/text.hpp"
#include "core/json/plain.hpp"

namespace omni::cli {
namespace {

constexpr std::string_view kKeys = "API keys";
constexpr std::string_view kProxies = "proxies";

// Both are found by id; people know the name.
Done<std::string> idOf(const Session& session, std::string_view path, std::string_view member,
                       std::string_view what, const std::string& name_or_id) {
  const auto answer = session.api.get(path, what);
  if (!answer) return std::unexpected(answer.error());
  std::vector<std::string> names;
  for (const json::value& one : list(answer->json, member)) {
    if (text(one, "id") == name_or_id || text(one, "name") == name_or_id) return text(one, "id");
    names.push_back(text(one, "name"));
  }
  const std::string near = nearest(name_or_id, names);
  return std::unexpected(
      Problem{kNotFound, 404,
              fmt::format("there is nothing called \"{}\" among the {}{}", safe(name_or_id), what,
                          near.empty() ? "" : "; did you mean " + safe(near) + "?"),
              "not_found", ""});
}

json::array words(std::string_view text) {
  json::array out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (comma > 0) out.emplace_back(std::string(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

// What the options say of a key; only what is given, so that a change keeps the rest. An empty list
// and "none" take a limit away.
Done<json::object> keyLimits(const Invocation& in) {
  json::object out, budgets;
  for (const char* names : {"scopes", "models", "combos"})
    if (in.has(names)) out[names] = words(in.get(names));
  struct Number {
    const char* option;
    const char* member;
    json::object* where;
  };
  for (const Number& one :
       {Number{"per-minute", "requestsPerMinute", &out}, Number{"at-once", "maxConcurrent", &out},
        Number{"credits-day", "creditsPerDay", &budgets},
        Number{"credits-month", "creditsPerMonth", &budgets},
        Number{"tokens-day", "tokensPerDay", &budgets},
        Number{"tokens-month", "tokensPerMonth", &budgets}}) {
    if (!in.has(one.option)) continue;
    const std::string given = in.get(one.option);
    json::error_code code;
    json::value number = given == "none" ? json::value(nullptr) : json::parse(given, code);
    if (code || (!number.is_number() && !number.is_null()))
      return std::unexpected(Problem{
          kUsage, 0, fmt::format("--{} must be a number, or none", one.option), "", one.option});
    (*one.where)[one.member] = std::move(number);
  }
  if (!budgets.empty()) out["budgets"] = std::move(budgets);
  if (in.has("expires")) {
    const std::string when = in.get("expires");
    out["expiresAt"] = when == "none" ? json::value(nullptr) : json::value(when);
  }
  return out;
}

// "kiro/*, my-kiro; 20 a minute"
std::string limitsText(const json::value& key) {
  std::vector<std::string> only, parts;
  for (const char* member : {"combos", "models"})
    for (const json::value& name : list(key, member)) only.push_back(text(name));
  if (!only.empty()) parts.push_back(fmt::format("{}", fmt::join(only, ", ")));
  const auto add = [&](const json::value& of, const char* member, const char* unit) {
    if (at(of, member).is_number())
      parts.push_back(fmt::format("{} {}", omni::json::plainText(at(of, member)), unit));
  };
  add(key, "requestsPerMinute", "a minute");
  add(key, "maxConcurrent", "at once");
  const json::value& budgets = at(key, "budgets");
  add(budgets, "creditsPerDay", "credits a day");
  add(budgets, "creditsPerMonth", "credits a month");
  add(budgets, "tokensPerDay", "tokens a day");
  add(budgets, "tokensPerMonth", "tokens a month");
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, "; "));
}

void warn(const Session& session, const json::value& key) {
  for (const json::value& one : list(key, "warnings"))
    session.terminal.err("omniroute: warning: " + safe(text(one, "message")));
}

struct ProxyAddress {
  std::string type, host;
  int64_t port = 0;
};
// Without a log-in in it: that one would be visible to others.
std::optional<ProxyAddress> parseProxy(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == url.npos) return std::nullopt;
  ProxyAddress out{std::string(url.substr(0, scheme)), {}, 0};
  url.remove_prefix(scheme + 3);
  while (url.ends_with('/')) url.remove_suffix(1);
  if (url.contains('@') || url.contains('/')) return std::nullopt;
  const auto colon = url.rfind(':');
  if (colon != url.npos && colon > url.rfind(']') + 1 - (url.rfind(']') == url.npos ? 0 : 1)) {
    for (char c : url.substr(colon + 1)) {
      if (c < '0' || c > '9' || out.port > 65535) return std::nullopt;
      out.port = out.port * 10 + (c - '0');
    }
    url = url.substr(0, colon);
  }
  out.host = url;
  return out.host.empty() ? std::nullopt : std::optional(out);
}

}  // namespace

int runKeysList(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/api/keys", kKeys);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  Table table({"Name", "Key", "Only", "Created", "Last used", "State"});
  for (const json::value& key : list(answer->json, "keys")) {
    const auto when = [&](std::string_view name) {
      const int64_t at_ms = parseIso(text(key, name));
      return at_ms ? relativeTime(at_ms, nowMs()) : std::string("-");
    };
    table.add({text(key, "name"), text(key, "key"), limitsText(key), when("createdAt"),
               when("lastUsedAt"),
               flag(key, "expired")    ? "expired"
               : flag(key, "isActive") ? "active"
                                       : "off"});
  }
  if (table.empty())
    session.terminal.say("No key yet. \"omniroute keys create NAME\" makes one.");
  else
    session.terminal.show(table);
  return kOk;
}

int runKeysCreate(const Session& session, const Invocation& in) {
  auto body = keyLimits(in);
  if (!body) return fail(session, body.error());
  (*body)["name"] = in.argument(0);
  const auto answer = session.api.post("/api/keys", std::move(*body), kKeys);
  if (!answer) return fail(session, answer.error());
  warn(session, answer->json);
  if (session.json) return printJson(session, answer->json);
  const std::string key = text(answer->json, "secret");
  session.terminal.err("It is shown this once; keep it where clients find it:");
  session.terminal.line(key);
  return kOk;
}

int runKeysChange(const Session& session, const Invocation& in) {
  auto body = keyLimits(in);
  if (!body) return fail(session, body.error());
  if (in.has("name")) (*body)["name"] = in.get("name");
  if (body->empty())
    return fail(session, kUsage, "say what to change, for example --per-minute 20");
  const json::value change(std::move(*body));
  const auto answer =
      session.api.call("PATCH", "/api/keys/" + escaped(in.argument(0)), &change, kKeys);
  if (!answer) return fail(session, answer.error());
  warn(session, answer->json);
  if (session.json) return printJson(session, answer->json);
  session.terminal.line(
      fmt::format("{}: {}", safe(text(answer->json, "name")), safe(limitsText(answer->json))));
  return kOk;
}

int runKeysRemove(const Session& session, const Invocation& in) {
  const auto id = idOf(session, "/api/keys", "keys", kKeys, in.argument(0));
  if (!id) return fail(session, id.error());
  if (!sure(session, fmt::format("Take the key {} back? Clients that use it are let in no more.",
                                 safe(in.argument(0)))))
    return kFailed;
  const auto answer = session.api.call("DELETE", "/api/keys/" + escaped(*id), nullptr, kKeys);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.say("The key is taken back.");
  return kOk;
}

int runProxiesList(const Session& session, const Invocation&) {
  const auto answer = session.api.get("/api/proxies", kProxies);
  if (!answer) return fail(session, answer.error());
  const auto assigned = session.api.get("/api/proxies/assignments", kProxies);
  if (!assigned) return fail(session, assigned.error());
  if (session.json)
    return printJson(session, json::object{{"proxies", at(answer->json, "proxies")},
                                           {"assignments", at(assigned->json, "assignments")}});
  Table table({"Name", "Address", "Used for"});
  for (const json::value& proxy : list(answer->json, "proxies")) {
    std::string used;
    for (const json::value& one : list(assigned->json, "assignments"))
      if (text(one, "proxyId") == text(proxy, "id"))
        used += (used.empty() ? "" : ", ") + text(one, "label");
    std::string url = text(proxy, "url");
    if (url.empty())
      url =
          fmt::format("{}://{}:{}", text(proxy, "type"), text(proxy, "host"), text(proxy, "port"));
    table.add({text(proxy, "name"), url, used});
  }
  if (table.empty())
    session.terminal.say("No proxy: all calls go out directly.");
  else
    session.terminal.show(table);
  return kOk;
}

int runProxiesAdd(const Session& session, const Invocation& in) {
  const auto address = parseProxy(in.argument(1));
  if (!address)
    return fail(
        session, kUsage,
        "the address must look like http://host:3128 or socks5://host:1080, without name and "
        "password: give those with --user and the prompt");
  json::object body{{"name", in.argument(0)}, {"type", address->type}, {"host", address->host}};
  if (address->port) body["port"] = address->port;
  if (in.has("user")) {
    const auto password = session.terminal.secret("Password of the proxy: ");
    if (!password) return fail(session, kUsage, "no password came from standard input");
    body["username"] = in.get("user");
    body["password"] = *password;
  } else if (in.has("password-stdin")) {
    return fail(session, kUsage, "a password needs its name: add --user NAME");
  }
  const auto answer = session.api.post("/api/proxies", std::move(body), kProxies);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.say(fmt::format("{} is added. Use it with \"omniroute proxies assign {}\".",
                                   safe(in.argument(0)), safe(in.argument(0))));
  return kOk;
}

int runProxiesRemove(const Session& session, const Invocation& in) {
  if (!sure(session, fmt::format("Remove the proxy {}?", safe(in.argument(0))))) return kFailed;
  const auto answer =
      session.api.call("DELETE", "/api/proxies/" + escaped(in.argument(0)), nullptr, kProxies);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.say("The proxy is removed.");
  return kOk;
}

int runProxiesTest(const Session& session, const Invocation& in) {
  const auto answer = session.api.post("/api/proxies/" + escaped(in.argument(0)) + "/test",
                                       json::object{}, kProxies);
  if (!answer) return fail(session, answer.error());
  const bool works =
      flag(answer->json, "success") || flag(answer->json, "ok") || flag(answer->json, "valid");
  if (session.json) {
    printJson(session, answer->json);
    return works ? kOk : kFailed;
  }
  std::string message = text(answer->json, "message");
  if (message.empty()) message = text(answer->json, "error");
  if (message.empty()) message = text(at(answer->json, "error"), "message");
  session.terminal.line(works ? fmt::format("The proxy works ({} ms){}",
                                            number(answer->json, "latencyMs"),
                                            message.empty() ? "." : ": " + safe(message))
                              : "The proxy does not work: " + safe(message));
  return works ? kOk : kFailed;
}

int runProxiesAssign(const Session& session, const Invocation& in) {
  json::object body;
  const bool connection = !in.argument(1).empty();
  if (connection && in.has("provider"))
    return fail(session, kUsage, "give an account or --provider, not both");
  body["scope"] = connection ? "connection" : in.has("provider") ? "provider" : "global";
  if (connection) body["scopeId"] = in.argument(1);
  if (in.has("provider")) body["scopeId"] = in.get("provider");
  if (in.has("clear"))
    body["proxyId"] = nullptr;
  else
    body["proxyId"] = in.argument(0);
  const json::value value(std::move(body));
  const auto answer = session.api.call("PUT", "/api/proxies/assignments", &value, kProxies);
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  session.terminal.line(in.has("clear") ? "The assignment is taken away."
                                        : fmt::format("{} is used for {}.", safe(in.argument(0)),
                                                      safe(text(answer->json, "label"))));
  return kOk;
}

}  // namespace omni::cli
