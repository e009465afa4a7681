#pragma once
// Accounts as other programs write them down, turned into what a provider's import takes. Pure.
// Private to service/admin.
//
// Lists that are understood: an array of accounts, {"accounts": […]} (kiro-account-manager: the
// tokens may lie in "credentials"), {"providerConnections": […]} (OmniRoute's and 9router's JSON
// exports), kiro.rs' credentials.json, or one account. Names of members in camelCase or snake_case.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/bundle.hpp"

namespace omni::admin {

struct ForeignAccount {
  std::string name;
  std::string email;
  std::string provider;       // "kiro" for its other names as well
  boost::json::object input;  // accounts.import, without "rotate"
  bool active = true;
  std::string refusal;  // not empty: it cannot be taken over, and why
};

inline constexpr size_t kMaxForeignAccounts = 2000;

// BadRequest with field "body" when it is none of these, or holds more than kMaxForeignAccounts.
Result<std::vector<ForeignAccount>> readAccountList(std::string_view text);

// A row whose three tokens have been opened.
ForeignAccount fromRow(const ForeignRow& row);

}  // namespace omni::admin
