#pragma once
// Log-in of the person who administers: POST /api/auth/login, POST /api/auth/logout,
// GET /api/auth/session, PUT /api/settings/password.
//
// The session is a cookie: HttpOnly, SameSite=Strict, so that no page of another site can use it;
// writes also pass the server's Origin check and need a JSON body.

#include <functional>
#include <string>
#include <string_view>

#include "service/admin/doorkeeper.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct AuthDeps {
  Doorkeeper& doorkeeper;
  access::AdminSessions& sessions;
  // What was done and by whom, for the audit log; may be empty.
  std::function<void(std::string_view action, std::string_view actor)> audit{};
};

// What deps refer to must outlive the routes.
void addAuthRoutes(http::RouteTable& table, AuthDeps deps);

}  // namespace omni::admin
