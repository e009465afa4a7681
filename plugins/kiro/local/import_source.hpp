#pragma once
// accounts.scan, and accounts.import of something that it found: {"source": {"item": "<id>"},
// "rotate"?: bool}.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

namespace omni::kiro::local {

// {"found", "problems", "searched"} as omniroute/local_scan.h says, of this process's own user.
// Input: {} or the roots.
sdk::Result<std::string> scanAccounts(sdk::Call& call, std::string_view input);

// The form that accounts.import takes, with the secrets of the found account in it, when `input`
// names one; any other input unchanged. Without "rotate": true the tool's refresh token stays
// unused.
sdk::Result<std::string> formOfSource(std::string_view input);

}  // namespace omni::kiro::local
