// Device code at AWS SSO OIDC, from start to the finished account.
#include "tests/unit/plugins/kiro/account_fixture.hpp"

namespace omni::kiro {
namespace {

constexpr const char* kDevice =
    R"({"deviceCode":"dev-secret","userCode":"ABCD-EFGH","verificationUri":"https://d-1.awsapps.com/start/#/device","verificationUriComplete":"https://d-1.awsapps.com/start/#/device?user_code=ABCD-EFGH","expiresIn":600,"interval":5})";
constexpr const char* kPending = R"({"error":"authorization_pending","error_description":"x"})";

class KiroDevice : public AccountFixture {
 protected:
  void start(const std::string& input = R"({"method":"builder_id"})") {
    on("/client/register", 200, kRegistered);
    on("/device_authorization", 200, kDevice);
    ASSERT_EQ(control("accounts.signin.start", input), OMNI_OK) << error().message;
  }
  omni_status_t poll() { return control("accounts.signin.poll"); }
};

TEST_F(KiroDevice, StartShowsTheCodeAndKeepsTheSecrets) {
  start(
      R"({"method":"idc","startUrl":"https://d-1234567890.awsapps.com/start/#/","region":"ap-southeast-2"})");
  EXPECT_EQ(said("kind"), "device");
  EXPECT_EQ(said("userCode"), "ABCD-EFGH");
  EXPECT_EQ(numberOf("intervalMs"), 5000);
  EXPECT_EQ(numberOf("expiresAt"), host_.nowMs() + 600'000);
  EXPECT_EQ(output_.find("hush"), std::string::npos);
  EXPECT_EQ(output_.find("dev-secret"), std::string::npos);
  const auto sent = host_.requests();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].url, "https://oidc.ap-southeast-2.amazonaws.com/client/register");
  EXPECT_NE(sent[0].body.find(R"("clientName":"OmniRoute")"), std::string::npos);
  EXPECT_EQ(sent[0].body.find("sso:account:access"), std::string::npos);
  EXPECT_NE(sent[1].body.find(R"("startUrl":"https://d-1234567890.awsapps.com/start")"),
            std::string::npos);
  EXPECT_EQ(secret("signin.deviceCode"), "dev-secret");
  EXPECT_EQ(secret("clientSecret"), "hush");
}

TEST_F(KiroDevice, EverySignInRegistersAClientOfItsOwn) {
  start();
  start();
  EXPECT_EQ(sentTo("/client/register").size(), 2u);
}

TEST_F(KiroDevice, BuilderIdEndsDedicatedWithItsRegistrationsEnd) {
  start();
  host_.advanceMs(5000);
  on("/token", 200, tokens("aoaNEW", kNewToken));
  const char* refused = R"({"message":"User is not authorized to make this call"})";
  on("ListAvailableProfiles", 403, refused);
  on("ListAvailableProfiles", 403, refused);
  on("GetUsageLimits", 200, R"({"userInfo":{"userId":"d-1.2","email":"dev@example.com"}})");
  ASSERT_EQ(poll(), OMNI_OK) << error().message;
  EXPECT_EQ(said("status"), "complete");
  EXPECT_EQ(said("label"), "dev@example.com");
  EXPECT_EQ(plain("authMethod"), "builder_id");
  EXPECT_EQ(plain("isolation"), "dedicated");
  EXPECT_EQ(plain("refreshRoute"), "oidc");
  EXPECT_EQ(plain("clientId"), "own");
  EXPECT_EQ(plain("clientSecretExpiresAt"), "1900000000000");
  EXPECT_EQ(plain("profileArn"),
            "arn:aws:codewhisperer:us-east-1:638616132270:profile/AAAACCCCXXXX");
  EXPECT_EQ(plain("email"), "dev@example.com");
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(secret("accessToken"), "aoaNEW");
  for (const char* key : {"signin.deviceCode", "signin.method", "signin.expiresAt",
                          "signin.nextPollAt", "signin.intervalMs", "signin.form"})
    EXPECT_FALSE(has(key)) << key;
  // Asking once more is harmless.
  ASSERT_EQ(poll(), OMNI_OK);
  EXPECT_EQ(said("status"), "complete");
  EXPECT_EQ(said("label"), "dev@example.com");
}

TEST_F(KiroDevice, SignInRegionProfileRegionAndHostAreThreeThings) {
  start(R"({"method":"idc","startUrl":"https://d-1.awsapps.com/start","region":"eu-west-1"})");
  host_.advanceMs(5000);
  on("/token", 200, tokens("aoaNEW", kNewToken));
  on("ListAvailableProfiles", 200,
     R"({"profiles":[{"arn":")" + kEuArn + R"(","profileName":"Europe","status":"ACTIVE"}]})");
  on("ListAvailableProfiles", 200, R"({"profiles":[]})");
  on("GetUsageLimits", 200, "{}");
  ASSERT_EQ(poll(), OMNI_OK) << error().message;
  EXPECT_EQ(sentTo("/token")[0].url, "https://oidc.eu-west-1.amazonaws.com/token");
  const auto lists = sentTo("ListAvailableProfiles");
  ASSERT_EQ(lists.size(), 2u);
  EXPECT_EQ(lists[0].url, "https://management.eu-central-1.kiro.dev/");
  EXPECT_EQ(lists[1].url, "https://management.us-east-1.kiro.dev/");
  EXPECT_EQ(lists[0].header("authorization"), "Bearer aoaNEW");
  EXPECT_EQ(sentTo("GetUsageLimits")[0].url, "https://management.eu-central-1.kiro.dev/");
  EXPECT_EQ(said("label"), "");
  ASSERT_EQ(control("accounts.describe"), OMNI_OK);
  EXPECT_EQ(said("region"), "eu-west-1");
  EXPECT_EQ(said("profileRegion"), "eu-central-1");
  EXPECT_EQ(said("apiRegion"), "eu-central-1");
  EXPECT_EQ(said("profileName"), "Europe");
  EXPECT_EQ(said("startUrl"), "https://d-1.awsapps.com/start");
}

TEST_F(KiroDevice, PollNeverAsksBeforeItsTime) {
  start();
  const size_t before = host_.requests().size();
  host_.advanceMs(3000);
  ASSERT_EQ(poll(), OMNI_OK);
  EXPECT_EQ(said("status"), "pending");
  EXPECT_EQ(numberOf("intervalMs"), 2000);
  EXPECT_EQ(host_.requests().size(), before);
  host_.advanceMs(2000);
  on("/token", 400, kPending);
  ASSERT_EQ(poll(), OMNI_OK);
  EXPECT_EQ(numberOf("intervalMs"), 5000);
  EXPECT_EQ(host_.requests().size(), before + 1);
}

// H.9 row 91.
TEST_F(KiroDevice, SlowDownAddsFiveSecondsForGood) {
  start();
  host_.advanceMs(5000);
  on("/token", 400, R"({"error":"slow_down"})", {{"x-amzn-errortype", "SlowDownException"}});
  ASSERT_EQ(poll(), OMNI_OK);
  EXPECT_EQ(numberOf("intervalMs"), 10'000);
  host_.advanceMs(10'000);
  on("/token", 400, kPending);
  ASSERT_EQ(poll(), OMNI_OK);
  EXPECT_EQ(numberOf("intervalMs"), 10'000);
}

TEST_F(KiroDevice, WhatPassesIsWaitedOut) {
  struct Row {
    uint32_t status;
    const char* body;
    uint32_t kind;
  };
  const std::vector<Row> rows = {{500, "{}", OMNI_FAILURE_UPSTREAM},
                                 {503, "<html>", OMNI_FAILURE_UPSTREAM},
                                 {429, "{}", OMNI_FAILURE_RATE_LIMITED},
                                 {0, "", OMNI_FAILURE_NETWORK},
                                 {0, "", OMNI_FAILURE_TIMEOUT}};
  start();
  host_.advanceMs(5000);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.kind);
    if (row.status == 0)
      onBroken("/token", row.kind);
    else
      on("/token", row.status, row.body);
    EXPECT_EQ(poll(), OMNI_FAILED);
    EXPECT_EQ(error().kind, row.kind);
    // Nobody is asked again before twice the interval is over.
    const size_t before = host_.requests().size();
    ASSERT_EQ(poll(), OMNI_OK);
    EXPECT_EQ(said("status"), "pending");
    EXPECT_EQ(numberOf("intervalMs"), 10'000);
    EXPECT_EQ(host_.requests().size(), before);
    host_.advanceMs(10'000);
  }
  // And the sign-in goes on as if nothing had been.
  on("/token", 200, tokens("aoaNEW", kNewToken));
  ASSERT_EQ(poll(), OMNI_OK);
  EXPECT_EQ(said("status"), "complete");
}

TEST_F(KiroDevice, TheEndWithoutTokens) {
  struct Row {
    const char* name;
    uint32_t status;
    const char* body;
    uint32_t kind;
    const char* reason;
  };
  const std::vector<Row> rows = {
      {"denied", 400, R"({"error":"access_denied"})", OMNI_FAILURE_NOT_AUTHORIZED, "access_denied"},
      {"expired", 400, R"({"error":"expired_token"})", OMNI_FAILURE_REAUTH_REQUIRED,
       "expired_token"},
      {"used", 400, R"({"error":"invalid_grant"})", OMNI_FAILURE_REAUTH_REQUIRED, "invalid_grant"},
      {"client", 401, R"({"error":"invalid_client"})", OMNI_FAILURE_REAUTH_REQUIRED,
       "invalid_client"},
      {"unknown", 418, "{}", OMNI_FAILURE_PROTOCOL, ""},
      {"no JSON", 200, "<html>", OMNI_FAILURE_PROTOCOL, ""},
      {"no access token", 200, R"({"refreshToken":"x"})", OMNI_FAILURE_PROTOCOL, ""},
      {"no refresh token", 200, R"({"accessToken":"aoaX","expiresIn":3600})", OMNI_FAILURE_PROTOCOL,
       ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    start();
    host_.advanceMs(5000);
    on("/token", row.status, row.body);
    EXPECT_EQ(poll(), OMNI_FAILED);
    EXPECT_EQ(error().kind, row.kind);
    EXPECT_EQ(error().reason, row.reason);
    EXPECT_NE(error().message, "");
    EXPECT_FALSE(has("refreshToken"));
  }
}

TEST_F(KiroDevice, ACodeThatRanOutIsNotAskedFor) {
  start();
  const size_t before = host_.requests().size();
  host_.advanceMs(600'000);
  EXPECT_EQ(poll(), OMNI_FAILED);
  EXPECT_EQ(error().reason, "expired_token");
  EXPECT_EQ(host_.requests().size(), before);
}

TEST_F(KiroDevice, BadFormsAreRefusedBeforeAnythingIsAsked) {
  struct Row {
    const char* input;
    const char* field;
  };
  const std::vector<Row> rows = {
      {"{}", "method"},
      {R"({"method":"carrier_pigeon"})", "method"},
      {R"({"method":"idc"})", "startUrl"},
      {R"({"method":"idc","startUrl":"http://d-1.awsapps.com/start"})", "startUrl"},
      {R"({"method":"idc","startUrl":"https://awsapps.com.evil.com/start"})", "startUrl"},
      {R"({"method":"idc","startUrl":"https://x@d-1.awsapps.com/start"})", "startUrl"},
      {R"({"method":"idc","startUrl":"https://d-1.awsapps.com:8443/start"})", "startUrl"},
      {R"({"method":"idc","startUrl":"https://169.254.169.254/start"})", "startUrl"},
      {R"({"method":"idc","startUrl":"https://d-1.awsapps.com/start","region":"us-east-1.evil"})",
       "region"},
      {R"({"method":"idc","startUrl":"https://d-1.awsapps.com/start","region":"US-EAST-1"})",
       "region"},
      {R"({"method":"builder_id","region":"eu-west-1"})", "region"},
      {R"({"method":"builder_id","form":"browser"})", "form"},
      {R"({"method":"builder_id","colour":"red"})", "colour"},
      {R"({"method":7})", "method"},
      {"[]", "body"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.input);
    EXPECT_EQ(control("accounts.signin.start", row.input), OMNI_FAILED);
    EXPECT_EQ(error().kind, OMNI_FAILURE_BAD_REQUEST);
    EXPECT_EQ(error().field, row.field);
  }
  EXPECT_TRUE(host_.requests().empty());
}

TEST_F(KiroDevice, AnOperatorMayAllowAnotherPortal) {
  host_.setSetting("signIn.startUrlHosts", "sso.example.com, .corp.example.org");
  start(R"({"method":"idc","startUrl":"https://sso.example.com/start"})");
  start(R"({"method":"idc","startUrl":"https://a.corp.example.org/start"})");
  EXPECT_EQ(control("accounts.signin.start",
                    R"({"method":"idc","startUrl":"https://corp.example.org/start"})"),
            OMNI_FAILED);
}

TEST_F(KiroDevice, WhatAwsRefusesAtTheStart) {
  struct Row {
    const char* name;
    uint32_t status;
    const char* body;
    const char* type;
    uint32_t kind;
    const char* field;
  };
  const std::vector<Row> rows = {
      {"start URL", 400,
       R"({"error":"invalid_request","error_description":"invalid start url provided"})",
       "InvalidRequestException", OMNI_FAILURE_BAD_REQUEST, "startUrl"},
      {"region", 400,
       R"({"error":"invalid_request","region":"eu-west-1","endpoint":"https://oidc.eu-west-1.amazonaws.com"})",
       "InvalidRequestRegionException", OMNI_FAILURE_BAD_REQUEST, "region"},
      {"client", 401, R"({"error":"invalid_client"})", "InvalidClientException",
       OMNI_FAILURE_PROTOCOL, ""},
      {"throttled", 429, "{}", "", OMNI_FAILURE_RATE_LIMITED, ""},
      {"broken", 500, R"({"error":"server_error"})", "InternalServerException",
       OMNI_FAILURE_UPSTREAM, ""},
      {"half", 200, R"({"userCode":"X"})", "", OMNI_FAILURE_PROTOCOL, ""},
      {"no JSON", 200, "hello", "", OMNI_FAILURE_PROTOCOL, ""},
      {"script address", 200,
       R"x({"deviceCode":"d","userCode":"X","verificationUri":"javascript:alert(1)"})x", "",
       OMNI_FAILURE_PROTOCOL, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    on("/client/register", 200, kRegistered);
    on("/device_authorization", row.status, row.body, {{"x-amzn-errortype", row.type}});
    EXPECT_EQ(control("accounts.signin.start",
                      R"({"method":"idc","startUrl":"https://d-1.awsapps.com/start"})"),
              OMNI_FAILED);
    EXPECT_EQ(error().kind, row.kind);
    EXPECT_EQ(error().field, row.field);
    EXPECT_FALSE(has("signin.deviceCode"));
  }
}

TEST_F(KiroDevice, AFailedRegistrationIsToldAndNothingIsKept) {
  on("/client/register", 400, R"({"error":"invalid_client_metadata","error_description":"no"})");
  EXPECT_EQ(control("accounts.signin.start", R"({"method":"builder_id"})"), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_PROTOCOL);
  EXPECT_FALSE(has("clientId"));
}

TEST_F(KiroDevice, SigningInAgainNeedsNoFormAndLeavesNothingOfTheOldSession) {
  signedIn(0, "oidc");
  host_.setValue("startUrl", "https://d-9.awsapps.com/start");
  host_.setValue("region", "eu-west-1");
  host_.setValue("previousRefreshToken", "old", true);
  start("{}");
  EXPECT_NE(sentTo("/device_authorization")[0].body.find("https://d-9.awsapps.com/start"),
            std::string::npos);
  EXPECT_NE(sentTo("/device_authorization")[0].url.find("eu-west-1"), std::string::npos);
  host_.advanceMs(5000);
  on("/token", 200, tokens("aoaNEW", kNewToken));
  ASSERT_EQ(poll(), OMNI_OK);
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(plain("clientId"), "own");
  EXPECT_FALSE(has("previousRefreshToken"));
}

TEST_F(KiroDevice, ProfilesThatCannotBeAskedForDoNotSpoilTheSignIn) {
  start();
  host_.advanceMs(5000);
  on("/token", 200, tokens("aoaNEW", kNewToken));
  on("ListAvailableProfiles", 500, "{}");
  on("ListAvailableProfiles", 200, "not JSON");
  on("GetUsageLimits", 200, R"({"userInfo":{"userId":"d-1.2"}})");
  ASSERT_EQ(poll(), OMNI_OK);
  EXPECT_EQ(said("status"), "complete");
  EXPECT_EQ(said("label"), "d-1.2");
  EXPECT_FALSE(has("profileArn"));
}

TEST_F(KiroDevice, PollWithoutASignIn) {
  EXPECT_EQ(poll(), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_NOT_FOUND);
}

}  // namespace
}  // namespace omni::kiro
