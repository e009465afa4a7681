#include <gtest/gtest.h>

#include "fakes.hpp"

namespace omni::admin::testing {
namespace {

constexpr const char* kImport = "/api/oauth/{provider}/import";
constexpr const char* kOne = "/api/providers/{id}";
constexpr const char* kRefresh = "/api/providers/{id}/refresh";
constexpr const char* kTest = "/api/providers/{id}/test";
const std::string kToken = "aorAAAAAG" + std::string(200, 'x');

Error failure(FailureKind kind, std::string message) {
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  return error;
}

TEST(Import, GivesTheBodyWithoutTheNameToThePlugin) {
  World world;
  const auto answer = world.call(
      "POST", kImport, R"({"refreshToken":")" + kToken + R"(","region":"eu-west-1","name":"work"})",
      {{"provider", "kiro"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(world.kiro.finished, "work");
  EXPECT_EQ(world.kiro.method, "accounts.import");
  const auto input = boost::json::parse(world.kiro.input).as_object();
  EXPECT_EQ(input.size(), 2u);
  EXPECT_EQ(text(input.at("refreshToken")), kToken);
  EXPECT_EQ(text(input.at("region")), "eu-west-1");
}

TEST(Import, AnswersInTheDocumentedShape) {
  World world;
  const auto answer =
      world.call("POST", kImport, R"({"refreshToken":")" + kToken + "\"}", {{"provider", "kiro"}});
  const auto body = object(answer);
  EXPECT_TRUE(body.at("success").as_bool());
  const auto& connection = body.at("connection").as_object();
  EXPECT_EQ(text(connection.at("id")), "new-id");
  EXPECT_EQ(text(connection.at("provider")), "kiro");
  EXPECT_TRUE(connection.at("email").is_null());
  EXPECT_EQ(text(connection.at("clientId")), "client-1");
  EXPECT_EQ(text(connection.at("region")), "us-east-1");
  EXPECT_EQ(text(connection.at("isolation")), "registered");
  EXPECT_EQ(answer.headers.at("x-omniroute-admin"), "open-on-loopback");
  EXPECT_EQ(answer.body.find(kToken), std::string::npos);
}

TEST(Import, ANameThatIsTakenIsRefusedBeforeTheTokenIsUsedUp) {
  World world;
  const auto answer =
      world.call("POST", kImport, R"({"refreshToken":")" + kToken + R"(","name":"KIRO-dev"})",
                 {{"provider", "kiro"}});
  EXPECT_EQ(answer.status, 409) << answer.body;
  EXPECT_TRUE(world.kiro.input.empty());
}

TEST(Import, ANameTakenMeanwhileDoesNotCostTheAccount) {
  World world;
  world.kiro.name_taken = true;
  const auto answer =
      world.call("POST", kImport, R"({"refreshToken":")" + kToken + R"(","name":"work"})",
                 {{"provider", "kiro"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(world.kiro.finished, "");
}

TEST(Accounts, WhoIsTheSamePersonIsSaid) {
  World world;
  world.accounts.rows.at(0).values["userId"] = "u-1";
  for (const bool same : {false, true}) {
    world.accounts.rows.at(1).values["userId"] = same ? "u-1" : "u-2";
    const auto one = object(world.call("GET", kOne, {}, {{"id", world.accounts.rows[0].id}}));
    ASSERT_EQ(one.contains("samePersonAs"), same);
    if (same) {
      EXPECT_EQ(text(one.at("samePersonAs").at(0)), world.accounts.rows[1].name);
    }
    const auto all = object(world.call("GET", "/api/providers"));
    EXPECT_EQ(all.at("connections").at(1).as_object().contains("samePersonAs"), same);
  }
}

TEST(Import, BadBodiesAreRefusedBeforeThePluginSeesThem) {
  for (const char* body :
       {"", "{", "[]", "{} x", R"({"name":7})", R"({"name":"a/b"})", R"({"name":" a"})",
        R"({"name":""})", "{\"name\":\"a\\u0007\"}", "{\"name\":\"\\u0085\"}"}) {
    World world;
    const auto answer = world.call("POST", kImport, body, {{"provider", "kiro"}});
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_TRUE(world.kiro.input.empty()) << body;
  }
}

TEST(Import, BadJsonIsPointedAtByOffset) {
  World world;
  const auto answer = world.call("POST", kImport, R"({"a": ?})", {{"provider", "kiro"}});
  EXPECT_NE(answer.body.find("byte 6"), std::string::npos) << answer.body;
}

TEST(Import, NamesCountCharactersNotBytes) {
  std::string hundred;
  for (int i = 0; i < 100; ++i) hundred += "é";
  World world;
  EXPECT_EQ(
      world.call("POST", kImport, "{\"name\":\"" + hundred + "\"}", {{"provider", "kiro"}}).status,
      200);
  EXPECT_EQ(
      world.call("POST", kImport, "{\"name\":\"" + hundred + "é\"}", {{"provider", "kiro"}}).status,
      400);
}

TEST(Import, UnknownProviderNamesTheLoadedOnes) {
  World world;
  const auto answer = world.call("POST", kImport, "{}", {{"provider", "nope"}});
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.body.find("kiro"), std::string::npos);
}

TEST(Import, PassesTheProvidersErrorsOn) {
  World world;
  world.kiro.failure = failure(FailureKind::Conflict, "This token is there already.");
  world.kiro.failure->conflict_id = "id-dev";
  auto answer = world.call("POST", kImport, "{}", {{"provider", "kiro"}});
  EXPECT_EQ(answer.status, 409);
  EXPECT_NE(answer.body.find("id-dev"), std::string::npos);
  world.kiro.failure = failure(FailureKind::Network, "127.0.0.1 does not answer.");
  answer = world.call("POST", kImport, "{}", {{"provider", "kiro"}});
  EXPECT_EQ(answer.status, 502);
  EXPECT_NE(answer.body.find("127.0.0.1"), std::string::npos);
}

TEST(List, PagesAndCounts) {
  World world;
  auto body = object(world.call("GET", "/api/providers"));
  EXPECT_EQ(body.at("total").as_int64(), 2);
  EXPECT_EQ(body.at("connections").as_array().size(), 2u);
  body = object(world.call("GET", "/api/providers", {}, {}, {{"limit", "1"}, {"offset", "1"}}));
  EXPECT_EQ(body.at("total").as_int64(), 2);
  ASSERT_EQ(body.at("connections").as_array().size(), 1u);
  EXPECT_EQ(text(body.at("connections").at(0).at("name")), "kiro-pro");
  body = object(world.call("GET", "/api/providers", {}, {}, {{"offset", "9"}}));
  EXPECT_TRUE(body.at("connections").as_array().empty());
  for (const char* bad : {"-1", "", "x", "1x", "99999999999999999999999"})
    EXPECT_EQ(world.call("GET", "/api/providers", {}, {}, {{"limit", bad}}).status, 400) << bad;
}

TEST(Record, ShowsPlainValuesAndMasksSecrets) {
  World world;
  world.accounts.rows[0].values["fingerprint"] = "0123abcd";
  world.accounts.rows[0].values["refreshToken"] = kToken;  // a plugin's mistake
  world.accounts.rows[0].values["idToken"] = kToken;       // another, not declared secret
  const auto answer = world.call("GET", kOne, {}, {{"id", "id-dev"}});
  const auto record = object(answer);
  EXPECT_EQ(text(record.at("id")), "id-dev");
  EXPECT_EQ(text(record.at("testStatus")), "active");
  EXPECT_TRUE(record.at("isActive").as_bool());
  EXPECT_EQ(text(record.at("createdAt")), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(text(record.at("state").at("name")), "active");
  EXPECT_TRUE(record.at("state").at("until").is_null());
  const auto& data = record.at("providerSpecificData").as_object();
  EXPECT_EQ(text(data.at("clientId")), "client-dev");
  EXPECT_EQ(text(data.at("clientSecretExpiresAt")), "1775001600000");
  EXPECT_FALSE(data.contains("fingerprint"));
  for (const char* key : {"refreshToken", "clientSecret", "accessToken", "idToken"}) {
    EXPECT_FALSE(data.contains(key)) << key;
    EXPECT_EQ(text(record.at("secrets").at(key)), "••••") << key;
  }
  EXPECT_EQ(answer.body.find("aorAAAAAG"), std::string::npos);
}

TEST(Record, IsFoundByNameUnlessTwoHaveIt) {
  World world;
  EXPECT_EQ(text(object(world.call("GET", kOne, {}, {{"id", "kiro-pro"}})).at("id")), "id-pro");
  EXPECT_EQ(world.call("GET", kOne, {}, {{"id", "nobody"}}).status, 404);
  world.accounts.rows[0].name = "kiro-pro";
  world.accounts.rows[0].provider = "echo";
  const auto answer = world.call("GET", kOne, {}, {{"id", "kiro-pro"}});
  EXPECT_EQ(answer.status, 409);
  EXPECT_NE(answer.body.find("id-dev"), std::string::npos);
}

TEST(Change, RenamesDisablesAndEnables) {
  for (const char* method : {"PUT", "PATCH"}) {
    World world;
    auto record =
        object(world.call(method, kOne, R"({"name":"work","isActive":false})", {{"id", "id-dev"}}));
    EXPECT_EQ(text(record.at("name")), "work");
    EXPECT_FALSE(record.at("isActive").as_bool());
    EXPECT_EQ(text(record.at("state").at("name")), "disabled");
    EXPECT_EQ(world.accounts.find("id-dev")->state.since_ms, world.clock.now);
    record = object(world.call(method, kOne, R"({"isActive":true})", {{"id", "work"}}));
    EXPECT_EQ(text(record.at("state").at("name")), "active");
  }
}

TEST(Change, EnablingDoesNotHideWhyAnAccountRests) {
  World world;
  world.accounts.find("id-dev")->state.state = AccountState::Suspended;
  world.call("PATCH", kOne, R"({"isActive":true})", {{"id", "id-dev"}});
  EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::Suspended);
}

TEST(Change, IsStrict) {
  World world;
  for (const char* body : {"{}", R"({"nane":"x"})", R"({"name":1})", R"({"isActive":"no"})",
                           R"({"name":"a/b"})", R"({"name":null})"})
    EXPECT_EQ(world.call("PATCH", kOne, body, {{"id", "id-dev"}}).status, 400) << body;
  EXPECT_NE(world.call("PATCH", kOne, R"({"nane":"x"})", {{"id", "id-dev"}}).body.find("nane"),
            std::string::npos);
  const auto taken = world.call("PATCH", kOne, R"({"name":"kiro-pro"})", {{"id", "id-dev"}});
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(world.accounts.find("id-dev")->name, "kiro-dev");
}

TEST(Change, ATokenPastedAsMemberIsNotEchoed) {
  World world;
  const auto answer = world.call("PATCH", kOne, "{\"" + kToken + "\":1}", {{"id", "id-dev"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body.find(kToken), std::string::npos);
}

TEST(Remove, TakesOnlyTheNamedOne) {
  World world;
  EXPECT_EQ(world.call("DELETE", kOne, {}, {{"id", "id-dev"}}).status, 200);
  ASSERT_EQ(world.accounts.rows.size(), 1u);
  EXPECT_EQ(world.accounts.rows[0].id, "id-pro");
  EXPECT_EQ(world.call("DELETE", kOne, {}, {{"id", "id-dev"}}).status, 404);
}

TEST(Refresh, AnswersInTheDocumentedShape) {
  World world;
  world.content_type = "";
  world.kiro.answer = R"({"expiresAt":1767229200000})";
  const auto body = object(world.call("POST", kRefresh, {}, {{"id", "kiro-dev"}}));
  EXPECT_EQ(world.kiro.method, "accounts.refresh");
  EXPECT_EQ(world.kiro.connection_id, "id-dev");
  EXPECT_EQ(world.kiro.input, R"({"force":true})");
  EXPECT_TRUE(body.at("success").as_bool());
  EXPECT_EQ(text(body.at("connectionId")), "id-dev");
  EXPECT_EQ(text(body.at("expiresAt")), "2026-01-01T01:00:00.000Z");
  EXPECT_EQ(text(body.at("refreshedAt")), "2026-01-01T00:00:00.000Z");
}

TEST(Refresh, HasTheDocumentedStatuses) {
  const std::vector<std::pair<FailureKind, int>> rows = {
      {FailureKind::Unsupported, 400},    {FailureKind::BadRequest, 422},
      {FailureKind::ReauthRequired, 401}, {FailureKind::Upstream, 502},
      {FailureKind::Network, 502},        {FailureKind::Internal, 500}};
  for (const auto& [kind, status] : rows) {
    World world;
    world.kiro.failure = failure(kind, "It did not work.");
    EXPECT_EQ(world.call("POST", kRefresh, "{}", {{"id", "id-dev"}}).status, status)
        << static_cast<int>(kind);
  }
  World world;
  EXPECT_EQ(world.call("POST", kRefresh, "{}", {{"id", "nobody"}}).status, 404);
  world.content_type = "text/plain";
  EXPECT_EQ(world.call("POST", kRefresh, "{}", {{"id", "id-dev"}}).status, 415);
}

TEST(Refresh, SaysInOmniRoutesWordThatAPersonIsNeeded) {
  World world;
  world.kiro.failure = failure(FailureKind::ReauthRequired, "Sign in again.");
  auto body = object(world.call("POST", kRefresh, {}, {{"id", "id-dev"}}));
  EXPECT_TRUE(body.at("requiresReauth").as_bool());
  EXPECT_EQ(text(body.at("error").at("message")), "Sign in again.");
  world.kiro.failure = failure(FailureKind::Network, "No route.");
  body = object(world.call("POST", kRefresh, {}, {{"id", "id-dev"}}));
  EXPECT_FALSE(body.contains("requiresReauth"));
}

TEST(Masking, NoAnswerCarriesASecret) {
  World world;
  for (Connection& row : world.accounts.rows)
    for (const char* key :
         {"accessToken", "clientSecret", "refreshToken", "idToken", "proxyPassword"})
      row.values[key] = kToken;
  for (const http::Route& route : world.table) {
    if (route.method == "DELETE") continue;
    const std::string body = "{\"name\":\"n\",\"refreshToken\":\"" + kToken + "\"}";
    for (const std::string& given : {body, std::string("{}"), kToken, "[\"" + kToken + "\"]"})
      world.call(route.method, route.pattern, given, {{"id", "id-dev"}, {"provider", "kiro"}});
  }
  EXPECT_NE(world.everything.find("client-dev"), std::string::npos);
  EXPECT_EQ(world.everything.find(kToken.substr(0, 40)), std::string::npos);
}

TEST(Refresh, ADeadSessionIsNotedAndAWorkingOneEndsIt) {
  World world;
  world.kiro.failure = failure(FailureKind::Upstream, "500");
  world.call("POST", kRefresh, "{}", {{"id", "id-dev"}});
  EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::Active);
  world.kiro.failure = failure(FailureKind::ReauthRequired, "Sign in again.");
  world.call("POST", kRefresh, "{}", {{"id", "id-dev"}});
  EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::ReauthRequired);
  EXPECT_GT(world.accounts.find("id-dev")->state.next_probe_ms, world.clock.now);
  world.kiro.failure.reset();
  world.call("POST", kRefresh, "{}", {{"id", "id-dev"}});
  EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::Active);
}

TEST(Refresh, NeverWakesADisabledAccount) {
  World world;
  world.accounts.find("id-dev")->state.state = AccountState::Disabled;
  world.call("POST", kRefresh, "{}", {{"id", "id-dev"}});
  EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::Disabled);
}

TEST(Test, IsValidOnlyWhenEveryCheckPassed) {
  World world;
  world.kiro.answer =
      R"({"checks":[{"name":"a","ok":true,"message":"fine"},{"name":"b","ok":false,"message":"no quota"}]})";
  auto body = object(world.call("POST", kTest, R"({"probe":true})", {{"id", "id-dev"}}));
  EXPECT_EQ(world.kiro.input, R"({"probe":true})");
  EXPECT_FALSE(body.at("valid").as_bool());
  EXPECT_EQ(text(body.at("error")), "no quota");
  EXPECT_EQ(body.at("checks").as_array().size(), 2u);
  world.kiro.answer = R"({"checks":[{"name":"a","ok":true,"message":"fine"}]})";
  body = object(world.call("POST", kTest, {}, {{"id", "id-dev"}}));
  EXPECT_TRUE(body.at("valid").as_bool());
  EXPECT_EQ(text(body.at("diagnosis").at("type")), "ok");
  world.kiro.answer = "{}";
  EXPECT_FALSE(object(world.call("POST", kTest, {}, {{"id", "id-dev"}})).at("valid").as_bool());
}

TEST(Test, OnlyAnAnsweredRequestEndsAPauseForARate) {
  World world;
  Connection& row = *world.accounts.find("id-dev");
  row.state.state = AccountState::Cooling;
  row.state.until_ms = world.clock.now + 60'000;
  world.kiro.answer = R"({"checks":[{"name":"a","ok":true,"message":"fine"}]})";
  world.call("POST", kTest, {}, {{"id", "id-dev"}});
  EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::Cooling);
  world.call("POST", kTest, R"({"probe":true})", {{"id", "id-dev"}});
  EXPECT_EQ(world.accounts.find("id-dev")->state.state, AccountState::Active);
}

TEST(Accounts, AreFoundAsPeopleWriteThem) {
  World world;
  for (const char* name : {"kiro-dev", "KIRO-Dev", "kiro/kiro-dev", "Kiro/KIRO-DEV", "id-dev"})
    EXPECT_EQ(text(object(world.call("GET", kOne, {}, {{"id", name}})).at("id")), "id-dev") << name;
  EXPECT_EQ(world.call("GET", kOne, {}, {{"id", "echo/kiro-dev"}}).status, 404);
  // Exactly comes first: another provider's account differs in case only.
  Connection other = world.accounts.rows[0];
  other.id = "id-echo";
  other.provider = "echo";
  other.name = "KIRO-DEV";
  world.accounts.rows.push_back(other);
  EXPECT_EQ(text(object(world.call("GET", kOne, {}, {{"id", "KIRO-DEV"}})).at("id")), "id-echo");
  EXPECT_EQ(world.call("GET", kOne, {}, {{"id", "Kiro-Dev"}}).status, 409);
  EXPECT_EQ(text(object(world.call("GET", kOne, {}, {{"id", "kiro/KIRO-dev"}})).at("id")),
            "id-dev");
}

TEST(Test, AnAccountThatFailsIsAFindingNotAnError) {
  World world;
  world.kiro.failure = failure(FailureKind::Suspended, "Suspended.");
  world.kiro.failure->upstream_status = 403;
  const auto answer = world.call("POST", kTest, {}, {{"id", "id-dev"}});
  EXPECT_EQ(answer.status, 200);
  const auto body = object(answer);
  EXPECT_FALSE(body.at("valid").as_bool());
  EXPECT_EQ(text(body.at("diagnosis").at("type")), "account_deactivated");
  EXPECT_EQ(body.at("statusCode").as_int64(), 403);
}

}  // namespace
}  // namespace omni::admin::testing
