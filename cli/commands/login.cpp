#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <iterator>
#include <thread>

#include "cli/commands/all.hpp"
#include "cli/qr.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

std::atomic<bool> g_interrupted = false;

// While a sign-in is watched, Ctrl-C gives it up instead of leaving it to the service.
class Interrupts {
 public:
  Interrupts() {
    g_interrupted = false;
    old_ = std::signal(SIGINT, [](int) { g_interrupted = true; });
  }
  ~Interrupts() { std::signal(SIGINT, old_); }

 private:
  void (*old_)(int);
};

std::string allOfStdin(const Session& session, const char* question) {
  if (session.terminal.inIsTerminal()) return session.terminal.secret(question).value_or("");
  std::string all((std::istreambuf_iterator<char>(std::cin)), {});
  const auto first = all.find_first_not_of(" \t\r\n");
  return first == all.npos ? std::string()
                           : all.substr(first, all.find_last_not_of(" \t\r\n") - first + 1);
}

// `connection`: its record, or what an import answers with.
int signedIn(const Session& session, const json::value& connection) {
  const Terminal& terminal = session.terminal;
  terminal.say(
      fmt::format("{} {} is signed in.", terminal.good("✓"), safe(text(connection, "name"))));
  std::string others;
  for (const json::value& other : list(connection, "samePersonAs"))
    others += (others.empty() ? "" : ", ") + text(other);
  if (!others.empty())
    terminal.say(terminal.warn("Note: ") + safe(others) +
                 (list(connection, "samePersonAs").size() == 1 ? " is" : " are") +
                 " the same person: they share one quota.");
  return kOk;
}

int imported(const Session& session, json::object body, const Invocation& in) {
  if (in.has("name")) body["name"] = in.get("name");
  if (in.has("region")) body["region"] = in.get("region");
  if (in.has("replace")) {
    body["mode"] = "replace";
    body["connectionId"] = in.get("replace");
  }
  const auto answer = session.api.post("/api/oauth/kiro/import", std::move(body));
  if (!answer) return fail(session, answer.error());
  if (session.json) return printJson(session, answer->json);
  return signedIn(session, at(answer->json, "connection"));
}

void showHow(const Session& session, const Invocation& in, const json::value& view) {
  const Terminal& terminal = session.terminal;
  std::string uri = text(view, "verificationUriComplete");
  if (uri.empty()) uri = text(view, "verificationUri");
  if (!in.has("no-qr") && terminal.outIsTerminal()) {
    const std::string code = qrCode(uri, terminal.width(), terminal.colours());
    if (!code.empty()) terminal.out("\n" + code);
  }
  terminal.say("\nOpen this address in a browser, or scan the code:");
  terminal.line("  " + terminal.bold(safe(uri)));
  terminal.say("and check that it shows this code:");
  terminal.line("  " + terminal.bold(safe(text(view, "userCode"))) + "\n");
}

// Until the sign-in has ended.
int watch(const Session& session, const std::string& id, json::value view) {
  const Terminal& terminal = session.terminal;
  const bool lively = terminal.errIsTerminal() && !session.json;
  if (!lively) terminal.err("Waiting for the sign-in ...");
  int failures = 0;
  for (size_t tick = 0; text(view, "status") == "pending"; ++tick) {
    if (g_interrupted) {
      if (lively) terminal.err("");
      // Should it not get there, the code runs out by itself.
      (void)session.api.call("DELETE", "/api/oauth/signin/" + escaped(id));
      terminal.err("The sign-in was given up; nothing was changed.");
      return kInterrupted;
    }
    if (lively) {
      static constexpr const char* kFrames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
      const int64_t left =
          std::max<int64_t>(0, (parseIso(text(view, "expiresAt")) - nowMs()) / 1000);
      std::cerr << fmt::format(
                       "\r\x1b[K{} Waiting for the sign-in, {}:{:02} left (Ctrl-C gives up)",
                       kFrames[tick % 10], left / 60, left % 60)
                << std::flush;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(lively ? 200 : 500));
    if (lively && tick % 5 != 0) continue;
    auto answer = session.api.get("/api/oauth/signin/" + escaped(id));
    if (!answer) {
      // A restart of the service takes a few seconds; the sign-in itself cannot outlive it.
      if (answer.error().exit == kUnreachable && ++failures < 10) continue;
      if (lively) terminal.err("");
      return fail(session, answer.error());
    }
    failures = 0;
    view = std::move(answer->json);
  }
  if (lively) std::cerr << "\r\x1b[K" << std::flush;
  const std::string status = text(view, "status");
  if (session.json) printJson(session, view);
  if (status == "complete") {
    if (session.json) return kOk;
    // The record: where nobody chose a name, and in place, only it knows the name.
    const auto made = session.api.get("/api/providers/" + escaped(text(view, "connectionId")));
    return signedIn(session, made ? made->json : view);
  }
  if (session.json) return kFailed;
  const std::string message = text(at(view, "error"), "message");
  return fail(session, text(at(view, "error"), "code") == "conflict" ? kConflict : kFailed,
              message.empty() ? "the sign-in ended: " + status : message);
}

// The sign-in in which a person takes part. With --replace and no way named, the account's own.
Done<json::object> signInBody(const Session& session, const Invocation& in) {
  const auto usage = [](std::string message) {
    return std::unexpected(Problem{kUsage, 0, std::move(message), "usage", ""});
  };
  std::string method = in.has("idc") || in.has("start-url") ? "idc"
                       : in.has("google")                   ? "google"
                       : in.has("github")                   ? "github"
                       : in.has("builder-id")               ? "builder_id"
                                                            : "";
  std::string start_url = in.get("start-url");
  if (in.has("replace") && (method.empty() || (method == "idc" && start_url.empty()))) {
    const auto account = session.api.get("/api/providers/" + escaped(in.get("replace")));
    if (!account) return std::unexpected(account.error());
    const std::string own = wayIn(account->json);
    if (method.empty() && (own.empty() || own == "api_key" || own == "external_idp"))
      return usage(fmt::format("{} {}: {}", text(account->json, "name"),
                               own.empty()        ? "does not say how it was signed in"
                               : own == "api_key" ? "has an API key"
                                                  : "belongs to a company's identity provider",
                               signInAnew(account->json)));
    if (method.empty()) method = own;
    if (method == "idc" && start_url.empty() && own == "idc")
      start_url = text(at(account->json, "providerSpecificData"), "startUrl");
  }
  if (method == "idc" && start_url.empty())
    return usage(
        "--idc needs --start-url, the company's start page, like "
        "https://d-1234567890.awsapps.com/start");
  json::object body{{"method", method.empty() ? "builder_id" : method}};
  if (!start_url.empty() && method == "idc") body["startUrl"] = start_url;
  if (in.has("region")) body["region"] = in.get("region");
  if (in.has("name")) body["name"] = in.get("name");
  if (in.has("replace")) {
    body["mode"] = "replace";
    body["connectionId"] = in.get("replace");
  }
  return body;
}

}  // namespace

namespace {

constexpr std::string_view kBuilderIdPage = "https://view.awsapps.com/start";

// As a shell reads it back.
std::string shellWord(const std::string& word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.@+").contains(c);
  });
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

std::string wayIn(const json::value& account) {
  const json::value& own = at(account, "providerSpecificData");
  std::string method = text(own, "authMethod");
  const std::string start_url = text(own, "startUrl");
  std::string provider = text(own, "provider");
  for (char& c : provider)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  // Imports know only that a registration came along; a start page says whose it is.
  if (method == "idc" && start_url == kBuilderIdPage) return "builder_id";
  if (method == "idc" && start_url.empty() && provider != "enterprise" && provider != "internal")
    return provider == "builderid" ? "builder_id" : "";
  if (method == "builder_id" || method == "idc" || method == "api_key" || method == "external_idp")
    return method;
  if (provider == "google" || provider == "github") return provider;
  if (method == "social") return {};  // one of the two
  if (provider == "builderid" || start_url == kBuilderIdPage) return "builder_id";
  if (provider == "enterprise" || provider == "internal" || !start_url.empty()) return "idc";
  return text(own, "refreshRoute") == "oidc" ? "builder_id" : "";
}

std::string signInAnew(const json::value& account) {
  if (text(account, "provider") != "kiro") return "sign it in again in the dashboard (Providers)";
  std::string command = "omniroute login kiro --replace " + shellWord(text(account, "name"));
  const std::string way = wayIn(account);
  if (way == "api_key") return command + " --api-key-stdin";
  if (way == "external_idp")
    return command + " --token-stdin, with the token file of the tool, after a sign-in there";
  if (way == "idc" && text(at(account, "providerSpecificData"), "startUrl").empty())
    return command + " --idc --start-url URL";
  if (way.empty()) return command + " with --google, --github, --builder-id or --idc";
  return command;
}

int runLogin(const Session& session, const Invocation& in) {
  int ways = 0;
  for (const char* way : {"builder-id", "idc", "google", "github", "token-stdin", "api-key-stdin"})
    ways += in.has(way) ? 1 : 0;
  if (ways > 1)
    return fail(
        session, kUsage,
        "choose one of --builder-id, --idc, --google, --github, --token-stdin and --api-key-stdin");
  if (in.has("start-url") && ways == 1 && !in.has("idc"))
    return fail(session, kUsage, "--start-url goes with --idc only");
  if (in.has("token-stdin")) {
    const std::string token = allOfStdin(session, "Refresh token: ");
    if (token.empty()) return fail(session, kUsage, "no token came from standard input");
    json::error_code code;
    json::value pasted = json::parse(token, code);
    return imported(session,
                    !code && pasted.is_object() ? json::object{{"json", std::move(pasted)}}
                                                : json::object{{"refreshToken", token}},
                    in);
  }
  if (in.has("api-key-stdin")) {
    const std::string key = allOfStdin(session, "API key: ");
    if (key.empty()) return fail(session, kUsage, "no key came from standard input");
    return imported(session, {{"apiKey", key}}, in);
  }
  // From before the code is shown, or giving up at once would leave the sign-in pending.
  const Interrupts interrupts;
  auto body = signInBody(session, in);
  if (!body) return fail(session, body.error());
  const auto started =
      session.api.post("/api/oauth/kiro/signin", std::move(*body), "sign-in by device code");
  if (!started) return fail(session, started.error());
  if (session.json)
    session.terminal.line(json::serialize(started->json));  // who scripts it needs the code now
  else
    showHow(session, in, started->json);
  return watch(session, text(started->json, "id"), started->json);
}

}  // namespace omni::cli
