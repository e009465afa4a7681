#pragma once
// What each kind of failure means: for the account, for the next try, and for the client in each
// API's own words. Pure and thread-safe.

#include <span>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni {

enum class AccountEffect { None, Cool, Exhaust, Suspend, ReauthRequired };

// What routing remembers beside the account's own state.
enum class Trouble {
  None,
  Way,    // a passing fault between here and the account's model: counts for its breaker
  Gate,   // this account may not have this model: not asked for it for a while
  Model,  // the model is full, whoever asks
};

struct ErrorRule {
  FailureKind kind;
  AccountEffect effect;
  int retries;     // on the same account, with a pause, before the first byte
  bool try_other;  // the next target may do better
  Trouble trouble;
  int http_status;
  std::string_view openai_type;
  std::string_view code;
  std::string_view anthropic_type;
};

std::span<const ErrorRule> errorTable();
const ErrorRule& errorRule(FailureKind kind);

int httpStatus(const Error& error);
// {"error":{"message","type","param","code"}}
std::string openaiErrorBody(const Error& error);
// {"error":{"message","code","field"?,"connectionId"?}}
std::string adminErrorBody(const Error& error);

// Appends `text` as a JSON string with its quotes. `text` must be UTF-8.
void appendJsonString(std::string& out, std::string_view text);

}  // namespace omni
