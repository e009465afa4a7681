#include "plugins/kiro/models.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/kiro/json_text.hpp"

namespace omni::kiro {
namespace {

std::string textOf(std::string_view raw) {
  std::string scratch;
  return std::string(stringOf(raw, scratch));
}
int64_t countOf(std::string_view raw) {
  const double value = numberOf(raw).value_or(0);
  return value > 0 && value < 1e15 ? static_cast<int64_t>(value) : 0;
}
std::vector<std::string> wordsOf(std::string_view raw) {
  std::vector<std::string> out;
  eachElement(raw, [&](std::string_view word) {
    if (auto text = textOf(word); !text.empty()) out.push_back(std::move(text));
  });
  return out;
}
bool hasWord(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}
std::string_view path(std::string_view raw, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) {
    if (raw.empty()) return raw;
    raw = memberOf(raw, key);
  }
  return raw;
}

// additionalModelRequestFieldsSchema -> what of it this plugin can fill in.
void readSchema(std::string_view schema, ModelInfo& model) {
  const auto properties = memberOf(schema, "properties");
  for (const std::string_view field : {"output_config", "reasoning"}) {
    auto efforts = wordsOf(path(properties, {field, "properties", "effort", "enum"}));
    if (efforts.empty()) continue;
    model.effort_field = field;
    model.efforts = std::move(efforts);
  }
  model.thinking_types = wordsOf(path(properties, {"thinking", "properties", "type", "enum"}));
  model.thinking_display = !path(properties, {"thinking", "properties", "display"}).empty();
  if (const auto limit = memberOf(properties, "max_tokens"); !limit.empty()) {
    model.least_max_tokens = std::max<int64_t>(countOf(memberOf(limit, "minimum")), 1);
    model.most_max_tokens = countOf(memberOf(limit, "maximum"));
  }
}

ModelInfo readModel(std::string_view raw) {
  ModelInfo model;
  eachMember(raw, [&](std::string_view key, std::string_view value) {
    if (key == "modelId") model.id = textOf(value);
    if (key == "modelName") model.name = textOf(value);
    if (key == "rateMultiplier") model.rate = numberOf(value).value_or(0);
    if (key == "tokenLimits") {
      model.context_window = countOf(memberOf(value, "maxInputTokens"));
      model.max_output = countOf(memberOf(value, "maxOutputTokens"));
    }
    if (key == "supportedInputTypes") model.images = hasWord(wordsOf(value), "IMAGE");
    if (key == "additionalModelRequestFieldsSchema") readSchema(value, model);
  });
  return model;
}

void writeWords(std::string& out, std::string_view key, const std::vector<std::string>& words) {
  out += ',';
  appendQuoted(out, key);
  out += ":[";
  for (size_t i = 0; i < words.size(); ++i) {
    if (i) out += ',';
    appendQuoted(out, words[i]);
  }
  out += ']';
}

ModelInfo known(std::string_view id, std::string_view name, int64_t window, int64_t output,
                bool images, double rate, std::string_view efforts = {}) {
  ModelInfo model;
  model.id = id;
  model.name = name;
  model.context_window = window;
  model.max_output = output;
  model.images = images;
  model.rate = rate;
  for (size_t at = 0; at < efforts.size();) {
    const size_t end = std::min(efforts.find(' ', at), efforts.size());
    model.efforts.emplace_back(efforts.substr(at, end - at));
    at = end + 1;
  }
  if (model.efforts.empty()) return model;
  if (model.efforts.front() == "none") {
    model.effort_field = "reasoning";
    return model;
  }
  model.effort_field = "output_config";
  model.thinking_types = {"adaptive", "disabled"};
  model.thinking_display = true;
  model.least_max_tokens = 1024;
  model.most_max_tokens = output;
  return model;
}

bool digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}
bool cut(std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.resize(name.size() - suffix.size());
  return true;
}

// claude-opus-4-8 -> claude-opus-4.8. A date has more digits and stays.
std::string dotted(std::string_view name) {
  std::string out(name);
  const auto dash = name.rfind('-');
  if (!name.starts_with("claude-") || dash == std::string_view::npos || dash < 8) return out;
  const auto minor = name.substr(dash + 1);
  if (digits(minor) && minor.size() <= 2 && name[dash - 1] >= '0' && name[dash - 1] <= '9')
    out[dash] = '.';
  return out;
}

// claude-3-7-sonnet, claude-4.5-opus-high -> claude-sonnet-3.7 is never right: only the inverted
// form with an effort at its end is this one.
std::string inverted(std::string_view name, std::string& effort) {
  if (!name.starts_with("claude-")) return {};
  const auto last = name.rfind('-');
  const auto word = name.substr(last + 1);
  if (word != "low" && word != "medium" && word != "high" && word != "xhigh" && word != "max")
    return {};
  const auto middle = name.substr(7, last > 7 ? last - 7 : 0);
  const auto dash = middle.rfind('-');
  if (dash == std::string_view::npos) return {};
  const auto version = middle.substr(0, dash);
  const auto family = middle.substr(dash + 1);
  if (version.empty() || version[0] < '0' || version[0] > '9' || family.empty() ||
      digits(family.substr(0, 1)))
    return {};
  effort = word;
  return dotted(fmt::format("claude-{}-{}", family, version));
}

}  // namespace

const ModelInfo* Catalogue::find(std::string_view id) const {
  const auto found = std::ranges::find(models, id, &ModelInfo::id);
  return found == models.end() ? nullptr : &*found;
}

bool addModelPage(std::string_view answer, Catalogue& catalogue, std::string& next) {
  next.clear();
  bool has_models = false;
  const bool valid = eachMember(answer, [&](std::string_view key, std::string_view value) {
    if (key == "models") {
      has_models = eachElement(value, [&](std::string_view raw) {
        if (auto model = readModel(raw); !model.id.empty() && !catalogue.find(model.id))
          catalogue.models.push_back(std::move(model));
      });
    } else if (key == "nextToken") {
      next = textOf(value);
    } else if (key == "defaultModel") {
      if (auto id = textOf(memberOf(value, "modelId")); !id.empty()) catalogue.default_model = id;
    } else if (key == "defaultModelId") {
      if (auto id = textOf(value); !id.empty()) catalogue.default_model = id;
    }
  });
  return valid && has_models;
}

std::string catalogueText(const Catalogue& catalogue) {
  std::string out =
      R"({"fetchedAt":)" + std::to_string(catalogue.fetched_ms) + R"(,"defaultModel":)";
  appendQuoted(out, catalogue.default_model);
  out += R"(,"models":[)";
  bool first = true;
  for (const ModelInfo& model : catalogue.models) {
    out += first ? R"({"id":)" : R"(,{"id":)";
    first = false;
    appendQuoted(out, model.id);
    out += R"(,"name":)";
    appendQuoted(out, model.name);
    out += fmt::format(R"(,"contextWindow":{},"maxOutput":{},"inputTypes":[{}],"rate":{})",
                       model.context_window, model.max_output,
                       model.images ? R"("TEXT","IMAGE")" : R"("TEXT")", model.rate);
    writeWords(out, "effortLevels", model.efforts);
    if (!model.effort_field.empty()) {
      out += R"(,"effortField":)";
      appendQuoted(out, model.effort_field);
    }
    if (!model.thinking_types.empty()) writeWords(out, "thinkingTypes", model.thinking_types);
    if (model.thinking_display) out += R"(,"thinkingDisplay":true)";
    if (model.most_max_tokens > 0)
      out += fmt::format(R"(,"maxTokensRange":[{},{}])", model.least_max_tokens,
                         model.most_max_tokens);
    out += '}';
  }
  out += "]}";
  return out;
}

std::optional<Catalogue> parseCatalogue(std::string_view text) {
  Catalogue out;
  bool has_models = false;
  const bool valid = eachMember(text, [&](std::string_view key, std::string_view value) {
    if (key == "fetchedAt") out.fetched_ms = countOf(value);
    if (key == "defaultModel") out.default_model = textOf(value);
    if (key != "models") return;
    has_models = eachElement(value, [&](std::string_view raw) {
      ModelInfo model;
      eachMember(raw, [&](std::string_view name, std::string_view member) {
        if (name == "id") model.id = textOf(member);
        if (name == "name") model.name = textOf(member);
        if (name == "contextWindow") model.context_window = countOf(member);
        if (name == "maxOutput") model.max_output = countOf(member);
        if (name == "inputTypes") model.images = hasWord(wordsOf(member), "IMAGE");
        if (name == "rate") model.rate = numberOf(member).value_or(0);
        if (name == "effortLevels") model.efforts = wordsOf(member);
        if (name == "effortField") model.effort_field = textOf(member);
        if (name == "thinkingTypes") model.thinking_types = wordsOf(member);
        if (name == "thinkingDisplay") model.thinking_display = member == "true";
        if (name == "maxTokensRange") {
          int64_t* bound = &model.least_max_tokens;
          eachElement(member, [&](std::string_view number) {
            *bound = countOf(number);
            bound = &model.most_max_tokens;
          });
        }
      });
      if (!model.id.empty()) out.models.push_back(std::move(model));
    });
  });
  if (!valid || !has_models) return std::nullopt;
  return out;
}

const Catalogue& builtinCatalogue() {
  static constexpr std::string_view kUpToMax = "low medium high max";
  static constexpr std::string_view kWithXhigh = "low medium high xhigh max";
  static constexpr std::string_view kGpt = "none low medium high xhigh max";
  static const Catalogue table = [] {
    Catalogue out;
    out.models = {
        known("auto", "Auto", 1'000'000, 64'000, true, 1.0),
        known("claude-opus-4.8", "Claude Opus 4.8", 1'000'000, 128'000, true, 2.2, kWithXhigh),
        known("claude-opus-4.7", "Claude Opus 4.7", 1'000'000, 128'000, true, 2.2, kWithXhigh),
        known("claude-opus-4.6", "Claude Opus 4.6", 1'000'000, 64'000, true, 2.2, kUpToMax),
        known("claude-sonnet-5", "Claude Sonnet 5", 1'000'000, 128'000, true, 1.3, kWithXhigh),
        known("claude-sonnet-4.6", "Claude Sonnet 4.6", 1'000'000, 64'000, true, 1.3, kUpToMax),
        known("claude-opus-4.5", "Claude Opus 4.5", 200'000, 64'000, true, 2.2),
        known("claude-sonnet-4.5", "Claude Sonnet 4.5", 200'000, 64'000, true, 1.3),
        known("claude-sonnet-4", "Claude Sonnet 4", 200'000, 64'000, true, 1.3),
        known("claude-haiku-4.5", "Claude Haiku 4.5", 200'000, 64'000, true, 0.4),
        known("deepseek-3.2", "DeepSeek 3.2", 164'000, 64'000, true, 0.25),
        known("minimax-m2.5", "MiniMax M2.5", 196'000, 64'000, false, 0.25),
        known("minimax-m2.1", "MiniMax M2.1", 196'000, 64'000, true, 0.15),
        known("glm-5", "GLM 5", 200'000, 64'000, false, 0.5),
        known("qwen3-coder-next", "Qwen3 Coder Next", 256'000, 64'000, true, 0.05),
        known("gpt-5.6-sol", "GPT 5.6 Sol", 272'000, 128'000, true, 4.4, kGpt),
        known("gpt-5.6-terra", "GPT 5.6 Terra", 272'000, 128'000, true, 2.2, kGpt),
        known("gpt-5.6-luna", "GPT 5.6 Luna", 272'000, 128'000, true, 1.1, kGpt),
    };
    return out;
  }();
  return table;
}

ResolvedModel resolveModel(std::string_view given, const Catalogue& catalogue) {
  ResolvedModel out;
  if (catalogue.find(given)) {
    out.id = given;
    out.listed = true;
    return out;
  }
  std::string name = lower(given);
  if (name.ends_with(']')) {
    const std::string_view plain = given.substr(0, given.rfind('['));
    out.refusal = fmt::format(
        "the model name \"{}\" ends in a suffix that Kiro does not have; use \"{}\", its context "
        "window is always the model's own",
        given, plain);
    return out;
  }
  if (name.ends_with("-agentic")) {
    out.refusal = fmt::format("the model name \"{}\" is not one of Kiro's; use \"{}\"", given,
                              given.substr(0, given.size() - 8));
    return out;
  }
  if (name == "auto" || name == "auto-kiro" || name == "default") {
    out.id = "auto";
    out.listed = true;
    return out;
  }
  const auto accept = [&](std::string_view candidate) {
    if (!catalogue.find(candidate)) return false;
    out.id = candidate;
    out.listed = true;
    return true;
  };
  if (accept(name) || accept(dotted(name))) return out;
  out.thinking = cut(name, "-thinking");
  if (out.thinking && (accept(name) || accept(dotted(name)))) return out;
  std::string effort;
  if (const auto turned = inverted(name, effort); !turned.empty() && accept(turned)) {
    out.effort = effort;
    return out;
  }
  std::string bare = name;
  cut(bare, "-latest");
  if (const auto dash = bare.rfind('-'); dash != std::string::npos && bare.size() - dash == 9 &&
                                         digits(std::string_view(bare).substr(dash + 1)))
    bare.resize(dash);
  if (accept(bare) || accept(dotted(bare))) return out;
  // claude-3-7-sonnet has its version in the middle.
  if (bare == "claude-3-7-sonnet" && accept("claude-3.7-sonnet")) return out;
  // Nothing is taken off that could be a part of the name.
  out.thinking = false;
  out.id = given.starts_with("claude-") ? dotted(given) : std::string(given);
  return out;
}

}  // namespace omni::kiro
