#pragma once
// A connection = one account of one provider. Plain value; secrets are never in it.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace omni {

enum class AccountState { Active, Cooling, Exhausted, Suspended, ReauthRequired, Disabled };

// Nothing but a person helps: a new sign-in, or a letter to the provider.
constexpr bool waitsForPerson(AccountState state) {
  return state == AccountState::Suspended || state == AccountState::ReauthRequired;
}

std::string_view accountStateName(
    AccountState
        state);  // "active", "cooling", "exhausted", "suspended", "reauth_required", "disabled"
bool parseAccountState(std::string_view name, AccountState& out);

// Why an account is in its state, since when, and when that is looked at again. Times are Unix ms;
// 0: not set.
struct StateRecord {
  AccountState state = AccountState::Active;
  std::string reason;
  int64_t since_ms = 0;
  int64_t until_ms = 0;       // Cooling, Exhausted: usable again from then on
  int64_t next_probe_ms = 0;  // Suspended, ReauthRequired
};

struct Connection {
  std::string id;        // UUID
  std::string provider;  // plugin id, e.g. "kiro"
  std::string name;      // unique per provider
  StateRecord state;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  // What the plugin keeps in plain: region, clientId, profileArn, authMethod, isolation, expiresAt
  // … (keys are the plugin's).
  std::map<std::string, std::string, std::less<>> values;
  // Names of the secrets that are set; never their contents.
  std::vector<std::string> secret_keys;
};

}  // namespace omni
