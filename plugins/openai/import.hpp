#pragma once
// The sign-in form: base URL, key, headers, models. Nothing is sent anywhere; a wrong member is
// BAD_REQUEST with its name, and nothing is stored.

#include <omniroute/sdk.hpp>

#include <string>
#include <string_view>

namespace omni::openai_upstream {

// Input: {"baseUrl", "apiKey"?, "defaultModel"?, "models"?: "a, b" or ["a","b"], "headers"?: "Name:
// value" lines or {"Name": "value"}} -> {"label"}.
sdk::Result<std::string> importAccount(sdk::Call& call, std::string_view input);

}  // namespace omni::openai_upstream
