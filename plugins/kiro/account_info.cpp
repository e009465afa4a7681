#include "plugins/kiro/account_info.hpp"

#include <fmt/format.h>

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/region.hpp"
#include "plugins/kiro/upstream_error.hpp"

namespace omni::kiro {
namespace {

// One JSON-RPC call of the control plane, with one refresh when the token was refused.
sdk::Result<json::object> control(sdk::Call& call, const Endpoints& endpoints,
                                  std::string_view operation, json::object body) {
  const std::string arn = call.value("profileArn").value_or("");
  if (!arn.empty()) body["profileArn"] = arn;
  body["origin"] = "AI_EDITOR";
  const std::string text = json::serialize(body);
  const std::string region = serviceRegion(arn);
  sdk::HttpRequest request;
  request.url = (endpoints.wire(!arn.empty()) == Wire::Legacy ? endpoints.legacy(region)
                                                              : endpoints.management(region)) +
                "/";
  request.body = text;
  request.idempotent = true;
  request.first_byte_timeout_ms = 20'000;
  std::string seen;
  for (int attempt = 0;; ++attempt) {
    auto token = freshAccessToken(call, endpoints,
                                  seen.empty() ? RefreshWhen::NearExpiry : RefreshWhen::Now, seen);
    if (!token) return std::unexpected(std::move(token.error()));
    request.headers = {{"Content-Type", "application/x-amz-json-1.0"},
                       {"X-Amz-Target", "AmazonCodeWhispererService." + std::string(operation)},
                       {"Authorization", "Bearer " + *token},
                       {"User-Agent", userAgent()}};
    auto response = call.fetch(request);
    if (!response) return std::unexpected(std::move(response.error()));
    if (response->status == 200) {
      auto object = parseObject(response->body);
      if (!object)
        return sdk::fail(OMNI_FAILURE_PROTOCOL,
                         fmt::format("{} sent an answer that is not JSON", operation));
      return std::move(*object);
    }
    auto failure = runtimeFailure(readError(*response));
    if (failure.kind != OMNI_FAILURE_AUTH_INVALID || attempt > 0)
      return std::unexpected(std::move(failure));
    seen = *token;
  }
}

}  // namespace

sdk::Result<std::string> describeAccount(sdk::Call& call) {
  json::object out;
  for (auto name :
       {"authMethod", "isolation", "isolationReason", "region", "profileArn", "clientId"})
    if (auto value = call.value(name)) out[name] = *value;
  for (auto name : {"expiresAt", "clientSecretExpiresAt"})
    if (auto value = call.value(name)) out[name] = std::stoll(*value);
  return json::serialize(out);
}

sdk::Result<std::string> testAccount(sdk::Call& call, const Endpoints& endpoints) {
  json::array checks;
  const auto add = [&](std::string_view name, const sdk::Failure* failure, std::string_view good) {
    checks.push_back(
        json::object{{"name", name},
                     {"ok", failure == nullptr},
                     {"message", failure ? std::string_view(failure->message) : good}});
  };
  auto token = freshAccessToken(call, endpoints, RefreshWhen::Now);
  if (!token && (token.error().cancelled || token.error().reported))
    return std::unexpected(std::move(token.error()));
  add("refresh", token ? nullptr : &token.error(), "the sign-in service gave a new access token");
  if (token) {
    auto usage = control(call, endpoints, "GetUsageLimits", {{"resourceType", "AGENTIC_REQUEST"}});
    if (!usage && (usage.error().cancelled || usage.error().reported))
      return std::unexpected(std::move(usage.error()));
    add("usage", usage ? nullptr : &usage.error(), "Kiro knows the account and tells its usage");
  }
  return json::serialize(json::object{{"checks", std::move(checks)}});
}

sdk::Result<std::string> accountUsage(sdk::Call& call, const Endpoints& endpoints) {
  auto usage = control(call, endpoints, "GetUsageLimits", {{"resourceType", "AGENTIC_REQUEST"}});
  if (!usage) return std::unexpected(std::move(usage.error()));
  double limit = 0, used = 0;
  const auto count = [&](const json::object& pool) {
    const auto value = [&](std::string_view name) {
      const auto precise = number(pool, std::string(name) + "WithPrecision");
      return precise ? *precise : number(pool, name).value_or(0);
    };
    limit += value("usageLimit");
    used += value("currentUsage");
  };
  // Base, trial and bonus count together, as upstream spends them (kiro-protocol E.11).
  if (const auto* list = usage->if_contains("usageBreakdownList"); list && list->is_array())
    for (const auto& entry : list->get_array()) {
      const auto* pool = entry.if_object();
      if (!pool) continue;
      count(*pool);
      if (const auto* trial = object(*pool, "freeTrialInfo");
          trial && text(*trial, "freeTrialStatus") == "ACTIVE")
        count(*trial);
      if (const auto* bonuses = pool->if_contains("bonuses"); bonuses && bonuses->is_array())
        for (const auto& bonus : bonuses->get_array())
          if (const auto* b = bonus.if_object(); b && text(*b, "status") == "ACTIVE") count(*b);
    }
  json::object out{{"limit", limit}, {"used", used}};
  if (const auto* subscription = object(*usage, "subscriptionInfo"))
    out["plan"] = text(*subscription, "subscriptionTitle");
  if (const auto reset = number(*usage, "nextDateReset"))
    out["resetAt"] = static_cast<int64_t>(*reset * 1000);
  if (const auto* overage = object(*usage, "overageConfiguration"))
    out["overage"] = text(*overage, "overageStatus") == "ENABLED";
  if (const auto* user = object(*usage, "userInfo")) {
    out["email"] = text(*user, "email");
    out["userId"] = text(*user, "userId");
  }
  return json::serialize(out);
}

sdk::Result<std::string> listModels(sdk::Call& call, const Endpoints& endpoints) {
  auto answer = control(call, endpoints, "ListAvailableModels", {});
  if (!answer) return std::unexpected(std::move(answer.error()));
  json::array models;
  if (const auto* list = answer->if_contains("models"); list && list->is_array())
    for (const auto& entry : list->get_array()) {
      const auto* model = entry.if_object();
      if (!model || text(*model, "modelId").empty()) continue;
      json::object out{{"id", text(*model, "modelId")}, {"name", text(*model, "modelName")}};
      if (const auto* limits = object(*model, "tokenLimits")) {
        out["contextWindow"] = static_cast<int64_t>(number(*limits, "maxInputTokens").value_or(0));
        out["maxOutput"] = static_cast<int64_t>(number(*limits, "maxOutputTokens").value_or(0));
      }
      models.push_back(std::move(out));
    }
  return json::serialize(json::object{{"models", std::move(models)}});
}

}  // namespace omni::kiro
