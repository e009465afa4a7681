#pragma once
// What is known of the models: read from ListAvailableModels, kept in the account's value
// "models" (the same JSON that models.list answers with), and a small table for accounts that have
// not been asked yet. Wire source: kiro-protocol E.8, E.9, H.5. Pure and thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace omni::kiro {

struct ModelInfo {
  std::string id;
  std::string name;
  int64_t context_window = 0;  // tokens; 0: unknown
  int64_t max_output = 0;      // tokens; 0: unknown
  bool images = true;
  double rate = 0;  // credits per unit, as upstream says it; 0: unknown
  // The member of additionalModelRequestFields that takes the effort: "output_config" (Claude) or
  // "reasoning" (GPT). Empty: the model takes no additional fields at all.
  std::string effort_field;
  std::vector<std::string> efforts;         // in the schema's order
  std::vector<std::string> thinking_types;  // adaptive, disabled, …
  bool thinking_display = false;
  int64_t least_max_tokens = 0;  // bounds of the field max_tokens; 0 and 0: there is no such field
  int64_t most_max_tokens = 0;
};

struct Catalogue {
  std::vector<ModelInfo> models;
  std::string default_model = "auto";
  int64_t fetched_ms = 0;  // 0: the table below, not the account's own list

  const ModelInfo* find(std::string_view id) const;
};

// Adds one page of upstream's answer; false when it is no such answer. `next` receives the token of
// the page after it, empty at the last one.
bool addModelPage(std::string_view answer, Catalogue& catalogue, std::string& next);

std::string catalogueText(const Catalogue& catalogue);
// nullopt for anything that catalogueText() has not written.
std::optional<Catalogue> parseCatalogue(std::string_view text);
const Catalogue& builtinCatalogue();

struct ResolvedModel {
  std::string id;         // as it is sent
  bool thinking = false;  // the name asked for it
  std::string effort;     // the name asked for it
  std::string refusal;    // not empty: why the name is not served
  bool listed = false;    // the catalogue has it, or it is "auto"
};
// claude-sonnet-4-5-20250929 -> claude-sonnet-4.5 and the other spellings of H.5, as far as the
// catalogue has the result. Of a name that stays unknown only the version's spelling is put right.
ResolvedModel resolveModel(std::string_view name, const Catalogue& catalogue);

}  // namespace omni::kiro
