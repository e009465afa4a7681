#include "service/admin/sign_in_aliases.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "core/errors/error_table.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

std::string queryText(const Request& request, const char* key) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? std::string() : found->second;
}

// These GETs begin something, as they always did. A script may; a page in a browser may not make
// the browser of its reader do it.
Result<> notFromAPage(const Request& request) {
  if (!request.header) return {};
  for (const char* name : {"origin", "sec-fetch-site", "sec-fetch-mode"})
    if (!request.header(name).empty())
      return makeError(FailureKind::Forbidden,
                       "This address starts a sign-in and is for scripts; a page uses POST "
                       "/api/oauth/{provider}/signin.");
  return {};
}

int64_t secondsLeft(const SignInView& view, int64_t now_ms) {
  return std::max<int64_t>(0, (view.expires_ms - now_ms) / 1000);
}

Result<SignInView> begin(const SignInDeps& deps, const Request& request, json::object form,
                         const CancelToken& cancel) {
  if (auto fine = notFromAPage(request); !fine) return std::unexpected(std::move(fine.error()));
  SignInRequest wanted;
  wanted.provider = param(request, "provider");
  wanted.method = std::string(form.at("method").as_string());
  wanted.input = json::serialize(form);
  wanted.actor = actorOf(request);
  return deps.sign_ins.start(wanted, cancel);
}

void deviceCode(const SignInDeps& deps, const Request& request, ResponseWriter& writer) {
  const std::string start_url = queryText(request, "startUrl");
  const std::string region = queryText(request, "region");
  json::object form{{"method", start_url.empty() ? "builder_id" : "idc"}};
  if (!start_url.empty()) form["startUrl"] = start_url;
  if (!region.empty()) form["region"] = region;
  auto view = begin(deps, request, std::move(form), writer.cancel());
  if (!view) return sendError(writer, view.error());
  sendJson(writer, 200,
           json::object{{"device_code", view->id},
                        {"user_code", view->user_code},
                        {"verification_uri", view->verification_uri},
                        {"verification_uri_complete", view->verification_uri_complete},
                        {"expires_in", secondsLeft(*view, deps.clock.nowMs())},
                        {"interval", std::max<int64_t>(1, view->interval_ms / 1000)},
                        {"codeVerifier", nullptr}});
}

void socialAuthorize(const SignInDeps& deps, const Request& request, ResponseWriter& writer) {
  const std::string login = queryText(request, "provider");
  if (login != "google" && login != "github") {
    Error error;
    error.kind = FailureKind::BadRequest;
    error.field = "provider";
    error.message = "Invalid provider. Use 'google' or 'github'.";
    return sendError(writer, error);
  }
  auto view = begin(deps, request, {{"method", login}}, writer.cancel());
  if (!view) return sendError(writer, view.error());
  const std::string& url = view->verification_uri_complete.empty()
                               ? view->verification_uri
                               : view->verification_uri_complete;
  sendJson(writer, 200,
           json::object{{"authUrl", url},
                        {"deviceCode", view->id},
                        {"userCode", view->user_code},
                        {"expiresIn", secondsLeft(*view, deps.clock.nowMs())},
                        {"interval", std::max<int64_t>(1, view->interval_ms / 1000)},
                        {"provider", login}});
}

void poll(const SignInDeps& deps, const Request& request, ResponseWriter& writer) {
  auto body = parseObject(request.body);
  if (!body) return sendError(writer, body.error());
  auto code = stringMember(*body, "deviceCode");
  if (!code) return sendError(writer, code.error());
  if (code->value_or("").empty()) {
    Error error;
    error.kind = FailureKind::BadRequest;
    error.message =
        "\"deviceCode\" is missing: the one that device-code or social-authorize answered with.";
    error.field = "deviceCode";
    return sendError(writer, error);
  }
  auto view = deps.sign_ins.get(code->value_or(""));
  if (!view) {
    view.error().field = "deviceCode";
    return sendError(writer, view.error());
  }
  switch (view->status) {
    case SignInStatus::Pending:
      return sendJson(writer, 200,
                      json::object{{"success", false},
                                   {"pending", true},
                                   {"error", "authorization_pending"},
                                   {"errorDescription", view->error ? view->error->message : ""}});
    case SignInStatus::Complete: {
      json::object shown{{"id", view->connection_id}, {"provider", view->provider}};
      if (const auto connection = deps.accounts.find(view->connection_id)) {
        const auto email = connection->values.find("email");
        shown["name"] = connection->name;
        shown["email"] =
            email == connection->values.end() ? json::value(nullptr) : json::value(email->second);
      }
      return sendJson(writer, 200, json::object{{"success", true}, {"connection", shown}});
    }
    default:
      break;
  }
  const bool known = view->error.has_value();
  const std::string why = known && !view->error->reason.empty() ? view->error->reason
                          : view->status == SignInStatus::Expired
                              ? "expired_token"
                              : std::string(signInStatusName(view->status));
  const int status = view->status == SignInStatus::Failed && known ? httpStatus(*view->error) : 400;
  sendJson(writer, status,
           json::object{{"success", false},
                        {"pending", false},
                        {"error", why},
                        {"errorDescription", known ? view->error->message : ""}});
}

}  // namespace

void addSignInAliases(http::RouteTable& table, const SignInDeps& deps) {
  using Handle = void (*)(const SignInDeps&, const Request&, ResponseWriter&);
  const auto add = [&](const char* method, const char* pattern, Handle handle) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.needs_json = std::string_view(method) == "POST";
    route.handler = guarded([deps, handle](const Request& request, ResponseWriter& writer) {
      handle(deps, request, writer);
    });
    table.push_back(std::move(route));
  };
  add("GET", "/api/oauth/{provider}/device-code", deviceCode);
  add("POST", "/api/oauth/{provider}/poll", poll);
  add("GET", "/api/oauth/{provider}/social-authorize", socialAuthorize);
  add("POST", "/api/oauth/{provider}/social-exchange", poll);
}

}  // namespace omni::admin
