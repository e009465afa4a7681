#pragma once
// Sign-ins over REST, and the older addresses for the same that scripts written for OmniRoute call.
//
// No answer carries a device code, a client secret or a token. Callers as for the rest of /api.

#include "core/accounts/directory.hpp"
#include "core/accounts/sign_ins.hpp"
#include "core/ports/clock.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct SignInDeps {
  SignIns& sign_ins;
  AccountDirectory& accounts;
  Clock& clock;
};

// What deps refer to must outlive the routes.
void addSignInRoutes(http::RouteTable& table, SignInDeps deps);

}  // namespace omni::admin
