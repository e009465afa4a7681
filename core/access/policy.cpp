#include "core/access/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

namespace omni::access {
namespace {

namespace json = boost::json;

constexpr size_t kMaxPatterns = 200;
constexpr size_t kMaxPattern = 300;
constexpr int64_t kMaxNumber = 1'000'000'000'000'000;

std::unexpected<Error> bad(std::string_view field, std::string message) {
  return makeError(FailureKind::BadRequest, std::move(message), std::string(field));
}

std::string_view viewOf(const json::string& text) {
  return {text.data(), text.size()};
}

Result<std::vector<std::string>> patterns(const json::value& value, std::string_view field) {
  std::vector<std::string> out;
  if (value.is_null()) return out;
  if (!value.is_array())
    return bad(field,
               fmt::format("{} must be a list of names or patterns such as \"kiro/*\".", field));
  for (const auto& entry : value.get_array()) {
    const std::string path = fmt::format("{}[{}]", field, out.size());
    if (!entry.is_string()) return bad(path, fmt::format("{} must be a text.", path));
    const auto text = viewOf(entry.get_string());
    const bool control = std::ranges::any_of(text, [](unsigned char c) { return c < 0x20; });
    if (text.empty() || text.size() > kMaxPattern || control)
      return bad(path, fmt::format("{} must be 1 to {} characters without control characters.",
                                   path, kMaxPattern));
    out.emplace_back(text);
    if (out.size() > kMaxPatterns)
      return bad(field, fmt::format("{} may hold at most {} patterns.", field, kMaxPatterns));
  }
  return out;
}

// null: no limit.
Result<int64_t> wholeLimit(const json::value& value, std::string_view field, int64_t max) {
  if (value.is_null()) return 0;
  if (value.is_int64() && value.get_int64() >= 1 && value.get_int64() <= max)
    return value.get_int64();
  return bad(field, fmt::format("{} must be a whole number from 1 to {}, or null for no limit.",
                                field, max));
}

Result<double> creditLimit(const json::value& value, std::string_view field) {
  if (value.is_null()) return 0.0;
  if (value.is_number()) {
    const double number = value.to_number<double>();
    if (std::isfinite(number) && number > 0 && number <= static_cast<double>(kMaxNumber))
      return number;
  }
  return bad(field, fmt::format("{} must be a number above 0, or null for no limit.", field));
}

Result<> parseScopes(const json::value& value, KeyPolicy& policy) {
  if (!value.is_array() || value.get_array().empty())
    return bad("scopes", "scopes must be a list of \"inference\", \"admin\" or both.");
  policy.inference = policy.admin = false;
  for (const auto& entry : value.get_array()) {
    const auto name = entry.is_string() ? viewOf(entry.get_string()) : std::string_view();
    if (name == "inference")
      policy.inference = true;
    else if (name == "admin")
      policy.admin = true;
    else
      return bad("scopes", "scopes must be a list of \"inference\", \"admin\" or both.");
  }
  return {};
}

Result<> parseBudgets(const json::value& value, Budgets& budgets) {
  if (value.is_null()) {
    budgets = {};
    return {};
  }
  if (!value.is_object()) return bad("budgets", "budgets must be an object.");
  for (const auto& entry : value.get_object()) {
    const std::string_view name(entry.key().data(), entry.key().size());
    const std::string path = fmt::format("budgets.{}", name.substr(0, 60));
    if (name == "creditsPerDay" || name == "creditsPerMonth") {
      auto limit = creditLimit(entry.value(), path);
      if (!limit) return std::unexpected(std::move(limit.error()));
      (name == "creditsPerDay" ? budgets.credits_per_day : budgets.credits_per_month) = *limit;
    } else if (name == "tokensPerDay" || name == "tokensPerMonth") {
      auto limit = wholeLimit(entry.value(), path, kMaxNumber);
      if (!limit) return std::unexpected(std::move(limit.error()));
      (name == "tokensPerDay" ? budgets.tokens_per_day : budgets.tokens_per_month) = *limit;
    } else {
      return bad(path, fmt::format("There is no member {}; known are creditsPerDay, "
                                   "creditsPerMonth, tokensPerDay and tokensPerMonth.",
                                   path));
    }
  }
  return {};
}

template <typename T>
json::value limitJson(T limit) {
  return limit > 0 ? json::value(limit) : json::value(nullptr);
}

json::array listJson(const std::vector<std::string>& list) {
  json::array out;
  for (const auto& entry : list) out.emplace_back(entry);
  return out;
}

}  // namespace

bool Budgets::any() const {
  return credits_per_day > 0 || credits_per_month > 0 || tokens_per_day > 0 || tokens_per_month > 0;
}

bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0;
  size_t star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      // Only the last star can be stretched: what an earlier one took is settled.
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool KeyPolicy::allows(std::string_view model, bool is_combo) const {
  if (!restricted()) return true;
  const auto& list = is_combo ? combos : models;
  return std::ranges::any_of(list, [&](const auto& pattern) { return matches(pattern, model); });
}

Result<KeyPolicy> parsePolicy(const json::object& object, const KeyPolicy& base) {
  KeyPolicy out = base;
  for (const auto& entry : object) {
    const std::string_view name(entry.key().data(), entry.key().size());
    const json::value& value = entry.value();
    Result<> done;
    if (name == "scopes") {
      done = parseScopes(value, out);
    } else if (name == "models" || name == "combos") {
      auto list = patterns(value, name);
      if (!list) return std::unexpected(std::move(list.error()));
      (name == "models" ? out.models : out.combos) = std::move(*list);
    } else if (name == "requestsPerMinute" || name == "maxConcurrent") {
      auto limit = wholeLimit(value, name, 1'000'000);
      if (!limit) return std::unexpected(std::move(limit.error()));
      (name == "maxConcurrent" ? out.max_concurrent : out.requests_per_minute) =
          static_cast<int>(*limit);
    } else if (name == "budgets") {
      done = parseBudgets(value, out.budgets);
    } else {
      return bad(name.substr(0, 60),
                 fmt::format("There is no member \"{}\" in a key's policy.", name.substr(0, 60)));
    }
    if (!done) return std::unexpected(std::move(done.error()));
  }
  return out;
}

json::object policyJson(const KeyPolicy& policy) {
  json::array scopes;
  if (policy.inference) scopes.emplace_back("inference");
  if (policy.admin) scopes.emplace_back("admin");
  return {
      {"scopes", std::move(scopes)},
      {"models", listJson(policy.models)},
      {"combos", listJson(policy.combos)},
      {"requestsPerMinute", limitJson<int64_t>(policy.requests_per_minute)},
      {"maxConcurrent", limitJson<int64_t>(policy.max_concurrent)},
      {"budgets", json::object{{"creditsPerDay", limitJson(policy.budgets.credits_per_day)},
                               {"creditsPerMonth", limitJson(policy.budgets.credits_per_month)},
                               {"tokensPerDay", limitJson(policy.budgets.tokens_per_day)},
                               {"tokensPerMonth", limitJson(policy.budgets.tokens_per_month)}}}};
}

}  // namespace omni::access
