#include <fmt/format.h>

#include <iostream>
#include <iterator>

#include "cli/commands/all.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

// Keeps line breaks and tabs, drops what would steer the terminal.
std::string printable(std::string_view piece) {
  std::string out;
  for (size_t i = 0; i < piece.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(piece[i]);
    if (c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f)) out += piece[i];
  }
  return out;
}

struct Turn {
  std::string text;
  std::string error;
};

Done<Answer> send(const Session& session, const json::object& request, bool stream, Turn& turn) {
  const json::value body(request);
  if (!stream) {
    auto answer = session.api.post("/v1/chat/completions", body, "chat");
    if (!answer) return answer;
    if (session.json) {
      session.terminal.line(answer->body);
      return answer;
    }
    if (const auto& choices = list(answer->json, "choices"); !choices.empty())
      turn.text = text(at(choices[0], "message"), "content");
    session.terminal.line(session.terminal.outIsTerminal() ? printable(turn.text) : turn.text);
    return answer;
  }
  auto answer = session.api.stream(
      "POST", "/v1/chat/completions", &body,
      [&](std::string_view line) {
        if (!line.starts_with("data:")) return true;
        line.remove_prefix(line.starts_with("data: ") ? 6 : 5);
        if (session.json) {
          if (line != "[DONE]") session.terminal.line(line);
          return true;
        }
        if (line == "[DONE]") return false;
        json::error_code code;
        const json::value event = json::parse(json::string_view(line.data(), line.size()), code);
        if (code) return true;
        if (const json::value& error = at(event, "error"); !error.is_null()) {
          turn.error = text(error, "message");
          return false;
        }
        const auto& choices = list(event, "choices");
        if (choices.empty()) return true;
        const std::string piece = text(at(choices[0], "delta"), "content");
        turn.text += piece;
        session.terminal.out(session.terminal.outIsTerminal() ? printable(piece) : piece);
        return true;
      },
      "chat");
  if (answer && !session.json) session.terminal.line("");
  return answer;
}

Done<std::string> defaultModel(const Session& session) {
  const auto combos = session.api.get("/api/combos");
  if (combos && !list(combos->json, "combos").empty())
    return text(list(combos->json, "combos")[0], "name");
  const auto models = session.api.get("/v1/models", "models");
  if (!models) return std::unexpected(models.error());
  if (list(models->json, "data").empty())
    return std::unexpected(Problem{
        kFailed, 0, "nothing can be served yet: sign an account in with \"omniroute login kiro\"",
        "", ""});
  return text(list(models->json, "data")[0], "id");
}

int ask(const Session& session, json::object& request, bool stream,
        const std::string& text_of_user) {
  json::array& messages = request["messages"].as_array();
  messages.push_back({{"role", "user"}, {"content", text_of_user}});
  Turn turn;
  const auto answer = send(session, request, stream, turn);
  if (!answer) {
    messages.pop_back();  // it may be asked again
    return fail(session, answer.error());
  }
  if (!turn.error.empty()) {
    messages.pop_back();
    return fail(session, kFailed, turn.error);
  }
  messages.push_back({{"role", "assistant"}, {"content", turn.text}});
  if (session.terminal.outIsTerminal() && !session.json && !answer->connection.empty())
    session.terminal.line(session.terminal.dim("answered by " + safe(answer->connection)));
  return kOk;
}

}  // namespace

int runChat(const Session& session, const Invocation& in) {
  std::string model = in.get("model");
  if (model.empty()) {
    auto found = defaultModel(session);
    if (!found) return fail(session, found.error());
    model = *found;
  }
  const bool stream = !in.has("no-stream");
  json::object request{{"model", model}, {"stream", stream}, {"messages", json::array{}}};
  if (in.has("system"))
    request["messages"].as_array().push_back({{"role", "system"}, {"content", in.get("system")}});
  std::string given;
  for (const std::string& word : in.arguments) given += (given.empty() ? "" : " ") + word;
  // What is piped in is what the words on the command line are about.
  if (!session.terminal.inIsTerminal()) {
    const std::string piped((std::istreambuf_iterator<char>(std::cin)), {});
    if (piped.find_first_not_of(" \t\r\n") != std::string::npos)
      given += (given.empty() ? "" : "\n\n") + piped;
  }
  if (!given.empty()) return ask(session, request, stream, given);
  if (!session.terminal.interactive())
    return fail(session, kUsage, "say something: omniroute chat \"Hello\"");
  session.terminal.err(fmt::format("Chatting with {}. Ctrl-D ends.", safe(model)));
  int last = kOk;
  while (const auto line = session.terminal.ask("> ")) {
    if (line->find_first_not_of(" \t") == std::string::npos) continue;
    last = ask(session, request, stream, *line);
    if (last == kUnreachable) break;
  }
  session.terminal.line("");
  return last;
}

}  // namespace omni::cli
