#include "plugins/kiro/unlisted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace omni::kiro {
namespace {

constexpr size_t kLongestName = 100;  // what a client sends is compared up to here
constexpr size_t kMostOffered = 3;

// Levenshtein distance.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({diagonal + 1, row[j] + 1, changed});
    }
  }
  return row[b.size()];
}

// CLAUDE_SONNET_4_20250514_V1_0
bool isOldId(std::string_view id) {
  return id.starts_with("CLAUDE_") && id.find("_V") != std::string_view::npos &&
         std::ranges::all_of(id, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

}  // namespace

bool isServedUnlisted(std::string_view id) {
  return builtinCatalogue().find(id) || isOldId(id) || id == "claude-3.7-sonnet";
}

std::string nearestModels(std::string_view name, const Catalogue& catalogue) {
  name = name.substr(0, kLongestName);
  std::vector<std::pair<size_t, std::string_view>> near;
  for (const ModelInfo& model : catalogue.models)
    if (const size_t d = distance(name, model.id); d <= std::max<size_t>(2, name.size() / 3))
      near.emplace_back(d, model.id);
  std::ranges::sort(near);
  std::string out;
  for (size_t i = 0; i < std::min(near.size(), kMostOffered); ++i)
    out += fmt::format("{}\"{}\"", i ? ", " : "", near[i].second);
  return out;
}

sdk::Result<> refuseUnlisted(sdk::Call& call, const Endpoints& endpoints, CatalogueMemory& memory,
                             std::string_view name, std::shared_ptr<const Catalogue>& catalogue) {
  const auto may_pass = [&] {
    const auto resolved = resolveModel(name, *catalogue);
    return resolved.listed || !resolved.refusal.empty() || isServedUnlisted(resolved.id);
  };
  if (may_pass() || call.host().setting("models.unknown").value_or("refuse") == "pass") return {};
  if (!isFresh(call, *catalogue)) {
    auto newer = catalogueFor(call, endpoints, memory, ListAge::Minutes);
    if (!newer) return std::unexpected(std::move(newer.error()));
    catalogue = std::move(*newer);
    if (!isFresh(call, *catalogue) || may_pass()) return {};
  }
  const auto shown = name.substr(0, kLongestName);
  const std::string near = nearestModels(name, *catalogue);
  return sdk::fail(OMNI_FAILURE_MODEL_UNAVAILABLE,
                   near.empty()
                       ? fmt::format("Kiro does not offer the model \"{}\" to this account; "
                                     "GET /v1/models lists what it has",
                                     shown)
                       : fmt::format("Kiro does not offer the model \"{}\" to this account; did "
                                     "you mean {}?",
                                     shown, near));
}

}  // namespace omni::kiro
