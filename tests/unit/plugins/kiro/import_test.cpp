// accounts.import in all its forms: token, token file, registration, API key, company provider.
#include "plugins/kiro/pasted_token.hpp"
#include "plugins/kiro/sha256.hpp"
#include "tests/unit/plugins/kiro/account_fixture.hpp"

namespace omni::kiro {
namespace {

using testing_json::object;
using testing_json::serialize;

class KiroImport : public AccountFixture {
 protected:
  omni_status_t import(const object& form) { return control("accounts.import", serialize(form)); }
  object idcFile() {
    return {{"accessToken", "aoaFILE"},
            {"refreshToken", kToken},
            {"expiresAt", "2023-11-14T23:13:20.000Z"},  // an hour from the fake clock's start
            {"clientIdHash", "c548f97c48c681297d9bd26811c87843bdbfa476"},
            {"authMethod", "IdC"},
            {"provider", "Enterprise"},
            {"region", "eu-west-1"},
            {"somethingNew", {{"a", 1}}}};
  }
  object externalFile(const std::string& endpoint) {
    return {{"accessToken", "eyJ"},
            {"refreshToken", "0.AXoA-external"},
            {"expiresAt", "2023-11-14T23:13:20Z"},
            {"authMethod", "external_idp"},
            {"provider", "ExternalIdp"},
            {"tokenEndpoint", endpoint},
            {"issuerUrl", "https://login.microsoftonline.com/t/v2.0"},
            {"clientId", "app-1"},
            {"scopes", "api://app-1/codewhisperer:conversations offline_access"}};
  }
};

TEST_F(KiroImport, AWholeTokenFileInEveryPlace) {
  object social{{"accessToken", "aoaX"}, {"refreshToken", kToken},
                {"profileArn", kArn},    {"authMethod", "social"},
                {"provider", "Google"},  {"expiresAt", "2026-01-01T00:00:00.123456789Z"}};
  const std::vector<object> forms = {{{"json", social}},
                                     {{"json", serialize(social)}},
                                     {{"refreshToken", serialize(social)}},
                                     social};
  for (const auto& form : forms) {
    SCOPED_TRACE(serialize(form).substr(0, 30));
    on("/client/register", 200, kRegistered);
    on("/refreshToken", 200, tokens("aoaNEW", kNewToken, R"(,"profileArn":")" + kArn + '"'));
    ASSERT_EQ(import(form), OMNI_OK) << error().message;
    EXPECT_EQ(plain("authMethod"), "social");
    EXPECT_EQ(plain("provider"), "Google");
    EXPECT_EQ(plain("isolation"), "registered");
    EXPECT_EQ(plain("profileArn"), kArn);
    EXPECT_EQ(plain("fingerprint"), sha256Hex(kToken));
    EXPECT_EQ(secret("refreshToken"), kNewToken);
  }
  // A social token is never shown to AWS SSO OIDC.
  EXPECT_TRUE(sentTo("amazonaws.com/token").empty());
}

TEST_F(KiroImport, WhoLeavesOnceTheTokenIsUsedUpLosesNothing) {
  onLeaving("amazonaws.com/token", tokens("aoaNEW", kNewToken));
  ASSERT_EQ(import({{"refreshToken", kToken}, {"clientId", "c"}, {"clientSecret", "s"}}), OMNI_OK)
      << error().message;
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(secret("accessToken"), "aoaNEW");
}

TEST_F(KiroImport, TheSpellingOfTheCommandLinesDatabase) {
  on("/client/register", 200, kRegistered);
  on("amazonaws.com/token", 200, tokens("aoaNEW", kNewToken));
  ASSERT_EQ(import({{"json",
                     {{"access_token", "aoaX"},
                      {"refresh_token", kToken},
                      {"expires_at", 1800000000},
                      {"region", "eu-west-1"},
                      {"start_url", "https://d-1.awsapps.com/start"},
                      {"oauth_flow", "DeviceCode"},
                      {"scopes", {"a", "b"}}}}}),
            OMNI_OK)
      << error().message;
  EXPECT_EQ(plain("region"), "eu-west-1");
  EXPECT_EQ(plain("startUrl"), "https://d-1.awsapps.com/start");
  EXPECT_EQ(plain("isolation"), "dedicated");
}

TEST_F(KiroImport, AFileThatNamesItsRegistrationByHashSaysWhereItLies) {
  on("/client/register", 200, kRegistered);
  on("amazonaws.com/token", 400, kInvalidGrant);
  EXPECT_EQ(import({{"json", idcFile()}}), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_BAD_REQUEST);
  EXPECT_EQ(error().field, "clientId");
  EXPECT_NE(error().message.find("c548f97c48c681297d9bd26811c87843bdbfa476.json"),
            std::string::npos);
  // An IdC token is not Kiro's own service's: that is not bothered.
  EXPECT_TRUE(sentTo("/refreshToken").empty());

  auto file = idcFile();
  file["clientId"] = "c";
  file["clientSecret"] = "s";
  on("amazonaws.com/token", 200, tokens("aoaNEW", ""));
  on("ListAvailableProfiles", 200, R"({"profiles":[{"arn":")" + kEuArn + R"("}]})");
  ASSERT_EQ(import({{"json", file}}), OMNI_OK) << error().message;
  EXPECT_EQ(plain("isolation"), "shared");
  EXPECT_EQ(plain("authMethod"), "idc");
  EXPECT_EQ(plain("clientId"), "c");
  EXPECT_EQ(secret("clientSecret"), "s");
  EXPECT_EQ(plain("profileArn"), kEuArn);
  EXPECT_EQ(secret("refreshToken"), kToken);
  EXPECT_FALSE(has("clientSecretExpiresAt"));
}

TEST_F(KiroImport, ARegistrationThatDoesNotFitFallsBackWhenTheKindIsNotSaid) {
  on("amazonaws.com/token", 400, kInvalidGrant);
  on("/client/register", 200, kRegistered);
  on("/refreshToken", 200, tokens("aoaNEW", kNewToken));
  ASSERT_EQ(import({{"refreshToken", kToken}, {"clientId", "c"}, {"clientSecret", "s"}}), OMNI_OK)
      << error().message;
  EXPECT_EQ(plain("refreshRoute"), "social");
  EXPECT_EQ(plain("isolation"), "registered");
  EXPECT_EQ(plain("clientId"), "own");
}

TEST_F(KiroImport, WithoutRotatingTheToolsToken) {
  auto file = idcFile();
  file["clientId"] = "c";
  file["clientSecret"] = "s";
  ASSERT_EQ(import({{"json", file}, {"rotate", false}}), OMNI_OK) << error().message;
  EXPECT_TRUE(sentTo("amazonaws.com/token").empty());
  EXPECT_EQ(secret("accessToken"), "aoaFILE");
  EXPECT_EQ(secret("refreshToken"), kToken);
  EXPECT_EQ(plain("isolation"), "shared");
  EXPECT_EQ(plain("expiresAt"), "1700003600000");
  host_.advanceMs(3'500'000);
  EXPECT_EQ(import({{"json", file}, {"rotate", false}}), OMNI_FAILED);
  EXPECT_EQ(error().field, "accessToken");
}

TEST_F(KiroImport, BadInputNamesTheMember) {
  struct Row {
    const char* name;
    std::string input;
    const char* field;
  };
  const std::string token = R"("refreshToken":")" + kToken + '"';
  const std::vector<Row> rows = {
      {"no object", "[]", "body"},
      {"no JSON", "{", "body"},
      {"half a file", R"({"json":"{\"refreshToken\":\"aor"})", "json"},
      {"half a file as token", R"({"refreshToken":"{\"refreshToken\":\"aor"})", "refreshToken"},
      {"file without token", R"({"json":{"accessToken":"aoa"}})", "refreshToken"},
      {"json is a list", R"({"json":[1]})", "json"},
      {"method", "{" + token + R"(,"authMethod":"telepathy"})", "authMethod"},
      {"start URL", "{" + token + R"(,"startUrl":"https://evil.example.com/start"})", "startUrl"},
      {"time", "{" + token + R"(,"expiresAt":"soon"})", "expiresAt"},
      {"flag", "{" + token + R"(,"allowShared":"yes"})", "allowShared"},
      {"number", R"({"refreshToken":{"a":1}})", "refreshToken"},
      {"key", R"({"apiKey":"sk-123"})", "apiKey"},
      {"short key", R"({"apiKey":"ksk_1"})", "apiKey"},
      {"key with dots", R"({"apiKey":"ksk_1234567890123...90"})", "apiKey"},
      {"no key", R"({"authMethod":"api_key"})", "apiKey"},
      // H.9 row 95.
      {"no endpoint", R"({"authMethod":"external_idp","refreshToken":"x"})", "tokenEndpoint"},
      {"no client",
       R"({"refreshToken":"x","tokenEndpoint":"https://login.microsoftonline.com/t/token"})",
       "clientId"},
      {"spaces", R"({"refreshToken":"a b","clientId":"c","tokenEndpoint":"https://a.okta.com/t"})",
       "refreshToken"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(control("accounts.import", row.input), OMNI_FAILED);
    EXPECT_EQ(error().kind, OMNI_FAILURE_BAD_REQUEST);
    EXPECT_EQ(error().field, row.field);
    EXPECT_NE(error().message, "");
    EXPECT_EQ(error().message.find(kToken.substr(0, 40)), std::string::npos);
  }
  EXPECT_TRUE(host_.requests().empty());
  EXPECT_TRUE(host_.commits().empty());
}

TEST_F(KiroImport, NoSecretInAnyErrorOrLogWhateverUpstreamEchoes) {
  for (const uint32_t status : {400u, 401u, 403u, 429u, 500u}) {
    const std::string echo =
        R"({"error":"x","error_description":"bad token )" + kToken + R"( and client hush"})";
    on("/client/register", 200, kRegistered);
    on("amazonaws.com/token", status, echo);
    on("/refreshToken", status, echo);
    EXPECT_EQ(import({{"refreshToken", kToken}}), OMNI_FAILED);
    EXPECT_EQ(error().message.find(kToken.substr(0, 30)), std::string::npos) << error().message;
    EXPECT_EQ(error().detail.find(kToken.substr(0, 30)), std::string::npos);
  }
  EXPECT_FALSE(host_.logged(kToken));
}

// ---- API key

// H.9 row 102.
TEST_F(KiroImport, AnApiKeyIsCheckedWithoutCredits) {
  const std::string key = "ksk_" + std::string(40, 'k');
  on("GetProfile", 403, R"({"message":"Unsupported"})");
  on("GetProfile", 200, R"({"profile":{"arn":")" + kEuArn + R"("}})");
  on("GetUsageLimits", 200, R"({"userInfo":{"email":"key@example.com"}})");
  ASSERT_EQ(import({{"apiKey", key}}), OMNI_OK) << error().message;
  EXPECT_EQ(said("label"), "key@example.com");
  const auto asked = sentTo("GetProfile");
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].url, "https://management.us-east-1.kiro.dev/");
  EXPECT_EQ(asked[1].url, "https://management.eu-central-1.kiro.dev/");
  for (const auto& sent : host_.requests()) {
    EXPECT_EQ(sent.header("tokentype"), "API_KEY");
    EXPECT_EQ(sent.header("authorization"), "Bearer " + key);
  }
  EXPECT_TRUE(sentTo("/client/register").empty());
  EXPECT_TRUE(sentTo("GenerateAssistantResponse").empty());
  EXPECT_EQ(plain("authMethod"), "api_key");
  EXPECT_EQ(plain("isolation"), "none_needed");
  EXPECT_EQ(plain("apiRegion"), "eu-central-1");
  EXPECT_EQ(secret("apiKey"), key);
  EXPECT_FALSE(has("expiresAt"));
  EXPECT_FALSE(has("profileArn"));
  ASSERT_EQ(control("accounts.describe"), OMNI_OK);
  EXPECT_EQ(said("apiRegion"), "eu-central-1");
  EXPECT_EQ(said("profileRegion"), "eu-central-1");
  EXPECT_EQ(output_.find(key), std::string::npos);
  // Refreshing it asks nobody.
  const size_t before = host_.requests().size();
  ASSERT_EQ(control("accounts.refresh", R"({"force":true})"), OMNI_OK);
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK);
  EXPECT_EQ(said("isolation"), "none_needed");
  ASSERT_EQ(control("accounts.renew"), OMNI_OK);
  EXPECT_EQ(host_.requests().size(), before);
}

TEST_F(KiroImport, AnApiKeyThatNobodyKnows) {
  const std::string key = "ksk_" + std::string(40, 'k');
  on("GetProfile", 403, R"({"message":"The bearer token included in the request is invalid."})");
  on("GetProfile", 401, "{}");
  EXPECT_EQ(import({{"apiKey", key}}), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_BAD_REQUEST);
  EXPECT_EQ(error().field, "apiKey");
  EXPECT_EQ(error().message.find(key), std::string::npos);
  // A region that could not be asked leaves it open.
  on("GetProfile", 403, "{}");
  on("GetProfile", 503, "{}");
  EXPECT_EQ(import({{"apiKey", key}}), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_UPSTREAM);
}

// ---- external identity provider

TEST_F(KiroImport, ACompanysProvider) {
  const std::string endpoint = "https://login.microsoftonline.com/t/oauth2/v2.0/token";
  on("login.microsoftonline.com", 200,
     R"({"access_token":"aoaEXT","refresh_token":"0.AXoA-next","expires_in":"5400"})");
  on("ListAvailableProfiles", 200, R"({"profiles":[]})");
  on("ListAvailableProfiles", 200,
     R"({"profiles":[{"arn":")" + kEuArn + R"(","profileName":"Company"}]})");
  ASSERT_EQ(import({{"json", externalFile(endpoint)}}), OMNI_OK) << error().message;
  const auto refresh = sentTo("login.microsoftonline.com");
  ASSERT_EQ(refresh.size(), 1u);
  EXPECT_EQ(refresh[0].header("content-type"), "application/x-www-form-urlencoded");
  EXPECT_NE(refresh[0].body.find("grant_type=refresh_token"), std::string::npos);
  EXPECT_NE(refresh[0].body.find("client_id=app-1"), std::string::npos);
  EXPECT_NE(
      refresh[0].body.find("scope=api%3A%2F%2Fapp-1%2Fcodewhisperer%3Aconversations%20offline_"
                           "access"),
      std::string::npos);
  for (const auto& sent : sentTo("ListAvailableProfiles"))
    EXPECT_EQ(sent.header("tokentype"), "EXTERNAL_IDP");
  EXPECT_EQ(plain("authMethod"), "external_idp");
  EXPECT_EQ(plain("refreshRoute"), "external_idp");
  EXPECT_EQ(plain("profileArn"), kEuArn);
  EXPECT_EQ(plain("expiresAt"), std::to_string(host_.nowMs() + 5'400'000));
  EXPECT_EQ(secret("refreshToken"), "0.AXoA-next");
  // And again, by itself.
  host_.advanceMs(5'400'000);
  on("login.microsoftonline.com", 200, R"({"access_token":"aoaEXT2","expires_in":3600})");
  ASSERT_EQ(control("accounts.refresh"), OMNI_OK) << error().message;
  EXPECT_EQ(secret("accessToken"), "aoaEXT2");
  EXPECT_EQ(secret("refreshToken"), "0.AXoA-next");
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK);
  EXPECT_TRUE(output().at("signInNeeded").as_bool());
}

TEST_F(KiroImport, OnlyKnownProvidersAreAsked) {
  struct Row {
    const char* endpoint;
    bool allowed;
  };
  // H.9 row 96.
  const std::vector<Row> rows = {
      {"https://login.microsoftonline.com/t/token", true},
      {"https://acme.okta.com/oauth2/v1/token", true},
      {"https://pool.auth.eu-west-1.amazoncognito.com/oauth2/token", true},
      {"https://okta.com/token", false},
      {"https://login.microsoftonline.com.evil.com/token", false},
      {"https://evillogin.microsoftonline.com/token", false},
      {"http://login.microsoftonline.com/token", false},
      {"https://login.microsoftonline.com@evil.com/token", false},
      {"https://login.microsoftonline.com:8443/token", false},
      {"https://127.0.0.1/token", false},
      {"https://[::1]/token", false},
      {"file:///etc/passwd", false},
      {"https://idp.example.org/token", false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.endpoint);
    const size_t before = host_.requests().size();
    EXPECT_EQ(import(externalFile(row.endpoint)), OMNI_FAILED);
    if (row.allowed) {
      EXPECT_EQ(error().kind, OMNI_FAILURE_NETWORK);
    } else {
      EXPECT_EQ(error().field, "tokenEndpoint");
      EXPECT_EQ(host_.requests().size(), before);
    }
  }
  host_.setSetting("externalIdp.hosts", "idp.example.org,http://127.0.0.1:8080");
  for (const char* endpoint :
       {"https://idp.example.org/token", "http://127.0.0.1:8080/idp/token"}) {
    EXPECT_EQ(import(externalFile(endpoint)), OMNI_FAILED);
    EXPECT_EQ(error().kind, OMNI_FAILURE_NETWORK) << endpoint;
  }
  EXPECT_EQ(import(externalFile("http://127.0.0.1:8081/idp/token")), OMNI_FAILED);
  EXPECT_EQ(error().field, "tokenEndpoint");
}

TEST_F(KiroImport, AProviderThatRefuses) {
  on("login.microsoftonline.com", 400,
     R"({"error":"invalid_grant","error_description":"AADSTS70008: expired"})");
  EXPECT_EQ(import(externalFile("https://login.microsoftonline.com/t/token")), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_BAD_REQUEST);
  EXPECT_EQ(error().field, "refreshToken");
}

// A stored address is checked again each time: the list may have become shorter.
TEST_F(KiroImport, AStoredEndpointThatIsNoLongerAllowed) {
  signedIn(0, "external_idp");
  host_.setValue("authMethod", "external_idp");
  host_.setValue("clientId", "app");
  host_.setValue("tokenEndpoint", "https://idp.example.org/token");
  EXPECT_EQ(control("accounts.refresh"), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_NOT_AUTHORIZED);
  EXPECT_TRUE(host_.requests().empty());
}

TEST(ParseTime, EveryFormOfD1) {
  struct Row {
    const char* text;
    std::optional<int64_t> ms;
  };
  const std::vector<Row> rows = {{"1970-01-01T00:00:01Z", 1000},
                                 {"1970-01-01T00:00:01.5Z", 1500},
                                 {"1970-01-01T00:00:01.123456789Z", 1123},
                                 {"1970-01-01T02:00:00+02:00", 0},
                                 {"1969-12-31T19:00:00-05:00", 0},
                                 {"2024-02-29T12:00:00Z", 1709208000000},
                                 {"1800000000", 1800000000000},
                                 {"1800000000123", 1800000000123},
                                 {"2023-02-29T12:00:00Z", std::nullopt},
                                 {"2024-02-29 12:00:00Z", std::nullopt},
                                 {"2024-02-29T12:00:00", std::nullopt},
                                 {"2024-02-29T25:00:00Z", std::nullopt},
                                 {"soon", std::nullopt},
                                 {"", std::nullopt}};
  for (const Row& row : rows) EXPECT_EQ(parseTime(row.text), row.ms) << row.text;
}

}  // namespace
}  // namespace omni::kiro
