#include "simulator/kiro.hpp"

#include <algorithm>
#include <array>

#include "simulator/random.hpp"

namespace omni::sim {
namespace {

struct Operation {
  std::string_view name;
  std::string_view method;
  std::string_view path;  // REST, lower case
  bool data;              // served by runtime hosts; the others by management
};

constexpr std::array<Operation, 18> kOperations = {{
    {"GenerateAssistantResponse", "POST", "/generateassistantresponse", true},
    {"SendMessage", "POST", "/sendmessagestreaming", true},
    {"InvokeMCP", "POST", "/mcp", true},
    {"InvokeMCP", "POST", "/mcp/stream", true},
    {"ListAvailableModels", "GET", "/listavailablemodels", false},
    {"ListAvailableModels", "GET", "/list-available-models", false},
    {"ListAvailableProfiles", "POST", "/listavailableprofiles", false},
    {"ListAvailableProfiles", "POST", "/list-available-profiles", false},
    {"GetProfile", "POST", "/getprofile", false},
    {"GetUsageLimits", "GET", "/getusagelimits", false},
    {"CreateSubscriptionToken", "POST", "/createsubscriptiontoken", false},
    {"SetUserPreference", "POST", "/setuserpreference", false},
    {"UpdateUsageLimits", "POST", "/updateusagelimits", false},
    {"ListAvailableSubscriptions", "POST", "/listavailablesubscriptions", false},
    {"GetFeatureConfiguration", "POST", "/getfeatureconfiguration", false},
    {"SendTelemetryEvent", "POST", "/sendtelemetryevent", false},
    {"ListFeatureEvaluations", "POST", "/listfeatureevaluations", false},
    {"GetUsageLimits", "POST", "/getusagelimits", false},
}};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool servedBy(const Operation& operation, const Route& route) {
  if (route.service == "legacy") return true;
  return operation.data == (route.service == "runtime");
}

// Fills in operation and rpc; false if this host does not know the call.
bool identify(Call& call) {
  const auto& route = *call.route;
  const auto target = call.request->header("x-amz-target");
  if (route.path == "/" && !target.empty()) {
    call.rpc = true;
    const auto dot = target.find('.');
    const auto service = target.substr(0, dot);
    const auto name = dot == std::string::npos ? std::string() : target.substr(dot + 1);
    for (const auto& operation : kOperations) {
      if (operation.name != name || !servedBy(operation, route)) continue;
      const bool first = service == "AmazonCodeWhispererStreamingService" ||
                         service == "AmazonCodeWhispererService";
      const bool kiro =
          route.service != "legacy" &&
          service == (operation.data ? "KiroRuntimeService" : "KiroControlPlaneBearerService");
      if (!first && !kiro) continue;
      call.operation = name;
      return call.request->method == "POST";
    }
    return false;
  }
  const auto path = lower(route.path);
  for (const auto& operation : kOperations) {
    if (operation.path == path && operation.method == call.request->method &&
        servedBy(operation, route)) {
      call.operation = operation.name;
      return true;
    }
  }
  return false;
}

const HeaderList& securityHeaders() {
  static const HeaderList instance = {
      {"x-xss-protection", "1; mode=block"},
      {"strict-transport-security", "max-age=47304000; includeSubDomains"},
      {"x-frame-options", "DENY"},
      {"cache-control", "no-cache"},
      {"x-content-type-options", "nosniff"}};
  return instance;
}

bool checkCaller(World& world, Call& call, Exchange& exchange) {
  const auto header = call.request->header("authorization");
  const auto token = header.starts_with("Bearer ") ? header.substr(7) : std::string();
  auto account = world.identity.bearer(token, call.request->header("tokentype"));
  const auto policy = world.policy.get();
  if (!account && account.error() == BearerProblem::kSuspended) {
    sendError(call, exchange, 403, "AccessDeniedException",
              "Your User ID (" + randomDigits(12) +
                  ") temporarily is suspended. We've locked it as a security precaution.",
              "TEMPORARILY_SUSPENDED");
    return false;
  }
  if (!account && account.error() == BearerProblem::kTokenType) {
    sendError(call, exchange, 400, "ValidationException", "Invalid ARN " + shortHash(token));
    return false;
  }
  if (!account) {
    sendError(call, exchange, policy->bearer_401 ? 401 : 403, "AccessDeniedException",
              "The bearer token included in the request is invalid.");
    return false;
  }
  if (policy->ua_gate &&
      call.request->header("user-agent").find("AWS-Language-Servers") != std::string::npos) {
    sendError(call, exchange, 403, "AccessDeniedException", "This feature is not supported.",
              "FEATURE_NOT_SUPPORTED");
    return false;
  }
  call.account = std::move(*account);
  return true;
}

}  // namespace

void sendError(const Call& call, Exchange& exchange, int status, std::string_view type,
               std::string_view message, std::string_view reason, const json::object& more) {
  json::object body;
  if (call.rpc) {
    body["__type"] = std::string(call.runtime ? "com.amazon.kiro.runtimeservice#"
                                              : "com.amazon.aws.codewhisperer#") +
                     std::string(type);
  }
  body["message"] = message;
  body["reason"] = reason.empty() ? json::value(nullptr) : json::value(reason);
  for (const auto& [key, value] : more) body[key] = value;
  auto reply = jsonReply(status, body);
  reply.content_type = call.rpc ? "application/x-amz-json-1.0" : "application/json";
  reply.headers = {{"x-amzn-requestid", uuid()}};
  if (!call.rpc) reply.headers.emplace_back("x-amzn-errortype", type);
  if (const auto* ms = member(more, "retryAfterMilliseconds")) {
    reply.headers.emplace_back("retry-after", std::to_string((integer(ms) + 999) / 1000));
  }
  exchange.send(reply);
}

void sendJson(const Call& call, Exchange& exchange, const json::value& body) {
  auto reply = jsonReply(200, body);
  reply.content_type = call.rpc ? "application/x-amz-json-1.0" : "application/json";
  reply.headers = securityHeaders();
  reply.headers.emplace_back("x-amzn-requestid", uuid());
  exchange.send(reply);
}

std::string argument(const Call& call, std::string_view name) {
  auto value = text(member(&call.body, name));
  return value.empty() ? call.request->parameter(name) : value;
}

std::string profileRegion(std::string_view arn) {
  std::vector<std::string_view> fields;
  while (true) {
    const auto colon = arn.find(':');
    fields.push_back(arn.substr(0, colon));
    if (colon == std::string_view::npos) break;
    arn.remove_prefix(colon + 1);
  }
  if (fields.size() != 6 || fields[0] != "arn" || fields[2] != "codewhisperer" ||
      !fields[5].starts_with("profile/")) {
    return {};
  }
  return std::string(fields[3]);
}

bool ownsProfile(const Account& account, std::string_view arn) {
  return std::ranges::find(account.profiles, arn) != account.profiles.end();
}

void serveKiro(World& world, const Route& route, const Request& request, Exchange& exchange) {
  Call call;
  call.route = &route;
  call.request = &request;
  call.runtime = route.service == "runtime";
  call.legacy = route.service == "legacy";
  const bool known = identify(call);
  const bool data =
      call.operation == "GenerateAssistantResponse" || call.operation == "SendMessage";
  if (world.script.anyFault()) {
    const auto header = request.header("authorization");
    const auto owner =
        world.identity.ownerOf(header.starts_with("Bearer ") ? header.substr(7) : "");
    std::vector<std::string> targets{route.service + "." + call.operation};
    targets.push_back(data ? "data" : "control");
    if (call.legacy && !data) targets.push_back("management." + call.operation);
    if (playFault(world, targets, owner, exchange)) return;
  }
  if (!known) {
    call.rpc = !request.header("x-amz-target").empty();
    return sendError(call, exchange, 404, "UnknownOperationException", "Unknown operation");
  }
  if (!checkCaller(world, call, exchange)) return;
  boost::system::error_code error;
  call.body = request.body.empty() ? json::value(json::object()) : json::parse(request.body, error);
  if (error || !call.body.is_object()) {
    return sendError(call, exchange, 400, "ValidationException", "Improperly formed request.",
                     "REQUEST_BODY_INVALID_JSON");
  }
  if (data) return generate(world, call, exchange);
  manage(world, call, exchange);
}

}  // namespace omni::sim
