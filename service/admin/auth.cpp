#include "service/admin/auth.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <memory>

#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

std::string cookie(const Request& request, std::string_view token, int64_t max_age_s) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
                     Doorkeeper::cookieName(request), token, max_age_s,
                     request.secure ? "; Secure" : "");
}

void note(const AuthDeps& deps, std::string_view action, const Request& request) {
  if (deps.audit) deps.audit(action, actorOf(request));
}

void logIn(AuthDeps& deps, const Request& request, ResponseWriter& writer) {
  auto body = parseObject(request.body);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"password"}); !fine) return sendError(writer, fine.error());
  auto password = stringMember(*body, "password");
  if (!password) return sendError(writer, password.error());
  if (!*password)
    return sendError(
        writer, makeError(FailureKind::BadRequest, "password is missing.", "password").error());
  auto token = deps.doorkeeper.logIn(**password, request.remote_address);
  if (!token) {
    note(deps, "login.failed", request);
    return sendError(writer, token.error());
  }
  note(deps, "login.succeeded", request);
  writer.setHeader("Set-Cookie", cookie(request, *token, access::AdminSessions::kLongestMs / 1000));
  sendJson(writer, 200, json::object{{"loggedIn", true}});
}

void logOut(AuthDeps& deps, const Request& request, ResponseWriter& writer) {
  deps.sessions.close(Doorkeeper::sessionToken(request));
  writer.setHeader("Set-Cookie", cookie(request, "", 0));
  sendJson(writer, 200, json::object{{"loggedIn", false}});
}

void showSession(AuthDeps& deps, const Request& request, ResponseWriter& writer) {
  const auto until = deps.sessions.use(Doorkeeper::sessionToken(request));
  const bool has_password = deps.doorkeeper.hasPassword();
  const bool open = !has_password && request.loopback;
  if (open) writer.setHeader("x-omniroute-admin", "open-on-loopback");
  sendJson(writer, 200,
           json::object{{"loggedIn", until.has_value()},
                        {"expiresAt", isoTime(until.value_or(0))},
                        {"passwordSet", has_password},
                        {"mayAdminister", until.has_value() || open}});
}

void setPassword(AuthDeps& deps, const Request& request, ResponseWriter& writer) {
  auto body = parseObject(request.body);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"password", "currentPassword"}); !fine)
    return sendError(writer, fine.error());
  auto fresh = stringMember(*body, "password");
  if (!fresh) return sendError(writer, fresh.error());
  auto current = stringMember(*body, "currentPassword");
  if (!current) return sendError(writer, current.error());
  if (auto done = deps.doorkeeper.setPassword(current->value_or(""), fresh->value_or(""),
                                              request.remote_address);
      !done)
    return sendError(writer, done.error());
  note(deps, "password.changed", request);
  // Who set it stays logged in; everybody else has to log in anew.
  if (auto token = deps.sessions.open())
    writer.setHeader("Set-Cookie",
                     cookie(request, *token, access::AdminSessions::kLongestMs / 1000));
  sendJson(writer, 200, json::object{{"passwordSet", true}});
}

}  // namespace

void addAuthRoutes(http::RouteTable& table, AuthDeps deps) {
  const auto shared = std::make_shared<AuthDeps>(std::move(deps));
  using Handle = void (*)(AuthDeps&, const Request&, ResponseWriter&);
  const auto add = [&](const char* method, const char* pattern, bool needs_json, bool is_guarded,
                       Handle handle) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.needs_json = needs_json;
    route.max_body = 16u << 10;
    Handler handler = [shared, handle](const Request& request, ResponseWriter& writer) {
      handle(*shared, request, writer);
    };
    route.handler = is_guarded ? guarded(std::move(handler)) : std::move(handler);
    table.push_back(std::move(route));
  };
  add("POST", "/api/auth/login", true, false, logIn);
  add("POST", "/api/auth/logout", false, false, logOut);
  add("GET", "/api/auth/session", false, false, showSession);
  add("PUT", "/api/settings/password", true, true, setPassword);
}

}  // namespace omni::admin
