#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/client_settings.hpp"
#include "cli/commands/all.hpp"
#include "cli/platform.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

namespace fs = std::filesystem;

fs::path homeOf(const Invocation& in) {
  if (in.has("home")) return in.get("home");
  for (const char* name : {"HOME", "USERPROFILE"})
    if (const std::string home = environment(name); !home.empty()) return home;
  return {};
}

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

// By a temporary file beside it, so that a full disk leaves the old one whole. A link stays a link.
bool replaceFile(const fs::path& given, const std::string& text) {
  std::error_code code;
  const fs::path file = fs::is_symlink(given, code) ? fs::weakly_canonical(given, code) : given;
  fs::create_directories(file.parent_path(), code);
  const fs::path part = file.string() + ".omniroute-part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) {
    fs::remove(part, code);
    return false;
  }
  fs::permissions(part,
                  fs::exists(file, code) ? fs::status(file, code).permissions()
                                         : fs::perms::owner_read | fs::perms::owner_write,
                  code);
  fs::rename(part, file, code);
  return !code;
}

int undo(const Session& session, const fs::path& file, const fs::path& kept) {
  std::error_code code;
  if (!fs::exists(kept, code))
    return fail(
        session, kNotFound,
        fmt::format("nothing to undo: {} was not changed by omniroute setup", safe(file.string())));
  json::error_code wrong;
  const json::value record = json::parse(contents(kept), wrong);
  if (wrong)
    return fail(
        session, kFailed,
        fmt::format("{} is damaged; compare {} by hand", safe(kept.string()), safe(file.string())));
  if (contents(file) != text(record, "after") &&
      !sure(session, fmt::format("{} was changed since. Bring the old one back all the same?",
                                 safe(file.string()))))
    return kConflict;
  const bool done = flag(record, "existed") ? replaceFile(file, text(record, "before"))
                                            : (fs::remove(file, code), !fs::exists(file, code));
  if (!done)
    return fail(session, kFailed, fmt::format("{} cannot be written", safe(file.string())));
  fs::remove(kept, code);
  if (session.json)
    return printJson(session, json::object{{"file", file.string()}, {"undone", true}});
  session.terminal.say(fmt::format("{} is as it was.", safe(file.string())));
  return kOk;
}

Done<std::string> modelFor(const Session& session, const Invocation& in) {
  if (in.has("model")) return in.get("model");
  const auto combos = session.api.get("/api/combos");
  if (!combos) return std::unexpected(combos.error());
  if (!list(combos->json, "combos").empty()) return text(list(combos->json, "combos")[0], "name");
  const auto models = session.api.get("/v1/models");
  if (!models) return std::unexpected(models.error());
  if (list(models->json, "data").empty())
    return std::unexpected(
        Problem{kFailed, 0,
                "nothing can be served yet; sign an account in first, or name a model with --model",
                "", ""});
  return text(list(models->json, "data")[0], "id");
}

}  // namespace

int runSetup(const Session& session, const Invocation& in) {
  const std::string client = in.argument(0);
  const auto& files = clientFiles();
  const auto found =
      std::ranges::find_if(files, [&](const ClientFile& file) { return file.client == client; });
  if (found == files.end() && client != "cline") {
    std::vector<std::string> known{"cline"};
    for (const ClientFile& file : files) known.emplace_back(file.client);
    const std::string near = nearest(client, known);
    return fail(
        session, kUsage,
        fmt::format("there is no setup for \"{}\"; {}", safe(client),
                    near.empty()
                        ? "there is one for claude-code, codex, opencode, cline, continue and aider"
                        : "did you mean " + near + "?"));
  }
  if (client == "cline" && in.has("undo"))
    return fail(session, kUsage, "cline's settings are not written by this program");
  const fs::path home = homeOf(in);
  if (home.empty()) return fail(session, kUsage, "where is your home? Name it with --home");
  const fs::path file = found == files.end() ? fs::path() : home / found->path;
  const fs::path kept = file.string() + ".omniroute-undo";
  if (in.has("undo")) return undo(session, file, kept);

  const auto model = modelFor(session, in);
  if (!model) return fail(session, model.error());
  ClientTarget target{session.api.base(), *model};
  // An empty request is refused where the address exists.
  const auto responses = session.api.post("/v1/responses", json::object{});
  target.responses =
      responses || (responses.error().status != 404 && responses.error().status != 405 &&
                    responses.error().status != 0);
  if (client == "cline") {
    session.terminal.out(manualSteps(client, target));
    return kOk;
  }
  std::error_code code;
  const bool existed = fs::exists(file, code);
  const std::string before = existed ? contents(file) : std::string();
  const auto after =
      withSettings(client, in.has("print") ? std::string_view() : std::string_view(before), target);
  if (!after)
    return fail(session, kFailed,
                fmt::format("{} stays as it is: {}", safe(file.string()), after.error()));
  if (in.has("print")) {
    session.terminal.err(fmt::format("For {}:", safe(file.string())));
    session.terminal.out(*after);
    return kOk;
  }
  if (*after == before) {
    session.terminal.say(fmt::format("{} is set already.", safe(file.string())));
    return kOk;
  }
  // The state before the first setup is what --undo brings back, however often setup runs.
  json::object record{{"existed", existed}, {"before", before}, {"after", *after}};
  if (fs::exists(kept, code)) {
    json::error_code wrong;
    const json::value old = json::parse(contents(kept), wrong);
    if (!wrong && old.is_object()) {
      record["existed"] = at(old, "existed");
      record["before"] = at(old, "before");
    }
  }
  if (!replaceFile(kept, json::serialize(record)) || !replaceFile(file, *after))
    return fail(session, kFailed, fmt::format("{} cannot be written", safe(file.string())));
  if (session.json)
    return printJson(
        session, json::object{{"file", file.string()}, {"model", *model}, {"undo", kept.string()}});
  session.terminal.say(
      fmt::format("{} now asks {} for {}.", client, session.api.base(), safe(*model)));
  session.terminal.say(
      fmt::format("Changed {}; \"omniroute setup {} --undo\" brings the old one back.",
                  safe(file.string()), client));
  session.terminal.line(std::string(found->after));
  return kOk;
}

}  // namespace omni::cli
