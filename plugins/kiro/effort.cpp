#include "plugins/kiro/effort.hpp"

#include <algorithm>
#include <array>

#include "plugins/kiro/json_text.hpp"

namespace omni::kiro {
namespace {

constexpr std::array<std::string_view, 7> kLevels = {"none", "minimal", "low", "medium",
                                                     "high", "xhigh",   "max"};

int rank(std::string_view level) {
  const auto found = std::ranges::find(kLevels, level);
  return found == kLevels.end() ? -1 : static_cast<int>(found - kLevels.begin());
}

// Bands of a thinking budget in tokens.
std::string_view fromBudget(int64_t budget) {
  if (budget >= 32'000) return "high";
  if (budget >= 16'000) return "medium";
  return budget > 0 ? "low" : "none";
}

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

std::string clampEffort(std::string_view wanted, const std::vector<std::string>& levels) {
  if (has(levels, wanted)) return std::string(wanted);
  const int want = rank(wanted);
  if (want < 0) return {};
  const std::string* below = nullptr;
  const std::string* above = nullptr;
  for (const std::string& level : levels) {
    const int at = rank(level);
    // Asked for some thinking, none at all is not the next lower level.
    if (at < 0 || (at == 0 && want > 0)) continue;
    if (at < want && (!below || at > rank(*below))) below = &level;
    if (at > want && (!above || at < rank(*above))) above = &level;
  }
  return below ? *below : above ? *above : std::string();
}

std::string effortFields(const omni_request_t& request, const ResolvedModel& name,
                         const ModelInfo* model) {
  if (!model || model->effort_field.empty()) return {};
  std::string_view wanted = sdk::toView(request.reasoning_effort);
  if (wanted.empty() && request.reasoning_budget >= 0)
    wanted = fromBudget(request.reasoning_budget);
  if (wanted.empty()) wanted = name.effort;
  // H.6: the model's own default, which is what it does when no effort is named.
  const bool adaptive = wanted == "adaptive";
  if (adaptive) wanted = {};
  std::string out;
  const auto add = [&](std::string_view text) {
    out += out.empty() ? "{" : ",";
    out += text;
  };
  const auto effort = [&](std::string_view field, const std::string& level) {
    std::string text = "\"" + std::string(field) + R"(":{"effort":)";
    appendQuoted(text, level);
    add(text + "}");
  };
  if (model->effort_field == "reasoning") {
    if (const auto level = wanted.empty() ? std::string() : clampEffort(wanted, model->efforts);
        !level.empty())
      effort("reasoning", level);
  } else if (wanted == "none") {
    // A model that always thinks has no such type; it then thinks as it likes.
    if (has(model->thinking_types, "disabled")) add(R"("thinking":{"type":"disabled"})");
  } else if (!wanted.empty() || adaptive || name.thinking) {
    if (has(model->thinking_types, "adaptive"))
      add(model->thinking_display ? R"("thinking":{"type":"adaptive","display":"summarized"})"
                                  : R"("thinking":{"type":"adaptive"})");
    if (const auto level = wanted.empty() ? std::string() : clampEffort(wanted, model->efforts);
        !level.empty())
      effort("output_config", level);
  }
  // Small limits cut the answer off while the model still thinks.
  if (model->most_max_tokens > 0 &&
      request.max_tokens >= std::max<int64_t>(model->least_max_tokens, 1024) &&
      request.max_tokens <= model->most_max_tokens)
    add("\"max_tokens\":" + std::to_string(request.max_tokens));
  if (!out.empty()) out += '}';
  return out;
}

}  // namespace omni::kiro
