#include <gtest/gtest.h>

#include "fake_transfer.hpp"
#include "service/admin/foreign_accounts.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using testing::FakeWriter;
using testing::object;
using testing::text;

ForeignAccount only(const std::string& list) {
  auto accounts = readAccountList(list);
  EXPECT_TRUE(accounts) << accounts.error().message;
  EXPECT_EQ(accounts->size(), 1u);
  return accounts->front();
}

TEST(ForeignAccounts, KiroAccountManagersList) {
  const ForeignAccount account = only(
      R"({"version":"1.2","accounts":[{"id":"x","email":"a@b.c","nickname":"work","idp":"BuilderId",
          "credentials":{"accessToken":"aoa","refreshToken":"aor","clientId":"ci","clientSecret":"cs",
          "region":"us-east-1","expiresAt":1767225600000,"authMethod":"IdC","provider":"BuilderId"}}]})");
  EXPECT_EQ(account.refusal, "");
  EXPECT_EQ(account.name, "work");
  EXPECT_EQ(account.provider, "kiro");
  EXPECT_EQ(text(account.input.at("refreshToken")), "aor");
  EXPECT_EQ(text(account.input.at("clientSecret")), "cs");
  EXPECT_EQ(text(account.input.at("authMethod")), "idc");
  EXPECT_EQ(text(account.input.at("provider")), "BuilderId");
  EXPECT_EQ(text(account.input.at("expiresAt")), "2026-01-01T00:00:00.000Z");
}

TEST(ForeignAccounts, OtherSpellings) {
  ForeignAccount account =
      only(R"([{"refresh_token":"aor","access_token":"aoa","expires_at":1767225600,
                "email":"a@b.c","provider":"Google","auth_method":"social","disabled":true}])");
  EXPECT_EQ(account.name, "a@b.c");
  EXPECT_FALSE(account.active);
  EXPECT_EQ(text(account.input.at("expiresAt")), "2026-01-01T00:00:00.000Z");
  account = only(R"({"refreshToken":"aor","authMethod":"kiro-cli"})");
  EXPECT_FALSE(account.input.contains("authMethod"));
  account = only(
      "\xEF\xBB\xBF"
      R"({"accounts":[{"kiroApiKey":"ksk_x","accessToken":"a"}]})");
  EXPECT_EQ(text(account.input.at("authMethod")), "api_key");
  EXPECT_FALSE(account.input.contains("accessToken"));
}

TEST(ForeignAccounts, ProviderConnections) {
  auto accounts = readAccountList(
      R"({"providerConnections":[
        {"id":"1","provider":"kiro","name":"dev","refreshToken":"aor","isActive":false,
         "providerSpecificData":{"authMethod":"builder-id","region":"eu-west-1","provider":"Imported"}},
        {"id":"2","provider":"openai","apiKey":"sk"},
        {"id":"3","provider":"amazon-q","refreshToken":"aor2"},
        {"id":"4","provider":"kiro","name":"empty"}, 7]})");
  ASSERT_TRUE(accounts);
  ASSERT_EQ(accounts->size(), 5u);
  EXPECT_EQ((*accounts)[0].refusal, "");
  EXPECT_EQ(text((*accounts)[0].input.at("authMethod")), "builder_id");
  EXPECT_EQ(text((*accounts)[0].input.at("region")), "eu-west-1");
  EXPECT_FALSE((*accounts)[0].input.contains("provider"));
  EXPECT_FALSE((*accounts)[0].active);
  EXPECT_NE((*accounts)[1].refusal.find("openai"), std::string::npos);
  EXPECT_EQ((*accounts)[2].provider, "kiro");
  EXPECT_EQ((*accounts)[2].refusal, "");
  EXPECT_NE((*accounts)[3].refusal.find("refresh token"), std::string::npos);
  EXPECT_NE((*accounts)[4].refusal, "");
}

TEST(ForeignAccounts, WhatIsNoListIsRefused) {
  for (const char* list : {"", "{", "7", "null", "{}", R"({"accounts":{}})", R"({"a":[]})"}) {
    const auto accounts = readAccountList(list);
    ASSERT_FALSE(accounts) << list;
    EXPECT_EQ(accounts.error().field, "body");
  }
  std::string many = "[";
  for (size_t i = 0; i <= kMaxForeignAccounts; ++i) many += "{},";
  many.back() = ']';
  EXPECT_FALSE(readAccountList(many));
  EXPECT_FALSE(readAccountList(std::string(100, '[') + std::string(100, ']')));
}

struct BundleWorld : testing::TransferWorld {
  json::object bundle(const std::string& contents) {
    const json::object body{{"passphrase", "the passphrase"},
                            {"bundle", json::object{{"sealed", contents}}}};
    const FakeWriter answer = call("POST", "/api/import/bundle", json::serialize(body));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return object(answer);
  }
};

TEST(Transfer, ABundleCarriesAccountsAndTheProxyThatTheyGoThrough) {
  BundleWorld from;
  from.call("POST", "/api/proxies", R"({"name":"office","url":"socks5://u:hunter2@h:1080"})");
  from.call("PUT", "/api/proxies/assignments",
            R"({"scope":"provider","scopeId":"kiro","proxyId":"office"})");
  const FakeWriter answer = from.call(
      "POST", "/api/export", R"({"passphrase":"the passphrase","connections":["kiro-dev"]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(from.audit.entries.back().action, "connection.exported");

  BundleWorld to;
  to.accounts.rows.clear();
  json::object report = to.bundle(from.cipher.last);
  EXPECT_EQ(report.at("imported").as_int64(), 1) << json::serialize(report);
  ASSERT_EQ(to.accounts.rows.size(), 1u);
  EXPECT_EQ(to.accounts.rows[0].id, "id-dev");
  // The provider's proxy became the account's own.
  ASSERT_EQ(to.proxies.given.size(), 1u);
  EXPECT_EQ(to.proxies.given[0].scope_id, "id-dev");
  EXPECT_EQ(to.proxies.passwords.begin()->second, "hunter2");
  report = to.bundle(from.cipher.last);
  EXPECT_EQ(report.at("skipped").as_int64(), 1) << json::serialize(report);
}

TEST(Transfer, BadExportsAndBundlesAreRefused) {
  BundleWorld world;
  EXPECT_EQ(world.call("POST", "/api/export", R"({"passphrase":"x"})").status, 400);
  EXPECT_EQ(world
                .call("POST", "/api/export",
                      R"({"passphrase":"the passphrase","connections":["nobody"]})")
                .status,
            404);
  EXPECT_EQ(world.call("POST", "/api/export", R"({"passphrase":"the passphrase","connections":[]})")
                .status,
            400);
  EXPECT_EQ(world.call("POST", "/api/import/bundle", R"({"passphrase":"x","bundle":{}})").status,
            400);
  EXPECT_EQ(world.call("POST", "/api/import/bundle", R"({"passphrase":"x"})").status, 400);
  const json::object report = world.bundle(
      R"({"version":1,"connections":[{"id":"a"},{"id":"b","provider":"nope","name":"n"},3,
          {"id":"c","provider":"kiro","name":"c","proxy":"gone"}]})");
  EXPECT_EQ(report.at("refused").as_int64(), 4) << json::serialize(report);
  EXPECT_EQ(world.accounts.rows.size(), 2u);
}

TEST(Transfer, AListIsImportedItemByItem) {
  BundleWorld world;
  world.call("POST", "/api/proxies", R"({"name":"office","host":"h"})");
  const FakeWriter answer =
      world.call("POST", "/api/import/accounts",
                 R"([{"refreshToken":"aor","name":"kiro-dev"},{"name":"nothing"}])", {},
                 {{"proxyId", "office"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::object report = object(answer);
  EXPECT_EQ(report.at("imported").as_int64(), 1);
  EXPECT_EQ(report.at("refused").as_int64(), 1);
  const json::object& first = report.at("results").as_array()[0].as_object();
  EXPECT_EQ(text(first.at("name")), "kiro-dev-2");
  EXPECT_EQ(world.kiro.method, "accounts.import");
  EXPECT_NE(world.kiro.input.find("\"rotate\":false"), std::string::npos) << world.kiro.input;
  ASSERT_EQ(world.proxies.given.size(), 1u);
  EXPECT_EQ(world.proxies.given[0].scope_id, "new-id");
}

TEST(Transfer, AFailedItemLeavesNoProxyAssignmentBehind) {
  BundleWorld world;
  world.call("POST", "/api/proxies", R"({"name":"office","host":"h"})");
  world.kiro.failure = makeError(FailureKind::BadRequest, "expired", "refreshToken").error();
  const FakeWriter answer = world.call("POST", "/api/import/accounts",
                                       R"([{"refreshToken":"aor"}])", {}, {{"proxyId", "office"}});
  const json::object report = object(answer);
  EXPECT_EQ(report.at("refused").as_int64(), 1);
  EXPECT_EQ(text(report.at("results").as_array()[0].as_object().at("field")), "refreshToken");
  EXPECT_TRUE(world.proxies.given.empty());
}

TEST(Transfer, ADatabaseIsImportedWithItsKey) {
  BundleWorld world;
  ForeignRow row;
  row.id = "1";
  row.provider = "kiro";
  row.name = "old";
  row.refresh_token = "enc:aor";
  row.access_token = "enc:aoa";
  row.data = R"({"region":"eu-west-1"})";
  row.active = false;
  world.database.rows = {row};
  world.content_type = "application/json";
  EXPECT_EQ(world.call("POST", "/api/import/omniroute", "bytes").status, 415);
  world.content_type = "application/octet-stream";
  json::object report = object(world.call("POST", "/api/import/omniroute", "bytes"));
  EXPECT_EQ(report.at("refused").as_int64(), 1);
  world.sent["x-omniroute-storage-key"] = "right";
  report = object(world.call("POST", "/api/import/omniroute", "bytes", {}, {{"rotate", "true"}}));
  ASSERT_EQ(report.at("imported").as_int64(), 1) << json::serialize(report);
  EXPECT_NE(world.kiro.input.find("\"refreshToken\":\"aor\""), std::string::npos);
  EXPECT_NE(world.kiro.input.find("\"rotate\":true"), std::string::npos);
  EXPECT_EQ(world.accounts.find("new-id")->state.state, AccountState::Disabled);
  EXPECT_EQ(world.call("POST", "/api/import/omniroute", "bytes", {}, {{"rotate", "1"}}).status,
            400);
}

}  // namespace
}  // namespace omni::admin
