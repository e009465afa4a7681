#include "core/accounts/connection.hpp"

#include <array>
#include <utility>

namespace omni {
namespace {
constexpr std::array<std::pair<AccountState, std::string_view>, 6> kNames{{
    {AccountState::Active, "active"},
    {AccountState::Cooling, "cooling"},
    {AccountState::Exhausted, "exhausted"},
    {AccountState::Suspended, "suspended"},
    {AccountState::ReauthRequired, "reauth_required"},
    {AccountState::Disabled, "disabled"},
}};
}  // namespace

std::string_view accountStateName(AccountState state) {
  for (const auto& [value, name] : kNames)
    if (value == state) return name;
  return "unknown";
}

bool parseAccountState(std::string_view name, AccountState& out) {
  for (const auto& [value, known] : kNames) {
    if (known == name) {
      out = value;
      return true;
    }
  }
  return false;
}

}  // namespace omni
