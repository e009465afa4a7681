#include "service/admin/sign_in_routes.hpp"

#include <fmt/format.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <map>
#include <memory>

#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"
#include "service/admin/sign_in_aliases.hpp"
#include "service/admin/sign_in_json.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

// A watcher keeps a thread of the admin API, which has few.
constexpr int kMaxWatchers = 6;
constexpr int64_t kWatchSliceMs = 250;

struct Shared {
  SignInDeps deps;
  std::atomic<int> watchers{0};
};

// What belongs to the session; the rest of the body is the sign-in form, which the plugin checks.
Result<SignInRequest> readRequest(Shared& shared, const Request& request) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  std::map<std::string_view, std::string> own;
  for (const std::string_view key : {"method", "name", "mode", "connectionId", "proxyId"}) {
    auto value = stringMember(*body, key);
    if (!value) return std::unexpected(std::move(value.error()));
    own[key] = value->value_or("");
    if (key != "method") body->erase(key);
  }
  SignInRequest out;
  out.provider = param(request, "provider");
  out.method = own["method"];
  if (out.method.empty())
    return makeError(FailureKind::BadRequest,
                     "\"method\" is missing: one of the provider's sign-in methods; GET "
                     "/api/plugins lists them.",
                     "method");
  const std::string& mode = own["mode"];
  if (!mode.empty() && mode != "create" && mode != "replace")
    return makeError(FailureKind::BadRequest, "\"mode\" must be \"create\" or \"replace\".",
                     "mode");
  if (mode == "replace") {
    if (own["connectionId"].empty())
      return makeError(FailureKind::BadRequest,
                       "\"connectionId\" is missing: the id or name of the account that is signed "
                       "in anew.",
                       "connectionId");
    for (const std::string_view kept : {"name", "proxyId"})
      if (!own[kept].empty())
        return makeError(FailureKind::BadRequest,
                         fmt::format("\"{}\" has no place here: an account that is signed in anew "
                                     "keeps its own.",
                                     kept),
                         std::string(kept));
    auto connection = findConnection(shared.deps.accounts, own["connectionId"]);
    if (!connection) return std::unexpected(std::move(connection.error()));
    out.replace_id = connection->id;
  } else if (!own["connectionId"].empty()) {
    return makeError(FailureKind::BadRequest,
                     "\"connectionId\" needs \"mode\": \"replace\"; a new account gets an id of "
                     "its own.",
                     "connectionId");
  }
  if (!own["name"].empty()) {
    if (auto fine = checkName(own["name"], "name"); !fine)
      return std::unexpected(std::move(fine.error()));
    out.name = own["name"];
  }
  out.proxy_id = own["proxyId"];
  out.input = json::serialize(*body);
  out.actor = actorOf(request);
  return out;
}

void start(Shared& shared, const Request& request, ResponseWriter& writer) {
  auto wanted = readRequest(shared, request);
  if (!wanted) return sendError(writer, wanted.error());
  auto view = shared.deps.sign_ins.start(*wanted, writer.cancel());
  if (!view) return sendError(writer, view.error());
  sendJson(writer, 202, signInRecord(*view));
}

void finish(Shared& shared, const Request& request, ResponseWriter& writer) {
  auto body = parseObject(request.body);
  if (!body) return sendError(writer, body.error());
  if (auto fine = refuseUnknown(*body, {"callbackUrl"}); !fine)
    return sendError(writer, fine.error());
  auto url = stringMember(*body, "callbackUrl");
  if (!url) return sendError(writer, url.error());
  if (url->value_or("").empty()) {
    Error error;
    error.kind = FailureKind::BadRequest;
    error.field = "callbackUrl";
    error.message =
        "\"callbackUrl\" is missing: the whole address that the browser was sent back to.";
    return sendError(writer, error);
  }
  auto view = shared.deps.sign_ins.finish(param(request, "id"), **url, writer.cancel());
  if (!view) return sendError(writer, view.error());
  sendJson(writer, 200, signInRecord(*view));
}

std::string statusEvent(const SignInView& view) {
  return fmt::format("event: status\nid: {}\ndata: {}\n\n", view.version,
                     json::serialize(signInRecord(view)));
}

void watch(Shared& shared, const Request& request, ResponseWriter& writer) {
  const std::string id = param(request, "id");
  auto view = shared.deps.sign_ins.get(id);
  if (!view) return sendError(writer, view.error());
  struct Seat {
    std::atomic<int>& count;
    const bool got = count.fetch_add(1) < kMaxWatchers;
    ~Seat() { count.fetch_sub(1); }
  } seat{shared.watchers};
  if (!seat.got) {
    Error error;
    error.kind = FailureKind::Unavailable;
    error.message = fmt::format(
        "{} watchers are open already; ask GET /api/oauth/signin/{} instead.", kMaxWatchers, id);
    error.retry_after_ms = 1000;
    return sendError(writer, error);
  }
  writer.setHeader("cache-control", "no-cache");
  writer.setHeader("x-accel-buffering", "no");
  if (!writer.startStream(200, "text/event-stream; charset=utf-8")) return;
  bool first = true;
  uint64_t shown = 0;
  while (true) {
    if (first || view->version != shown) {
      if (!writer.write(statusEvent(*view))) return;
      shown = view->version;
      first = false;
    }
    if (view->status != SignInStatus::Pending) break;
    if (writer.cancel().cancelled()) return;
    auto next = shared.deps.sign_ins.wait(id, shown, kWatchSliceMs);
    if (!next) break;  // ended, and dropped since
    view = std::move(next);
  }
  writer.endStream();
}

}  // namespace

void addSignInRoutes(http::RouteTable& table, SignInDeps deps) {
  const auto shared = std::make_shared<Shared>(deps);
  using Handle = void (*)(Shared&, const Request&, ResponseWriter&);
  const auto add = [&](const char* method, const char* pattern, bool needs_json, Handle handle) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.needs_json = needs_json;
    route.handler = guarded([shared, handle](const Request& request, ResponseWriter& writer) {
      handle(*shared, request, writer);
    });
    table.push_back(std::move(route));
  };
  add("POST", "/api/oauth/{provider}/signin", true, start);
  add("GET", "/api/oauth/signin/{id}", false,
      [](Shared& given, const Request& request, ResponseWriter& writer) {
        auto view = given.deps.sign_ins.get(param(request, "id"));
        if (!view) return sendError(writer, view.error());
        sendJson(writer, 200, signInRecord(*view));
      });
  add("DELETE", "/api/oauth/signin/{id}", false,
      [](Shared& given, const Request& request, ResponseWriter& writer) {
        auto view = given.deps.sign_ins.cancel(param(request, "id"));
        if (!view) return sendError(writer, view.error());
        sendJson(writer, 200, signInRecord(*view));
      });
  add("GET", "/api/oauth/signin/{id}/events", false, watch);
  add("POST", "/api/oauth/signin/{id}/finish", true, finish);
  addSignInAliases(table, deps);
}

}  // namespace omni::admin
