// Checks, switches, versions, health and the log of changes.

#include <gtest/gtest.h>

#include "fakes.hpp"

namespace omni::admin::testing {
namespace {

const std::map<std::string, std::string> kDev{{"id", "kiro-dev"}};

std::vector<std::string> actions(const World& world) {
  std::vector<std::string> out;
  for (const AuditEntry& entry : world.audit.entries) out.push_back(entry.action);
  return out;
}

TEST(AccountLife, EveryChangeIsWrittenDownWithWhoMadeIt) {
  World world;
  world.call("POST", "/api/oauth/{provider}/import", R"({"refreshToken":"x"})",
             {{"provider", "kiro"}});
  world.call("PATCH", "/api/providers/{id}", R"({"name":"renamed"})", kDev);
  const std::map<std::string, std::string> renamed{{"id", "renamed"}};
  world.call("POST", "/api/providers/{id}/disable", {}, renamed);
  world.call("POST", "/api/providers/{id}/disable", {}, renamed);
  world.call("POST", "/api/providers/{id}/enable", {}, renamed);
  world.kiro.answer = R"({"expiresAt":1767229200000})";
  world.call("POST", "/api/providers/{id}/refresh", {}, renamed);
  world.call("DELETE", "/api/providers/{id}", {}, renamed);
  EXPECT_EQ(actions(world), (std::vector<std::string>{"connection.imported", "connection.renamed",
                                                      "connection.disabled", "connection.enabled",
                                                      "token.refreshed", "connection.removed"}));
  EXPECT_EQ(world.audit.entries[1].detail, R"({"from":"kiro-dev","to":"renamed"})");
  EXPECT_TRUE(world.audit.entries[1].actor.starts_with("admin@"));
  const auto page =
      object(world.call("GET", "/api/audit", {}, {}, {{"connection", "id-dev"}, {"limit", "2"}}));
  const auto& entries = page.at("entries").as_array();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(text(entries[0].as_object().at("action")), "connection.removed");
  EXPECT_EQ(text(entries[0].as_object().at("subjectName")), "kiro/renamed");
  EXPECT_EQ(world.call("GET", "/api/audit", {}, {}, {{"limit", "0"}}).status, 400);
}

TEST(AccountLife, TheSecondOfTwoEditorsIsTold) {
  World world;
  const auto read = world.call("GET", "/api/providers/{id}", {}, kDev);
  const std::string version = text(object(read).at("version"));
  EXPECT_EQ(read.headers.at("etag"), "\"" + version + "\"");
  world.sent["if-match"] = "\"" + version + "\"";
  EXPECT_EQ(world.call("PATCH", "/api/providers/{id}", R"({"isActive":false})", kDev).status, 200);
  const auto late = world.call("PATCH", "/api/providers/{id}", R"({"name":"x"})", kDev);
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(text(object(late).at("error").as_object().at("reason")), "version_changed");
  EXPECT_EQ(world.accounts.find("id-dev")->name, "kiro-dev");
}

TEST(AccountLife, ARefreshThatWorkedEndsCoolingAndNothingGraver) {
  for (const auto& [before, after] : {std::pair(AccountState::Cooling, AccountState::Active),
                                      std::pair(AccountState::ReauthRequired, AccountState::Active),
                                      std::pair(AccountState::Exhausted, AccountState::Exhausted),
                                      std::pair(AccountState::Disabled, AccountState::Disabled)}) {
    World world;
    world.accounts.find("id-dev")->state.state = before;
    world.kiro.answer = R"({"expiresAt":1767229200000})";
    EXPECT_EQ(world.call("POST", "/api/providers/{id}/refresh", {}, kDev).status, 200);
    EXPECT_EQ(world.accounts.find("id-dev")->state.state, after);
    EXPECT_EQ(world.health.records["id-dev"].last_success_ms, world.clock.now);
  }
}

TEST(AccountLife, ATestThatPassedEndsASuspension) {
  World world;
  world.accounts.find("id-dev")->state.state = AccountState::Suspended;
  world.kiro.answer = R"({"checks":[{"name":"usage","ok":true,"message":"fine"}]})";
  world.call("POST", "/api/providers/{id}/test", {}, kDev);
  EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::Active);
}

TEST(AccountLife, ATestSaysWhatFailedAndWhatToDoAndWhatItMeans) {
  struct Row {
    const char *kind, *type;
    AccountState after;
  };
  for (const Row& row : {Row{"network", "network_error", AccountState::Active},
                         Row{"timeout", "network_error", AccountState::Active},
                         Row{"upstream", "upstream_error", AccountState::Active},
                         Row{"auth_invalid", "token_refresh_failed", AccountState::Active},
                         Row{"not_authorized", "upstream_auth_error", AccountState::Active},
                         Row{"rate_limited", "upstream_rate_limited", AccountState::Active},
                         Row{"capacity", "upstream_unavailable", AccountState::Active},
                         Row{"of a later plugin", "upstream_error", AccountState::Active},
                         Row{"reauth_required", "reauth_required", AccountState::ReauthRequired},
                         Row{"suspended", "account_deactivated", AccountState::Suspended},
                         Row{"quota", "quota_exhausted", AccountState::Exhausted}}) {
    SCOPED_TRACE(row.kind);
    World world;
    world.kiro.answer =
        R"({"checks":[{"name":"token","ok":true,"message":"fine"},{"name":"usage","ok":false,)"
        R"("message":"it is so","advice":"do this","reason":"R","kind":")" +
        std::string(row.kind) + "\"}]}";
    const auto shown = object(world.call("POST", "/api/providers/{id}/test", {}, kDev));
    EXPECT_FALSE(shown.at("valid").as_bool());
    const auto& found = shown.at("diagnosis").as_object();
    EXPECT_EQ(text(found.at("type")), row.type);
    EXPECT_EQ(text(found.at("message")), "it is so");
    EXPECT_EQ(text(found.at("advice")), "do this");
    EXPECT_EQ(text(found.at("check")), "usage");
    EXPECT_EQ(text(found.at("code")), "R");
    EXPECT_EQ(world.accounts.find("id-dev")->state.state, row.after);
    EXPECT_EQ(world.accounts.find("id-pro")->state.state, AccountState::Active);
    EXPECT_EQ(world.health.records["id-dev"].last_error, "it is so");
  }
}

TEST(AccountLife, ATestNeverTouchesWhatAPersonDisabled) {
  World world;
  world.accounts.find("id-dev")->state.state = AccountState::Disabled;
  for (const char* answer :
       {R"({"checks":[{"name":"usage","ok":true,"message":"fine"}]})",
        R"({"checks":[{"name":"usage","ok":false,"message":"dead","kind":"reauth_required"}]})"}) {
    world.kiro.answer = answer;
    world.call("POST", "/api/providers/{id}/test", {}, kDev);
    EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::Disabled);
  }
}

TEST(AccountLife, AnImportInPlaceKeepsWhatIsTheAccounts) {
  World world;
  const auto import = [&](const char* body) {
    return world.call("POST", "/api/oauth/{provider}/import", body, {{"provider", "kiro"}});
  };
  EXPECT_EQ(import(R"({"refreshToken":"x","mode":"replace","connectionId":"kiro-dev"})").status,
            200);
  EXPECT_EQ(world.kiro.input, R"({"refreshToken":"x"})");
  EXPECT_EQ(actions(world), std::vector<std::string>{"connection.replaced"});
  for (const auto& [body, status, field] :
       {std::tuple(R"({"mode":"merge"})", 400, "mode"),
        std::tuple(R"({"mode":"replace"})", 400, "connectionId"),
        std::tuple(R"({"connectionId":"kiro-dev"})", 400, "connectionId"),
        std::tuple(R"({"mode":"replace","connectionId":"kiro-dev","name":"n"})", 400, "name"),
        std::tuple(R"({"mode":"replace","connectionId":"kiro-dev","proxyId":"p"})", 400, "proxyId"),
        std::tuple(R"({"mode":"replace","connectionId":"nobody"})", 404, "id")}) {
    const auto refused = import(body);
    EXPECT_EQ(refused.status, status) << body;
    EXPECT_EQ(text(object(refused).at("error").as_object().at("field")), field) << body;
  }
}

TEST(AccountLife, WhatAPluginKeepsForItselfIsNotShown) {
  World world;
  Connection& dev = *world.accounts.find("id-dev");
  dev.values["clientId"] = "c";
  for (const char* own : {"fingerprint", "models", "modelsTriedAt", "forcedRefreshAt"})
    dev.values[own] = "x";
  const auto shown = object(world.call("GET", "/api/providers/{id}", {}, kDev));
  const auto& data = shown.at("providerSpecificData").as_object();
  EXPECT_EQ(text(data.at("clientId")), "c");
  for (const char* own : {"fingerprint", "models", "modelsTriedAt", "forcedRefreshAt"})
    EXPECT_FALSE(data.contains(own)) << own;
}

TEST(AccountLife, IsolatingSaysTheOneCallThatHelps) {
  World world;
  world.kiro.answer = R"({"isolation":"shared","isolationReason":"r","signInNeeded":true})";
  const auto shown = object(world.call("POST", "/api/providers/{id}/isolate", {}, kDev));
  EXPECT_EQ(world.kiro.method, "accounts.isolate");
  const auto& call = shown.at("signIn").as_object();
  EXPECT_EQ(text(call.at("path")), "/api/oauth/kiro/signin");
  EXPECT_EQ(text(call.at("body").as_object().at("connectionId")), "id-dev");
}

TEST(AccountLife, UsageModelsAndProfilesAreShownAsTheyAre) {
  World world;
  world.kiro.answer = R"({"plan":"PRO","used":1})";
  const auto usage = object(world.call("GET", "/api/providers/{id}/usage", {}, kDev));
  EXPECT_EQ(world.kiro.method, "accounts.usage");
  EXPECT_EQ(text(usage.at("plan")), "PRO");
  EXPECT_EQ(text(usage.at("connectionId")), "id-dev");
  world.call("GET", "/api/providers/{id}/models", {}, kDev);
  EXPECT_EQ(world.kiro.method, "models.list");
  world.call("GET", "/api/providers/{id}/profiles", {}, kDev);
  EXPECT_EQ(world.kiro.method, "accounts.profiles");
  EXPECT_EQ(world.kiro.input, "{}");
  world.call("POST", "/api/providers/{id}/profiles", R"({"select":"arn:x"})", kDev);
  EXPECT_EQ(world.kiro.input, R"({"select":"arn:x"})");
  EXPECT_EQ(world.call("POST", "/api/providers/{id}/profiles", "{}", kDev).status, 400);
  world.kiro.failure = makeError(FailureKind::Unsupported, "").error();
  EXPECT_EQ(world.call("GET", "/api/providers/{id}/usage", {}, kDev).status, 400);
  world.kiro.failure = makeError(FailureKind::Suspended, "support: https://x").error();
  EXPECT_EQ(world.call("GET", "/api/providers/{id}/usage", {}, kDev).status, 403);
  EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::Suspended);
}

TEST(AccountLife, HealthCountsDownPerAccount) {
  World world;
  Connection& dev = *world.accounts.find("id-dev");
  dev.values["clientSecretExpiresAt"] = std::to_string(world.clock.now + 2 * kDayMs + 1);
  dev.values["expiresAt"] = std::to_string(world.clock.now + kHourMs);
  dev.values["isolation"] = "dedicated";
  world.accounts.find("id-pro")->state.state = AccountState::ReauthRequired;
  world.quota.readings["id-dev"] = {
      .limit = 50, .used = 12.5, .resets_at_ms = world.clock.now + kHourMs, .taken_ms = 0};
  const auto shown = object(world.call("GET", "/api/token-health"));
  EXPECT_EQ(shown.at("total").to_number<int>(), 2);
  EXPECT_EQ(text(shown.at("status")), "error");
  const auto& first = shown.at("connections").as_array().at(0).as_object();
  EXPECT_EQ(text(first.at("name")), "kiro-dev");
  EXPECT_EQ(text(first.at("status")), "warning");
  EXPECT_EQ(first.at("registration").as_object().at("daysLeft").to_number<int>(), 2);
  EXPECT_EQ(text(first.at("registration").as_object().at("level")), "urgent");
  EXPECT_EQ(text(first.at("tokenExpiresAt")), "2026-01-01T01:00:00.000Z");
  EXPECT_TRUE(first.at("nextCheckAt").is_string());
  EXPECT_TRUE(first.at("lastCheckAt").is_null());
  EXPECT_EQ(text(first.at("isolation")), "dedicated");
  const auto& quota = first.at("quota").as_object();
  EXPECT_EQ(quota.at("limit").to_number<double>(), 50);
  EXPECT_EQ(quota.at("used").to_number<double>(), 12.5);
  EXPECT_FALSE(quota.at("unlimited").as_bool());
  EXPECT_EQ(text(quota.at("resetsAt")), "2026-01-01T01:00:00.000Z");
  EXPECT_TRUE(quota.at("takenAt").is_null());
  EXPECT_TRUE(shown.at("connections").as_array().at(1).as_object().at("quota").is_null());
}

}  // namespace
}  // namespace omni::admin::testing
