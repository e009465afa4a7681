#include "plugins/echo/directives.hpp"

#include <omniroute/abi.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace omni::echo {
namespace {

constexpr std::array<std::string_view, 11> kNames = {
    "fail", "cut", "tool", "slow", "think", "repeat", "empty", "throw", "finish", "whoami", "get"};

template <size_t N>
std::optional<uint32_t> lookUp(const std::array<std::pair<std::string_view, uint32_t>, N>& table,
                               std::string_view name) {
  for (const auto& [key, value] : table)
    if (key == name) return value;
  return std::nullopt;
}

}  // namespace

Directive parseDirective(std::string_view text) {
  if (!text.starts_with('/')) return {{}, text};
  std::string_view rest = text.substr(1);
  const size_t end = std::min(rest.find_first_of(" \n"), rest.size());
  const std::string_view name = rest.substr(0, end);
  if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) return {{}, text};
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return {name, rest};
}

std::string_view takeWord(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  return word;
}

std::optional<int64_t> parseNumber(std::string_view text, int64_t max) {
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || value < 0 || value > max)
    return std::nullopt;
  return value;
}

std::optional<uint32_t> failureKindByName(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, uint32_t>, 18> kKinds = {{
      {"internal", OMNI_FAILURE_INTERNAL},
      {"network", OMNI_FAILURE_NETWORK},
      {"timeout", OMNI_FAILURE_TIMEOUT},
      {"upstream", OMNI_FAILURE_UPSTREAM},
      {"auth_invalid", OMNI_FAILURE_AUTH_INVALID},
      {"reauth_required", OMNI_FAILURE_REAUTH_REQUIRED},
      {"suspended", OMNI_FAILURE_SUSPENDED},
      {"not_authorized", OMNI_FAILURE_NOT_AUTHORIZED},
      {"quota", OMNI_FAILURE_QUOTA},
      {"rate_limited", OMNI_FAILURE_RATE_LIMITED},
      {"capacity", OMNI_FAILURE_CAPACITY},
      {"context_length", OMNI_FAILURE_CONTEXT_LENGTH},
      {"model_unavailable", OMNI_FAILURE_MODEL_UNAVAILABLE},
      {"bad_request", OMNI_FAILURE_BAD_REQUEST},
      {"empty_response", OMNI_FAILURE_EMPTY_RESPONSE},
      {"protocol", OMNI_FAILURE_PROTOCOL},
      {"conflict", OMNI_FAILURE_CONFLICT},
      {"not_found", OMNI_FAILURE_NOT_FOUND},
  }};
  return lookUp(kKinds, name);
}

std::optional<uint32_t> finishByName(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, uint32_t>, 6> kReasons = {{
      {"stop", OMNI_FINISH_STOP},
      {"length", OMNI_FINISH_LENGTH},
      {"tool_calls", OMNI_FINISH_TOOL_CALLS},
      {"content_filter", OMNI_FINISH_CONTENT_FILTER},
      {"context_length", OMNI_FINISH_CONTEXT_LENGTH},
      {"pause", OMNI_FINISH_PAUSE},
  }};
  return lookUp(kReasons, name);
}

}  // namespace omni::echo
