#pragma once
// What the device sign-ins of both services have in common.

#include <omniroute/sdk.hpp>
#include <optional>
#include <string>

#include "plugins/kiro/account_changes.hpp"

namespace omni::kiro {

struct DeviceCode {
  std::string device_code;
  std::string user_code;
  std::string verification_uri;
  std::string verification_uri_complete;  // may be empty
  int64_t lifetime_ms = 0;
  int64_t interval_ms = 0;
};

// One question to the token endpoint: tokens or a refusal.
struct DeviceAnswer {
  std::optional<Tokens> tokens;
  SignInError error;
};

// Checks what the issuer said: a code without its parts, or an address that is no https page, is a
// PROTOCOL failure.
sdk::Result<> checkDeviceCode(const DeviceCode& code, std::string_view who);
// The draft's values of a started device sign-in, and the answer of accounts.signin.start.
std::vector<sdk::Change> deviceDraft(const sdk::Call& call, const DeviceCode& code);
std::string deviceAnswer(const sdk::Call& call, const DeviceCode& code);

}  // namespace omni::kiro
