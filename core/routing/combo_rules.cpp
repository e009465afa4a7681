// What a combo may be: form, ranges, and no way back to itself.

#include <fmt/format.h>

#include <algorithm>

#include "core/routing/resolve.hpp"

namespace omni::routing {
namespace {

constexpr size_t kLongestName = 100;
constexpr size_t kMostTargets = 100;
constexpr size_t kMostAccounts = 100;
constexpr int64_t kMinute = 60000;

std::unexpected<Error> bad(std::string field, std::string message) {
  return makeError(FailureKind::BadRequest, std::move(message), std::move(field));
}

Result<> checkTarget(const Target& target, const std::string& field,
                     const std::vector<std::string>& providers) {
  if (target.weight > kMaxWeight)
    return bad(field + ".weight", fmt::format("a weight is 0 to {}, not {}; 0 means: only when no "
                                              "other target can",
                                              kMaxWeight, target.weight));
  if (!target.combo_id.empty()) return {};
  const auto slash = target.text.find('/');
  const auto provider = std::string_view(target.text).substr(0, slash);
  if (target.text.empty() || (slash != std::string::npos && slash + 1 == target.text.size()))
    return bad(field, fmt::format("\"{}\" must be a provider, provider/account, "
                                  "provider/account/model, provider/model or a combo's name",
                                  target.text));
  if (std::ranges::find(providers, provider) == providers.end())
    return bad(field, fmt::format("\"{}\" names no provider{} of this service; there are: {}",
                                  target.text, slash == std::string::npos ? " and no combo" : "",
                                  fmt::join(providers, ", ")));
  if (target.accounts.size() > kMostAccounts)
    return bad(field + ".connections",
               fmt::format("a target has at most {} accounts", kMostAccounts));
  return {};
}

Result<> checkOptions(const ComboOptions& options) {
  if (options.session_ttl_ms < kMinute || options.session_ttl_ms > 10080 * kMinute)
    return bad("options.sessionMinutes", "a conversation is remembered for 1 to 10080 minutes");
  if (options.max_attempts < 0 || options.max_attempts > 64)
    return bad("options.maxAttempts",
               "the calls for one request are 1 to 64, or 0 for as many as "
               "there are targets");
  if (options.retries < -1 || options.retries > 2)
    return bad("options.retries", "the retries on one account are 0 to 2");
  if (options.max_wait_ms < 0 || options.max_wait_ms > 30000)
    return bad("options.maxWaitMs", "the wait for an account is 0 to 30000 ms");
  return {};
}

// The way from `combo` back to the combo `id`, as "a -> b -> a"; empty: there is none.
std::string wayTo(std::string_view id, const Combo& combo, const std::vector<Combo>& all,
                  std::vector<const Combo*>& seen) {
  if (std::ranges::find(seen, &combo) != seen.end()) return {};
  seen.push_back(&combo);
  for (const Target& target : combo.targets) {
    const Combo* next = comboOf(target, all);
    if (!next) continue;
    if (next->id == id) return fmt::format("{} -> {}", combo.name, next->name);
    if (const auto way = wayTo(id, *next, all, seen); !way.empty())
      return fmt::format("{} -> {}", combo.name, way);
  }
  return {};
}

}  // namespace

const Combo* comboOf(const Target& target, const std::vector<Combo>& all) {
  if (target.combo_id.empty()) return nullptr;
  const Combo* by_name = nullptr;
  for (const Combo& combo : all) {
    if (combo.id == target.combo_id) return &combo;
    if (combo.name == target.text) by_name = &combo;
  }
  return by_name;
}

Result<> validateCombo(const Combo& combo, const std::vector<std::string>& providers) {
  if (combo.name.empty() || combo.name.size() > kLongestName)
    return bad("name", "a combo's name has 1 to 100 characters");
  if (combo.name.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-[] ") !=
      std::string::npos)
    return bad("name",
               "a combo's name may hold letters, digits, spaces and _ . - [ ]; a slash would look "
               "like provider/account");
  if (std::ranges::find(providers, combo.name) != providers.end())
    return bad("name", fmt::format("\"{}\" is the name of a provider; as a model it means any of "
                                   "its accounts. Choose another name",
                                   combo.name));
  if (combo.targets.empty())
    return bad("targets", "a combo needs at least one target, such as \"kiro/kiro-dev\"");
  if (combo.targets.size() > kMostTargets)
    return bad("targets", fmt::format("a combo has at most {} targets", kMostTargets));
  for (size_t i = 0; i < combo.targets.size(); ++i)
    if (auto fine = checkTarget(combo.targets[i], fmt::format("targets[{}]", i), providers); !fine)
      return fine;
  if (std::ranges::all_of(combo.targets, [](const Target& t) { return t.weight == 0; }))
    return bad("targets", "at least one target needs a weight above 0");
  return checkOptions(combo.options);
}

Result<> refuseCycle(const Combo& combo, const std::vector<Combo>& all) {
  std::vector<Combo> changed;
  for (const Combo& other : all)
    if (other.id != combo.id) changed.push_back(other);
  changed.push_back(combo);
  std::vector<const Combo*> seen;
  const auto way = wayTo(combo.id, changed.back(), changed, seen);
  if (way.empty()) return {};
  return bad("targets", fmt::format("the combo would contain itself: {}", way));
}

}  // namespace omni::routing
