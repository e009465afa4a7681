#pragma once
// The name of an account that is just being made. A sign-in uses up a code or a refresh token, so a
// name must never be the reason for losing what came in return.

#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/store.hpp"

namespace omni {

// Before anything is used up. Conflict (field "name", with the other account's id) when another
// account of the provider has it, in whatever case; an empty name is always free. Thread-safe as
// the store is.
Result<> nameIsFree(ConnectionStore& accounts, std::string_view provider, std::string_view name);

// Stores what the draft holds, under a name of its own making if `name` was taken meanwhile. The
// account's id, or what AccountDraft::finish() says.
Result<std::string> finishAs(AccountDraft& draft, std::string_view name);

}  // namespace omni
