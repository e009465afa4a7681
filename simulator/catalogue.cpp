#include "simulator/catalogue.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace omni::sim {
namespace {

constexpr std::string_view kUpToMax = "low medium high max";
constexpr std::string_view kWithXhigh = "low medium high xhigh max";
constexpr std::string_view kGpt = "none low medium high xhigh max";

std::vector<Model> makeCatalogue() {
  const std::string plain;
  const std::string upto(kUpToMax);
  const std::string xhigh(kWithXhigh);
  const std::string gpt(kGpt);
  return {
      {"auto", "Auto", 1.0, 1'000'000, 64'000, true, 1024, "claude", plain},
      {"claude-opus-4.8", "Claude Opus 4.8", 2.2, 1'000'000, 128'000, true, 4096, "claude", xhigh,
       true},
      {"claude-opus-4.7", "Claude Opus 4.7", 2.2, 1'000'000, 128'000, true, 4096, "claude", xhigh},
      {"claude-opus-4.6", "Claude Opus 4.6", 2.2, 1'000'000, 64'000, true, 4096, "claude", upto},
      {"claude-sonnet-5", "Claude Sonnet 5", 1.3, 1'000'000, 128'000, true, 1024, "claude", xhigh},
      {"claude-sonnet-4.6", "Claude Sonnet 4.6", 1.3, 1'000'000, 64'000, true, 1024, "claude",
       upto},
      {"claude-opus-4.5", "Claude Opus 4.5", 2.2, 200'000, 64'000, true, 4096, "claude", plain},
      {"claude-sonnet-4.5", "Claude Sonnet 4.5", 1.3, 200'000, 64'000, true, 1024, "claude", plain},
      {"claude-sonnet-4", "Claude Sonnet 4", 1.3, 200'000, 64'000, true, 1024, "claude", plain},
      {"claude-haiku-4.5", "Claude Haiku 4.5", 0.4, 200'000, 64'000, true, 4096, "claude", plain},
      {"deepseek-3.2", "DeepSeek 3.2", 0.25, 164'000, 64'000, true, 0, "other", plain},
      {"minimax-m2.5", "MiniMax M2.5", 0.25, 196'000, 64'000, false, 0, "other", plain},
      {"minimax-m2.1", "MiniMax M2.1", 0.15, 196'000, 64'000, true, 0, "other", plain},
      {"glm-5", "GLM 5", 0.5, 200'000, 64'000, false, 0, "other", plain},
      {"qwen3-coder-next", "Qwen3 Coder Next", 0.05, 256'000, 64'000, true, 0, "other", plain},
      {"gpt-5.6-sol", "GPT 5.6 Sol", 4.4, 272'000, 128'000, true, 1024, "gpt", gpt, true},
      {"gpt-5.6-terra", "GPT 5.6 Terra", 2.2, 272'000, 128'000, true, 1024, "gpt", gpt, true},
      {"gpt-5.6-luna", "GPT 5.6 Luna", 1.1, 272'000, 128'000, true, 1024, "gpt", gpt, true},
  };
}

json::array words(const std::string& list) {
  json::array out;
  std::istringstream in(list);
  for (std::string word; in >> word;) out.emplace_back(word);
  return out;
}

bool listed(const std::string& list, const std::string& word) {
  return std::ranges::any_of(words(list), [&](const auto& entry) { return text(&entry) == word; });
}

json::object schema(const Model& model) {
  if (model.family == "gpt") {
    return {
        {"type", "object"},
        {"properties",
         {{"reasoning",
           {{"type", "object"},
            {"properties", {{"effort", {{"type", "string"}, {"enum", words(model.efforts)}}}}}}}}},
        {"additionalProperties", false}};
  }
  return {{"type", "object"},
          {"properties",
           {{"thinking",
             {{"type", "object"},
              {"properties",
               {{"type", {{"type", "string"}, {"enum", {"adaptive", "disabled"}}}},
                {"display", {{"type", "string"}, {"enum", {"summarized", "omitted"}}}}}},
              {"required", json::array{"type"}},
              {"additionalProperties", false}}},
            {"output_config",
             {{"type", "object"},
              {"properties", {{"effort", {{"type", "string"}, {"enum", words(model.efforts)}}}}},
              {"additionalProperties", false}}},
            {"max_tokens",
             {{"type", "integer"}, {"minimum", 1024}, {"maximum", model.output_tokens}}}}},
          {"additionalProperties", false}};
}

}  // namespace

const std::vector<Model>& catalogue() {
  static const auto instance = makeCatalogue();
  return instance;
}

const Model* findModel(std::string_view id) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kLegacy = {{
      {"CLAUDE_SONNET_4_5_20250929_V1_0", "claude-sonnet-4.5"},
      {"CLAUDE_SONNET_4_20250514_V1_0", "claude-sonnet-4"},
      {"CLAUDE_3_7_SONNET_20250219_V1_0", "claude-sonnet-4"},
      {"CLAUDE_OPUS_4_5_20251101_V1_0", "claude-opus-4.5"},
  }};
  for (const auto& [old, now] : kLegacy) {
    if (id == old) id = now;
  }
  const auto found = std::ranges::find(catalogue(), id, &Model::id);
  return found == catalogue().end() ? nullptr : &*found;
}

json::object describe(const Model& model) {
  json::array inputs{"TEXT"};
  if (model.images) inputs.emplace_back("IMAGE");
  json::object caching{{"supportsPromptCaching", model.cache_minimum > 0}};
  if (model.cache_minimum > 0) {
    caching["minimumTokensPerCacheCheckpoint"] = model.cache_minimum;
    caching["maximumCacheCheckpointsPerRequest"] = 4;
  }
  json::object out{
      {"modelId", model.id},
      {"modelName", model.title},
      {"description", "Simulated " + model.title},
      {"rateMultiplier", model.rate},
      {"rateUnit", "Credit"},
      {"supportedInputTypes", std::move(inputs)},
      {"tokenLimits",
       {{"maxInputTokens", model.input_tokens}, {"maxOutputTokens", model.output_tokens}}},
      {"promptCaching", std::move(caching)}};
  if (!model.efforts.empty()) out["additionalModelRequestFieldsSchema"] = schema(model);
  return out;
}

std::string checkAdditionalFields(const Model& model, const json::value& fields) {
  if (model.efforts.empty()) return "additionalModelRequestFields is not supported for this model";
  if (!fields.is_object()) return "additionalModelRequestFields must be an object";
  for (const auto& [key, value] : fields.as_object()) {
    const bool claude = model.family == "claude";
    if (claude && key == "thinking") {
      const auto type = text(member(&value, "type"));
      if (type != "adaptive" && type != "disabled") return "thinking.type is invalid";
      const auto* display = member(&value, "display");
      if (display != nullptr && text(display) != "summarized" && text(display) != "omitted") {
        return "thinking.display is invalid";
      }
    } else if ((claude && key == "output_config") || (!claude && key == "reasoning")) {
      const auto* effort = member(&value, "effort");
      if (effort != nullptr && !listed(model.efforts, text(effort))) return "effort is invalid";
    } else if (claude && key == "max_tokens") {
      const auto tokens = integer(&value, -1);
      if (tokens < 1024 || tokens > model.output_tokens) return "max_tokens is out of range";
    } else {
      return "additional field " + std::string(key) + " is not allowed";
    }
  }
  return {};
}

}  // namespace omni::sim
