// The control plane: models, profiles, usage, and web search.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "simulator/catalogue.hpp"
#include "simulator/kiro.hpp"
#include "simulator/random.hpp"

namespace omni::sim {
namespace {

constexpr std::size_t kProfilePage = 10;

struct Page {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string next;
};

std::size_t asNumber(const std::string& digits, std::size_t otherwise) {
  std::size_t value = otherwise;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return result.ec == std::errc() ? value : otherwise;
}

Page page(const Call& call, std::size_t total, std::size_t size) {
  if (const auto* wanted = member(&call.body, "maxResults")) {
    size = static_cast<std::size_t>(std::max<std::int64_t>(1, integer(wanted, 1)));
  } else {
    size = std::max<std::size_t>(1, asNumber(call.request->parameter("maxResults"), size));
  }
  Page out;
  out.begin = std::min(asNumber(argument(call, "nextToken"), 0), total);
  out.end = std::min(out.begin + size, total);
  if (out.end < total) out.next = std::to_string(out.end);
  return out;
}

void badProfile(const Call& call, Exchange& exchange) {
  sendError(call, exchange, 400, "ValidationException", "Invalid profileArn.");
}

// The new hosts insist on the caller's own profile; the old ones let it be missing.
bool checkProfile(const Call& call, Exchange& exchange) {
  const auto arn = argument(call, "profileArn");
  const auto& account = *call.account;
  if (arn.empty()) {
    if (call.legacy || account.kind == AccountKind::kApiKey) return true;
    badProfile(call, exchange);
    return false;
  }
  const auto region = profileRegion(arn);
  if (region.empty()) {
    badProfile(call, exchange);
    return false;
  }
  if (!ownsProfile(account, arn) || region != call.route->region) {
    sendError(call, exchange, 403, "AccessDeniedException",
              "The bearer token included in the request is invalid.");
    return false;
  }
  return true;
}

void listModels(const Call& call, Exchange& exchange) {
  if (argument(call, "origin").empty()) {
    return sendError(call, exchange, 400, "ValidationException", "origin is required");
  }
  if (!checkProfile(call, exchange)) return;
  std::vector<const Model*> visible;
  for (const auto& model : catalogue()) {
    if (!model.paid || call.account->plan != "FREE") visible.push_back(&model);
  }
  const auto part = page(call, visible.size(), visible.size());
  json::array models;
  for (auto i = part.begin; i < part.end; ++i) models.push_back(describe(*visible[i]));
  json::object out;
  out["defaultModel"] = json::object{{"modelId", "auto"}};
  out["models"] = std::move(models);
  if (!part.next.empty()) out["nextToken"] = part.next;
  sendJson(call, exchange, out);
}

json::object profileOf(const std::string& arn) {
  json::object out;
  out["arn"] = arn;
  out["profileName"] = "KiroProfile-" + profileRegion(arn);
  out["profileType"] = "KIRO";
  out["status"] = "ACTIVE";
  return out;
}

void listProfiles(const Call& call, Exchange& exchange) {
  const auto& account = *call.account;
  if (account.kind == AccountKind::kApiKey) {
    return sendError(call, exchange, 403, "AccessDeniedException",
                     call.legacy ? "API key authentication is not supported for this operation."
                                 : "Unsupported token type");
  }
  std::vector<std::string> here;
  for (const auto& arn : account.profiles) {
    if (profileRegion(arn) == call.route->region) here.push_back(arn);
  }
  if (account.kind == AccountKind::kBuilderId && account.plan == "FREE") {
    return sendError(call, exchange, 403, "AccessDeniedException",
                     "User is not authorized to make this call");
  }
  const auto part = page(call, here.size(), kProfilePage);
  json::array profiles;
  for (auto i = part.begin; i < part.end; ++i) profiles.push_back(profileOf(here[i]));
  json::object out;
  out["profiles"] = std::move(profiles);
  if (!part.next.empty()) out["nextToken"] = part.next;
  sendJson(call, exchange, out);
}

void getProfile(const Call& call, Exchange& exchange) {
  auto arn = argument(call, "profileArn");
  if (arn.empty()) {
    for (const auto& own : call.account->profiles) {
      if (profileRegion(own) == call.route->region) arn = own;
    }
    if (arn.empty()) {
      return sendError(call, exchange, 403, "AccessDeniedException",
                       "User is not authorized to make this call");
    }
  } else if (!checkProfile(call, exchange)) {
    return;
  }
  auto profile = profileOf(arn);
  profile["optInFeatures"] = json::object{{"webTools", json::object{{"toggle", "ON"}}}};
  json::object out;
  out["profile"] = std::move(profile);
  sendJson(call, exchange, out);
}

// The first second of the next month, in UTC.
std::int64_t nextMonth(std::int64_t now) {
  using namespace std::chrono;
  const year_month_day today{floor<days>(sys_seconds{seconds{now}})};
  const auto next = year_month{today.year(), today.month()} + months{1};
  return sys_seconds{sys_days{next / 1}}.time_since_epoch().count();
}

void usage(World& world, const Call& call, Exchange& exchange) {
  if (!checkProfile(call, exchange)) return;
  const auto& account = *call.account;
  const auto now = world.clock.seconds();
  const auto reset = static_cast<double>(nextMonth(now));
  json::object breakdown;
  breakdown["resourceType"] = "CREDIT";
  breakdown["displayName"] = "Credit";
  breakdown["displayNamePlural"] = "Credits";
  breakdown["unit"] = "INVOCATIONS";
  breakdown["currentUsage"] = static_cast<std::int64_t>(account.used);
  breakdown["currentUsageWithPrecision"] = account.used;
  breakdown["usageLimit"] = static_cast<std::int64_t>(account.limit);
  breakdown["usageLimitWithPrecision"] = account.limit;
  breakdown["currentOverages"] = 0;
  breakdown["currentOveragesWithPrecision"] = std::max(0.0, account.used - account.limit);
  breakdown["overageCap"] = 10000;
  breakdown["overageRate"] = 0.04;
  breakdown["overageCharges"] = 0.0;
  breakdown["currency"] = "USD";
  breakdown["nextDateReset"] = reset;
  if (account.trial_limit > 0) {
    json::object trial;
    trial["freeTrialStatus"] = "ACTIVE";
    trial["freeTrialExpiry"] = static_cast<double>(now + 14 * 86400);
    trial["currentUsage"] = static_cast<std::int64_t>(account.trial_used);
    trial["currentUsageWithPrecision"] = account.trial_used;
    trial["usageLimit"] = static_cast<std::int64_t>(account.trial_limit);
    trial["usageLimitWithPrecision"] = account.trial_limit;
    breakdown["freeTrialInfo"] = std::move(trial);
  }
  json::array bonuses;
  for (const auto& bonus : account.bonuses) bonuses.push_back(bonus);
  breakdown["bonuses"] = std::move(bonuses);

  json::object subscription;
  auto title = account.plan == "PRO_PLUS" ? std::string("PRO+") : account.plan;
  subscription["subscriptionTitle"] = "KIRO " + title;
  subscription["type"] = "Q_DEVELOPER_STANDALONE_" + account.plan;
  subscription["upgradeCapability"] = "UPGRADE_CAPABLE";
  subscription["overageCapability"] =
      account.plan == "FREE" ? "OVERAGE_INCAPABLE" : "OVERAGE_CAPABLE";
  subscription["subscriptionManagementTarget"] = account.plan == "FREE" ? "PURCHASE" : "MANAGE";

  json::object user;
  user["userId"] = account.user_id;
  user["email"] = argument(call, "isEmailRequired") == "true" ||
                          (call.body.as_object().contains("isEmailRequired") &&
                           flag(call.body.as_object(), "isEmailRequired"))
                      ? json::value(account.email)
                      : json::value(nullptr);
  json::object out;
  out["limits"] = json::array();
  out["nextDateReset"] = reset;
  out["daysUntilReset"] = (static_cast<std::int64_t>(reset) - now) / 86400;
  out["usageBreakdown"] = nullptr;
  json::array list;
  list.push_back(std::move(breakdown));
  out["usageBreakdownList"] = std::move(list);
  out["subscriptionInfo"] = std::move(subscription);
  json::object overage;
  overage["overageStatus"] = account.overage ? "ENABLED" : "DISABLED";
  out["overageConfiguration"] = std::move(overage);
  out["userInfo"] = std::move(user);
  sendJson(call, exchange, out);
}

void invokeMcp(const Call& call, Exchange& exchange) {
  auto arn = argument(call, "profileArn");
  if (arn.empty()) arn = call.request->header("x-amzn-kiro-profile-arn");
  if (arn.empty() && call.runtime && call.account->kind != AccountKind::kApiKey) {
    return sendError(call, exchange, 400, "ValidationException",
                     "profileArn is required for this request.");
  }
  if (!arn.empty() && !ownsProfile(*call.account, arn)) {
    return sendError(call, exchange, 403, "AccessDeniedException",
                     "The bearer token included in the request is invalid.");
  }
  const auto& body = call.body.as_object();
  const auto method = text(body, "method");
  json::object out;
  out["jsonrpc"] = "2.0";
  out["id"] = body.contains("id") ? body.at("id") : json::value(nullptr);
  json::object result;
  if (method == "initialize") {
    result["protocolVersion"] = "2024-11-05";
    result["capabilities"] = json::object{{"tools", json::object()}};
    result["serverInfo"] = json::object{{"name", "kiro-sim"}, {"version", "1"}};
  } else if (method == "notifications/initialized") {
    return sendJson(call, exchange, json::object());
  } else if (method == "tools/list") {
    json::object tool;
    tool["name"] = "web_search";
    tool["description"] = "Searches the web";
    tool["inputSchema"] = json::parse(
        R"({"type":"object","properties":{"query":{"type":"string"}},"required":["query"]})");
    json::array tools;
    tools.push_back(std::move(tool));
    result["tools"] = std::move(tools);
  } else if (method == "tools/call" &&
             text(member(member(body, "params"), "name")) == "web_search") {
    const auto query = text(member(member(member(body, "params"), "arguments"), "query"));
    json::object hit;
    hit["title"] = "About " + query;
    hit["url"] = "https://example.com/" + percentEncode(query);
    hit["snippet"] = "A simulated result for " + query;
    hit["id"] = "1";
    hit["domain"] = "example.com";
    json::array hits;
    hits.push_back(std::move(hit));
    json::object found;
    found["results"] = std::move(hits);
    found["totalResults"] = 1;
    found["query"] = query;
    found["error"] = nullptr;
    json::object content;
    content["type"] = "text";
    content["text"] = json::serialize(found);
    json::array contents;
    contents.push_back(std::move(content));
    result["content"] = std::move(contents);
    result["isError"] = false;
  } else {
    json::object error;
    error["code"] = -32601;
    error["message"] = "Method not found";
    out["error"] = std::move(error);
    return sendJson(call, exchange, out);
  }
  out["result"] = std::move(result);
  sendJson(call, exchange, out);
}

}  // namespace

void manage(World& world, const Call& call, Exchange& exchange) {
  const auto& operation = call.operation;
  if (operation == "ListAvailableModels") return listModels(call, exchange);
  if (operation == "ListAvailableProfiles") return listProfiles(call, exchange);
  if (operation == "GetProfile") return getProfile(call, exchange);
  if (operation == "GetUsageLimits") return usage(world, call, exchange);
  if (operation == "InvokeMCP") return invokeMcp(call, exchange);
  json::object out;
  if (operation == "CreateSubscriptionToken") {
    out["encodedVerificationUrl"] = "https://example.com/subscribe";
    out["status"] = "INACTIVE";
    out["token"] = randomText(32);
  } else if (operation == "ListAvailableSubscriptions") {
    out["subscriptionPlans"] = json::array();
  } else if (operation == "GetFeatureConfiguration" || operation == "ListFeatureEvaluations") {
    out["featureEvaluations"] = json::array();
  }
  sendJson(call, exchange, out);
}

}  // namespace omni::sim
