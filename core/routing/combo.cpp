#include "core/routing/combo.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace omni::routing {
namespace {

constexpr std::array<std::pair<Strategy, std::string_view>, 6> kNames{{
    {Strategy::Priority, "priority"},
    {Strategy::RoundRobin, "round-robin"},
    {Strategy::Weighted, "weighted"},
    {Strategy::LeastUsed, "least-used"},
    {Strategy::MostRemaining, "most-remaining"},
    {Strategy::ResetSoonest, "reset-soonest"},
}};

}  // namespace

std::string_view strategyName(Strategy strategy) {
  for (const auto& [value, name] : kNames)
    if (value == strategy) return name;
  return "priority";
}

bool parseStrategy(std::string_view text, Strategy& out) {
  std::string plain(text.substr(0, 32));
  std::ranges::replace(plain, '_', '-');
  for (const auto& [value, name] : kNames) {
    if (name != plain) continue;
    out = value;
    return true;
  }
  return false;
}

std::string strategyNames() {
  std::string out;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (i > 0) out += i + 1 == kNames.size() ? " or " : ", ";
    out += '"';
    out += kNames[i].second;
    out += '"';
  }
  return out;
}

}  // namespace omni::routing
