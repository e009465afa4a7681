#pragma once
// What an account's record holds, and the small calls made with it: describe, test, list models.
//
// Values: baseUrl, defaultModel, models (JSON list), authMethod, isolation, isolationReason
// (plain); apiKey, headers (JSON object) (secret); fingerprint. Thread-safe: free functions over
// the call.

#include <omniroute/sdk.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace omni::openai_upstream {

struct Account {
  std::string base_url;
  std::string default_model;
  std::vector<std::string> models;
  std::vector<sdk::Header> headers;  // with Authorization, User-Agent and the extra ones
};

// INTERNAL when the record lacks its base URL; BAD_REQUEST when the URL is not allowed any more.
sdk::Result<Account> readAccount(sdk::Call& call);

// JSON objects, as the ABI describes them.
sdk::Result<std::string> describeAccount(sdk::Call& call);
sdk::Result<std::string> testAccount(sdk::Call& call, std::string_view input);
sdk::Result<std::string> listModels(sdk::Call& call);

// What to ask for when the client named only the account: the default model, else the first of the
// list, else the first that the upstream lists.
sdk::Result<std::string> chooseModel(sdk::Call& call, const Account& account);

}  // namespace omni::openai_upstream
