#include "plugins/kiro/usage.hpp"

#include <algorithm>
#include <cmath>

#include "plugins/kiro/control_plane.hpp"

namespace omni::kiro {
namespace {

constexpr int64_t kIdentityTimeoutMs = 10'000;
// Seconds stay below this until the year 5000; one sample of the wire has milliseconds.
constexpr double kMillisecondsFrom = 1e11;

double precise(const json::object& pool, std::string_view name) {
  const auto exact = number(pool, std::string(name) + "WithPrecision");
  const double value = exact ? *exact : number(pool, name).value_or(0);
  return std::isfinite(value) ? value : 0;
}

void putTime(json::object& out, std::string_view name, const json::object& from,
             std::string_view member) {
  const double value = number(from, member).value_or(0);
  const auto ms = milliseconds(value > kMillisecondsFrom ? value : value * 1000);
  if (ms && *ms > 0) out[name] = *ms;
}

const json::array* list(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found ? found->if_array() : nullptr;
}

struct Totals {
  double limit = 0, used = 0;
  bool any = false;
  json::array items;

  json::object& add(std::string_view kind, std::string_view name, const json::object& pool,
                    bool active) {
    const double pool_limit = precise(pool, "usageLimit");
    const double pool_used = precise(pool, "currentUsage");
    if (active) {
      limit += pool_limit;
      used += pool_used;
      any = true;
    }
    items.push_back(json::object{{"kind", kind},
                                 {"name", name},
                                 {"limit", pool_limit},
                                 {"used", pool_used},
                                 {"active", active}});
    return items.back().get_object();
  }
};

void readPool(const json::object& pool, Totals& totals) {
  const auto name = text(pool, "displayNamePlural");
  putTime(totals.add("credits", name.empty() ? text(pool, "resourceType") : name, pool, true),
          "resetAt", pool, "nextDateReset");
  if (const auto* trial = object(pool, "freeTrialInfo"))
    putTime(totals.add("trial", "Free trial", *trial, text(*trial, "freeTrialStatus") == "ACTIVE"),
            "expiresAt", *trial, "freeTrialExpiry");
  if (const auto* bonuses = list(pool, "bonuses"))
    for (const auto& entry : *bonuses)
      if (const auto* bonus = entry.if_object())
        putTime(totals.add("bonus", text(*bonus, "displayName"), *bonus,
                           text(*bonus, "status") == "ACTIVE"),
                "expiresAt", *bonus, "expiresAt");
  if (const auto cap = precise(pool, "overageCap"); cap > 0) {
    json::object item{{"kind", "overage"},
                      {"name", "Overage"},
                      {"limit", cap},
                      {"used", precise(pool, "currentOverages")},
                      {"active", false}};
    if (const auto rate = number(pool, "overageRate")) item["rate"] = *rate;
    if (const auto charges = number(pool, "overageCharges")) item["charges"] = *charges;
    if (!text(pool, "currency").empty()) item["currency"] = text(pool, "currency");
    totals.items.push_back(std::move(item));
  }
}

}  // namespace

sdk::Result<std::string> accountUsage(sdk::Call& call, const Endpoints& endpoints) {
  auto usage =
      controlPlane(call, endpoints,
                   {.operation = "GetUsageLimits",
                    .body = {{"resourceType", "AGENTIC_REQUEST"}, {"isEmailRequired", true}}});
  if (!usage) return std::unexpected(std::move(usage.error()));
  Totals totals;
  if (const auto* pools = list(*usage, "usageBreakdownList"))
    for (const auto& entry : *pools)
      if (const auto* pool = entry.if_object()) readPool(*pool, totals);
  bool overage = false;
  if (const auto* config = object(*usage, "overageConfiguration"))
    overage = text(*config, "overageStatus") == "ENABLED";
  if (const auto* flag = usage->if_contains("overageEnabled"); flag && flag->is_bool())
    overage = overage || flag->get_bool();
  for (auto& item : totals.items)
    if (item.at("kind") == "overage") item.get_object()["active"] = overage;

  json::object out{{"plan", ""},
                   {"limit", totals.limit},
                   {"used", totals.used},
                   {"remaining", std::max(0.0, totals.limit - totals.used)},
                   {"overage", overage},
                   {"hasData", totals.any},
                   {"items", std::move(totals.items)}};
  if (const auto* subscription = object(*usage, "subscriptionInfo")) {
    out["plan"] = text(*subscription, "subscriptionTitle");
    if (!text(*subscription, "type").empty()) out["planType"] = text(*subscription, "type");
  }
  putTime(out, "resetAt", *usage, "nextDateReset");
  if (const auto* user = object(*usage, "userInfo")) {
    if (!text(*user, "email").empty()) out["email"] = text(*user, "email");
    if (!text(*user, "userId").empty()) out["userId"] = text(*user, "userId");
  }
  return json::serialize(out);
}

sdk::Result<Identity> userOf(sdk::Call& call, const Endpoints& endpoints,
                             const std::string& access_token) {
  auto usage =
      controlPlane(call, endpoints,
                   {.operation = "GetUsageLimits",
                    .body = {{"resourceType", "AGENTIC_REQUEST"}, {"isEmailRequired", true}},
                    .may_refresh = false,
                    .timeout_ms = kIdentityTimeoutMs,
                    .token = access_token});
  if (!usage) return std::unexpected(std::move(usage.error()));
  Identity who;
  if (const auto* user = object(*usage, "userInfo")) {
    who.email = text(*user, "email");
    who.user_id = text(*user, "userId");
  }
  return who;
}

sdk::Result<Identity> identify(sdk::Call& call, const Endpoints& endpoints) {
  auto asked = userOf(call, endpoints, {});
  if (!asked) return asked;
  Identity who = std::move(*asked);
  std::vector<sdk::Change> changes;
  if (!who.email.empty()) changes.push_back({"email", who.email, false});
  if (!who.user_id.empty()) changes.push_back({"userId", who.user_id, false});
  if (changes.empty()) return who;
  if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
  return who;
}

}  // namespace omni::kiro
