#pragma once
// Device sign-in as scripts written for OmniRoute call it. Private to service/admin.
//
// What differs from there: "device_code"/"deviceCode" is the id of a session of this service, which
// polls by itself; client secrets stay here, so "_clientId" and "_clientSecret" are gone and
// "extraData" and "codeVerifier" of a poll are ignored.

#include "service/admin/sign_in_routes.hpp"

namespace omni::admin {

void addSignInAliases(http::RouteTable& table, const SignInDeps& deps);

}  // namespace omni::admin
