#include "cli/client_settings.hpp"

#include <fmt/format.h>

#include "cli/json.hpp"

namespace omni::cli {
namespace {

constexpr std::string_view kBegin = "# >>> omniroute >>>";
constexpr std::string_view kEnd = "# <<< omniroute <<<";

// json::serialize is one line; people edit these files by hand.
void pretty(std::string& out, const json::value& value, size_t depth) {
  const std::string pad(2 * (depth + 1), ' ');
  if (const auto* object = value.if_object(); object && !object->empty()) {
    out += "{\n";
    size_t left = object->size();
    for (const auto& [name, member] : *object) {
      out += pad + json::serialize(json::value(name)) + ": ";
      pretty(out, member, depth + 1);
      out += --left ? ",\n" : "\n";
    }
    out += std::string(2 * depth, ' ') + "}";
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    out += "[\n";
    size_t left = array->size();
    for (const json::value& member : *array) {
      out += pad;
      pretty(out, member, depth + 1);
      out += --left ? ",\n" : "\n";
    }
    out += std::string(2 * depth, ' ') + "]";
  } else {
    out += json::serialize(value);
  }
}

std::expected<json::object, std::string> readObject(std::string_view before) {
  if (before.find_first_not_of(" \t\r\n") == before.npos) return json::object();
  json::error_code code;
  json::parse_options options;
  options.allow_comments = false;
  const json::value value =
      json::parse(json::string_view(before.data(), before.size()), code, {}, options);
  if (code || !value.is_object())
    return std::unexpected(
        "it is no plain JSON object (comments in it would be lost); add the settings by hand, "
        "--print shows them");
  return value.get_object();
}

json::object& child(json::object& parent, std::string_view name) {
  json::value& value = parent[name];
  if (!value.is_object()) value = json::object();
  return value.get_object();
}

std::string written(const json::object& object) {
  std::string out;
  pretty(out, object, 0);
  return out + '\n';
}

std::vector<std::string> linesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

// Takes what an earlier run wrote out again.
std::vector<std::string> withoutBlocks(std::string_view before) {
  std::vector<std::string> kept;
  bool inside = false;
  for (std::string& line : linesOf(before)) {
    if (inside) {
      inside = line != kEnd;
    } else if (line == kBegin) {
      inside = true;
    } else {
      kept.push_back(line.starts_with("#omniroute# ") ? line.substr(12) : std::move(line));
    }
  }
  return kept;
}

std::string quoted(std::string_view text) {
  return json::serialize(json::value(text));  // TOML's and YAML's double quotes take JSON's escapes
}

bool sets(std::string_view line, std::string_view key, char sign) {
  if (!line.starts_with(key)) return false;
  line.remove_prefix(key.size());
  while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
  return line.starts_with(sign);
}

std::string codex(std::string_view before, const ClientTarget& target) {
  // Web search is a tool of OpenAI's own service.
  std::string out =
      fmt::format("{}\nmodel = {}\nmodel_provider = \"omniroute\"\nweb_search = \"disabled\"\n{}\n",
                  kBegin, quoted(target.model), kEnd);
  bool top = true;  // keys before the first table
  for (const std::string& line : withoutBlocks(before)) {
    if (line.starts_with('[')) top = false;
    const bool ours = top && (sets(line, "model", '=') || sets(line, "model_provider", '=') ||
                              sets(line, "web_search", '='));
    out += (ours ? "#omniroute# " : "") + line + '\n';
  }
  return out + fmt::format(
                   "{}\n[model_providers.omniroute]\nname = \"OmniRoute\"\nbase_url = {}\nenv_key "
                   "= \"OMNIROUTE_API_KEY\"\n"
                   "wire_api = \"{}\"\n{}\n",
                   kBegin, quoted(target.base + "/v1"), target.responses ? "responses" : "chat",
                   kEnd);
}

std::string aider(std::string_view before, const ClientTarget& target) {
  std::string out;
  for (const std::string& line : withoutBlocks(before))
    out += (sets(line, "model", ':') || sets(line, "openai-api-base", ':') ? "#omniroute# " : "") +
           line + '\n';
  return out + fmt::format("{}\nopenai-api-base: {}\nmodel: {}\n{}\n", kBegin,
                           quoted(target.base + "/v1"), quoted("openai/" + target.model), kEnd);
}

std::string continueDev(std::string_view before, const ClientTarget& target) {
  const std::string item = fmt::format(
      "{}\n  - name: {}\n    provider: openai\n    model: {}\n    apiBase: {}\n    apiKey: ${{{{ "
      "secrets.OMNIROUTE_API_KEY }}}}\n{}\n",
      kBegin, quoted("OmniRoute " + target.model), quoted(target.model),
      quoted(target.base + "/v1"), kEnd);
  const auto lines = withoutBlocks(before);
  std::string out;
  bool placed = false;
  for (const std::string& line : lines) {
    out += line + '\n';
    if (!placed && line.starts_with("models:") && line.find_first_not_of(" \t\r", 7) == line.npos) {
      out += item;
      placed = true;
    }
  }
  if (placed) return out;
  if (lines.empty()) out = "name: Local\nversion: 1.0.0\nschema: v1\n";
  return out + "models:\n" + item;
}

}  // namespace

const std::vector<ClientFile>& clientFiles() {
  static const std::vector<ClientFile> files = {
      {"claude-code", ".claude/settings.json", "Start claude anew."},
      {"codex", ".codex/config.toml",
       "Codex reads the key from OMNIROUTE_API_KEY; set it to anything when the service asks for "
       "none."},
      {"opencode", ".config/opencode/opencode.json",
       "opencode reads the key from OMNIROUTE_API_KEY."},
      {"continue", ".continue/config.yaml",
       "Add OMNIROUTE_API_KEY to ~/.continue/.env when the service asks for a key."},
      {"aider", ".aider.conf.yml",
       "aider reads the key from OPENAI_API_KEY; set it to anything when the service asks for "
       "none."},
  };
  return files;
}

std::string manualSteps(std::string_view client, const ClientTarget& target) {
  if (client != "cline") return {};
  return fmt::format(
      "Cline keeps its settings inside VS Code. Open Cline, the gear, and choose:\n"
      "  API Provider  OpenAI Compatible\n  Base URL      {}/v1\n  API Key       your key of the "
      "service, or anything when it "
      "asks for none\n  Model ID      {}\n",
      target.base, target.model);
}

std::expected<std::string, std::string> withSettings(std::string_view client,
                                                     std::string_view before,
                                                     const ClientTarget& target) {
  if (client == "codex") return codex(before, target);
  if (client == "aider") return aider(before, target);
  if (client == "continue") {
    for (const std::string& line : withoutBlocks(before))
      if (line.starts_with("models:") && line.find_first_not_of(" \t\r", 7) != line.npos)
        return std::unexpected(
            "its models are written on one line; add the model by hand, --print shows it");
    return continueDev(before, target);
  }
  auto object = readObject(before);
  if (!object) return std::unexpected(object.error());
  if (client == "claude-code") {
    json::object& env = child(*object, "env");
    env["ANTHROPIC_BASE_URL"] = target.base;
    env["ANTHROPIC_MODEL"] = target.model;
    // A key in this file would win over the helper; Claude Code wants some key even where none is
    // asked for.
    (*object)["apiKeyHelper"] = "printf %s \"${OMNIROUTE_API_KEY:-omniroute}\"";
    return written(*object);
  }
  if (client == "opencode") {
    if (!object->contains("$schema")) (*object)["$schema"] = "https://opencode.ai/config.json";
    json::object& provider = child(child(*object, "provider"), "omniroute");
    provider["npm"] = "@ai-sdk/openai-compatible";
    provider["name"] = "OmniRoute";
    provider["options"] =
        json::object{{"baseURL", target.base + "/v1"}, {"apiKey", "{env:OMNIROUTE_API_KEY}"}};
    child(provider, "models")[target.model] = json::object{{"name", target.model}};
    (*object)["model"] = "omniroute/" + target.model;
    return written(*object);
  }
  return std::unexpected("there are no settings for this client");
}

}  // namespace omni::cli
