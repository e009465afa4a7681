// An account's life after its sign-in: refresh, isolation, renewal, profiles, usage, test.
#include "plugins/kiro/sign_in_error.hpp"
#include "tests/unit/plugins/kiro/account_fixture.hpp"

namespace omni::kiro {
namespace {

class KiroLife : public AccountFixture {
 protected:
  omni_status_t refresh(bool force = false) {
    return control("accounts.refresh", force ? R"({"force":true})" : "{}");
  }
  testing_json::array checks() { return output().at("checks").as_array(); }
};

// ---- A.6, every row, for a refresh at OIDC and at Kiro's own service.

TEST_F(KiroLife, EveryErrorOfTheSignInServices) {
  struct Row {
    const char* name;
    uint32_t status;
    const char* type;
    const char* body;
    uint32_t kind;
    int64_t retry = -1;
  };
  const std::vector<Row> rows = {
      {"grant", 400, "InvalidGrantException", R"({"error":"invalid_grant"})",
       OMNI_FAILURE_REAUTH_REQUIRED},
      {"grant, type alone", 400, "InvalidGrantException", "{}", OMNI_FAILURE_REAUTH_REQUIRED},
      {"grant, __type", 400, "", R"({"__type":"com.amazonaws.ssooidc#InvalidGrantException"})",
       OMNI_FAILURE_REAUTH_REQUIRED},
      {"grant, type with address", 400, "InvalidGrantException:http://x/", "{}",
       OMNI_FAILURE_REAUTH_REQUIRED},
      {"grant, words alone", 400, "", R"({"message":"Invalid refresh token provided"})",
       OMNI_FAILURE_REAUTH_REQUIRED},
      {"expired", 400, "ExpiredTokenException", R"({"error":"expired_token"})",
       OMNI_FAILURE_REAUTH_REQUIRED},
      {"invalid token", 400, "InvalidTokenException", "{}", OMNI_FAILURE_REAUTH_REQUIRED},
      {"client", 401, "InvalidClientException", R"({"error":"invalid_client"})",
       OMNI_FAILURE_REAUTH_REQUIRED},
      {"client expired", 400, "ExpiredClientException", "{}", OMNI_FAILURE_REAUTH_REQUIRED},
      {"client expired, words", 401, "",
       R"({"error":"invalid_client","error_description":"Client is expired"})",
       OMNI_FAILURE_REAUTH_REQUIRED},
      {"unauthorized client", 400, "UnauthorizedClientException",
       R"({"error":"unauthorized_client"})", OMNI_FAILURE_REAUTH_REQUIRED},
      {"401 in Kiro's way", 401, "", R"({"message":"Unauthorized"})", OMNI_FAILURE_REAUTH_REQUIRED},
      {"401 page of a portal", 401, "", "<html>Log in to the hotel</html>", OMNI_FAILURE_PROTOCOL},
      {"denied", 400, "AccessDeniedException", R"({"error":"access_denied"})",
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"request", 400, "InvalidRequestException", R"({"error":"invalid_request"})",
       OMNI_FAILURE_PROTOCOL},
      {"region", 400, "InvalidRequestRegionException",
       R"({"error":"invalid_request","region":"eu-west-1"})", OMNI_FAILURE_BAD_REQUEST},
      {"scope", 400, "InvalidScopeException", R"({"error":"invalid_scope"})",
       OMNI_FAILURE_PROTOCOL},
      {"metadata", 400, "InvalidClientMetadataException", R"({"error":"invalid_client_metadata"})",
       OMNI_FAILURE_PROTOCOL},
      {"redirect", 400, "InvalidRedirectUriException", R"({"error":"invalid_redirect_uri"})",
       OMNI_FAILURE_PROTOCOL},
      {"grant type", 400, "UnsupportedGrantTypeException", R"({"error":"unsupported_grant_type"})",
       OMNI_FAILURE_PROTOCOL},
      {"slow down", 400, "SlowDownException", R"({"error":"slow_down"})",
       OMNI_FAILURE_RATE_LIMITED},
      {"throttled", 429, "", "{}", OMNI_FAILURE_RATE_LIMITED},
      {"server", 500, "InternalServerException", R"({"error":"server_error"})",
       OMNI_FAILURE_UPSTREAM},
      {"server with a dead grant's words", 500, "", kInvalidGrant, OMNI_FAILURE_UPSTREAM},
      {"gateway", 502, "", "<html>", OMNI_FAILURE_UPSTREAM},
      {"not JSON", 200, "", "hello", OMNI_FAILURE_PROTOCOL},
      {"empty", 200, "", "", OMNI_FAILURE_PROTOCOL},
      {"half", 200, "", R"({"accessToken":"aoa)", OMNI_FAILURE_PROTOCOL},
      {"no access token", 200, "", R"({"refreshToken":"x","expiresIn":3600})",
       OMNI_FAILURE_PROTOCOL},
      {"wrong types", 200, "", R"({"accessToken":7,"refreshToken":[],"expiresIn":"x"})",
       OMNI_FAILURE_PROTOCOL},
      {"unknown", 418, "", "{}", OMNI_FAILURE_PROTOCOL},
  };
  for (const std::string route : {"oidc", "social"}) {
    for (const Row& row : rows) {
      SCOPED_TRACE(route + ": " + row.name);
      signedIn(0, route);
      on(route == "oidc" ? "amazonaws.com/token" : "/refreshToken", row.status, row.body,
         {{"x-amzn-errortype", row.type}});
      EXPECT_EQ(refresh(), OMNI_FAILED);
      EXPECT_EQ(error().kind, row.kind);
      EXPECT_NE(error().message, "");
      EXPECT_EQ(secret("refreshToken"), kToken);
      EXPECT_EQ(secret("accessToken"), "aoaOLD");
    }
  }
  EXPECT_TRUE(host_.commits().empty());
}

TEST_F(KiroLife, NetworkAndTimeoutChangeNothing) {
  for (const uint32_t kind : {OMNI_FAILURE_NETWORK, OMNI_FAILURE_TIMEOUT}) {
    signedIn(0);
    onBroken("/refreshToken", kind);
    EXPECT_EQ(refresh(), OMNI_FAILED);
    EXPECT_EQ(error().kind, kind);
  }
  EXPECT_TRUE(host_.commits().empty());
}

TEST_F(KiroLife, RetryAfterIsPassedOn) {
  signedIn(0);
  on("/refreshToken", 429, "{}", {{"Retry-After", "17"}});
  EXPECT_EQ(refresh(), OMNI_FAILED);
  EXPECT_EQ(error().retry_after_ms, 17'000);
}

TEST_F(KiroLife, AMissingLifetimeIsAnHour) {
  signedIn(0);
  on("/refreshToken", 200, R"({"accessToken":"aoaNEW"})");
  ASSERT_EQ(refresh(), OMNI_OK);
  EXPECT_EQ(numberOf("expiresAt"), host_.nowMs() + 3'600'000);
}

TEST_F(KiroLife, AnEndedRegistrationIsNamedAsTheCause) {
  signedIn(0, "oidc");
  host_.setValue("clientSecretExpiresAt", std::to_string(host_.nowMs() - 1));
  on("amazonaws.com/token", 401, R"({"error":"invalid_client"})");
  EXPECT_EQ(refresh(), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_REAUTH_REQUIRED);
  EXPECT_NE(error().message.find("90 days"), std::string::npos);
}

TEST_F(KiroLife, APeersNewerTokenWins) {
  signedIn(0);
  // While this side asks, another node rotates: its token is stored, ours is refused.
  host_.handleHttp([&](const Sent& sent) {
    Answer answer;
    if (sent.body.find(kToken) != std::string::npos) {
      host_.setValue("refreshToken", kNewToken, true);
      host_.setValue("accessToken", "aoaPEER", true);
      host_.setValue("expiresAt", std::to_string(host_.nowMs() + 3'600'000));
      answer.status = 400;
      answer.pieces = {kInvalidGrant};
    } else {
      answer.status = 500;
    }
    return answer;
  });
  ASSERT_EQ(refresh(), OMNI_OK) << error().message;
  EXPECT_EQ(secret("accessToken"), "aoaPEER");
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(host_.requests().size(), 1u);
}

TEST_F(KiroLife, APeersNewerRefreshTokenIsUsedWhenItsAccessTokenIsOld) {
  signedIn(0);
  host_.handleHttp([&](const Sent& sent) {
    Answer answer;
    if (sent.body.find(kToken) != std::string::npos) {
      host_.setValue("refreshToken", kNewToken, true);
      answer.status = 400;
      answer.pieces = {kInvalidGrant};
    } else {
      answer.pieces = {tokens("aoaNEW", "")};
    }
    return answer;
  });
  ASSERT_EQ(refresh(), OMNI_OK) << error().message;
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(secret("accessToken"), "aoaNEW");
}

TEST_F(KiroLife, WhenThePreviousTokenWorksTheOtherIsKept) {
  signedIn(0);
  host_.setValue("previousRefreshToken", kNewToken, true);
  on("/refreshToken", 400, kInvalidGrant);
  on("/refreshToken", 200, tokens("aoaNEW", ""));
  ASSERT_EQ(refresh(), OMNI_OK);
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(secret("previousRefreshToken"), kToken);
}

TEST_F(KiroLife, ForcedAtMostOnceInThirtySeconds) {
  signedIn(3'600'000);
  on("/refreshToken", 200, tokens("aoa1", ""));
  ASSERT_EQ(refresh(true), OMNI_OK);
  ASSERT_EQ(refresh(true), OMNI_OK);  // the one of a moment ago
  EXPECT_EQ(sentTo("/refreshToken").size(), 1u);
  host_.advanceMs(29'999);
  ASSERT_EQ(refresh(true), OMNI_OK);
  EXPECT_EQ(sentTo("/refreshToken").size(), 1u);
  host_.advanceMs(1);
  on("/refreshToken", 200, tokens("aoa2", ""));
  ASSERT_EQ(refresh(true), OMNI_OK);
  EXPECT_EQ(secret("accessToken"), "aoa2");
}

TEST_F(KiroLife, ATokenThatIsRefusedRightAfterItsRenewalIsNotRenewedAgain) {
  signedIn(3'600'000);
  const char* refused = R"({"message":"The bearer token included in the request is invalid."})";
  for (int i = 0; i < 4; ++i) on("GetUsageLimits", 403, refused);
  on("/refreshToken", 200, tokens("aoa1", kNewToken));
  EXPECT_EQ(control("accounts.usage"), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_AUTH_INVALID);
  EXPECT_EQ(control("accounts.usage"), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_AUTH_INVALID);
  EXPECT_GT(error().retry_after_ms, 0);
  EXPECT_EQ(sentTo("/refreshToken").size(), 1u);
}

TEST_F(KiroLife, AClockThatJumpsBackDoesNotBlockARefresh) {
  signedIn(7'200'000);
  host_.setValue("forcedRefreshAt", std::to_string(host_.nowMs() + 86'400'000));
  on("/refreshToken", 200, tokens("aoa1", ""));
  ASSERT_EQ(refresh(true), OMNI_OK);
  EXPECT_EQ(secret("accessToken"), "aoa1");
}

TEST_F(KiroLife, AFailedCommitLosesNothingThatWasThere) {
  signedIn(0);
  host_.failCommits(OMNI_INTERNAL);
  on("/refreshToken", 200, tokens("aoaNEW", kNewToken));
  EXPECT_EQ(refresh(), OMNI_FAILED);
  EXPECT_EQ(secret("refreshToken"), kToken);
}

TEST_F(KiroLife, AProfileThatTheSignInDidNotFindIsLookedForLater) {
  signedIn(0, "oidc");
  host_.setValue("profileArn", "");
  call_.emplace(host_);
  host_.setValue("region", "eu-west-1");
  on("amazonaws.com/token", 200, tokens("aoaNEW", ""));
  on("ListAvailableProfiles", 200, R"({"profiles":[{"arn":")" + kEuArn + R"("}]})");
  ASSERT_EQ(refresh(), OMNI_OK);
  EXPECT_EQ(plain("profileArn"), kEuArn);
}

// ---- isolation

TEST_F(KiroLife, IsolateMovesTheSessionWhenTheIssuerAllows) {
  signedIn(3'600'000, "oidc");
  host_.setValue("isolation", "shared");
  on("/client/register", 200, kRegistered);
  on("amazonaws.com/token", 200, tokens("aoaNEW", kNewToken));
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK) << error().message;
  EXPECT_EQ(said("isolation"), "dedicated");
  EXPECT_FALSE(output().at("signInNeeded").as_bool());
  EXPECT_EQ(plain("clientId"), "own");
  EXPECT_EQ(plain("isolation"), "dedicated");
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(secret("previousRefreshToken"), kToken);
  EXPECT_EQ(host_.commits().size(), 1u);
  // Done is done.
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK);
  EXPECT_EQ(sentTo("/client/register").size(), 1u);
}

TEST_F(KiroLife, IsolateOfAnIdcSessionThatAwsKeepsNeedsASignIn) {
  signedIn(3'600'000, "oidc");
  host_.setValue("isolation", "shared");
  on("/client/register", 200, kRegistered);
  on("amazonaws.com/token", 400, kInvalidGrant);
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK);
  EXPECT_EQ(said("isolation"), "shared");
  EXPECT_TRUE(output().at("signInNeeded").as_bool());
  EXPECT_EQ(plain("clientId"), "given");  // without it the account would be lost
  EXPECT_TRUE(host_.commits().empty());
}

TEST_F(KiroLife, IsolateOfASocialSessionEndsRegistered) {
  signedIn(3'600'000);
  host_.setValue("isolation", "shared");
  on("/client/register", 200, kRegistered);
  on("amazonaws.com/token", 400, kInvalidGrant);
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK);
  EXPECT_EQ(said("isolation"), "registered");
  EXPECT_EQ(plain("clientId"), "own");
  EXPECT_EQ(plain("refreshRoute"), "social");
  EXPECT_EQ(secret("refreshToken"), kToken);
  // A second time the registration that is there is tried, not another one.
  on("amazonaws.com/token", 400, kInvalidGrant);
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK);
  EXPECT_EQ(sentTo("/client/register").size(), 1u);
}

TEST_F(KiroLife, IsolateThatFailsOnItsWayChangesNothing) {
  signedIn(3'600'000, "oidc");
  host_.setValue("isolation", "shared");
  on("/client/register", 500, "{}");
  EXPECT_EQ(control("accounts.isolate"), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_UPSTREAM);
  on("/client/register", 200, kRegistered);
  on("amazonaws.com/token", 503, "{}");
  EXPECT_EQ(control("accounts.isolate"), OMNI_FAILED);
  EXPECT_TRUE(host_.commits().empty());
}

TEST_F(KiroLife, RenewalWhereTheIssuerAllowsAndWhereNot) {
  signedIn(3'600'000, "oidc");
  host_.setValue("isolation", "dedicated");
  host_.setValue("clientSecretExpiresAt", "1700000000001");
  on("/client/register", 200, kRegistered);
  on("amazonaws.com/token", 400, kInvalidGrant);
  ASSERT_EQ(control("accounts.renew"), OMNI_OK);
  EXPECT_TRUE(output().at("signInNeeded").as_bool());
  EXPECT_EQ(numberOf("clientSecretExpiresAt"), 1700000000001);
  EXPECT_EQ(plain("clientId"), "given");

  on("/client/register", 200, kRegistered);
  on("amazonaws.com/token", 200, tokens("aoaNEW", kNewToken));
  ASSERT_EQ(control("accounts.renew"), OMNI_OK);
  EXPECT_TRUE(output().at("renewed").as_bool());
  EXPECT_EQ(numberOf("clientSecretExpiresAt"), 1900000000000);
  EXPECT_EQ(plain("clientId"), "own");
  EXPECT_EQ(secret("refreshToken"), kNewToken);
}

TEST_F(KiroLife, RenewalOfASocialAccountTouchesNoToken) {
  signedIn(3'600'000);
  on("/client/register", 200, kRegistered);
  ASSERT_EQ(control("accounts.renew"), OMNI_OK);
  EXPECT_TRUE(output().at("renewed").as_bool());
  EXPECT_EQ(plain("clientId"), "own");
  EXPECT_EQ(secret("refreshToken"), kToken);
  EXPECT_EQ(host_.requests().size(), 1u);
}

// ---- profiles

TEST_F(KiroLife, ProfilesOverAllRegionsAndPagesAndAChoice) {
  signedIn(3'600'000, "oidc");
  const std::string second = "arn:aws:codewhisperer:us-east-1:123456789012:profile/SECOND";
  on("ListAvailableProfiles", 200,
     R"({"profiles":[{"arn":")" + kArn + R"(","profileName":"One"}],"nextToken":"2"})");
  on("ListAvailableProfiles", 200,
     R"({"profiles":[{"arn":")" + second + R"(","profileName":"Two"},)" +
         R"({"arn":"arn:x"},{"arn":")" + kArn + R"("},{"name":"none"},7]})");
  on("ListAvailableProfiles", 200,
     R"({"profiles":[{"arn":")" + kEuArn + R"(","profileName":"Three"}]})");
  ASSERT_EQ(control("accounts.profiles", R"({"select":")" + kEuArn + R"("})"), OMNI_OK)
      << error().message;
  const auto list = output().at("profiles").as_array();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[1].at("name").as_string(), "Two");
  EXPECT_EQ(list[2].at("region").as_string(), "eu-central-1");
  EXPECT_FALSE(list[0].at("selected").as_bool());
  EXPECT_TRUE(list[2].at("selected").as_bool());
  EXPECT_EQ(plain("profileArn"), kEuArn);
  EXPECT_EQ(plain("profileName"), "Three");
  EXPECT_NE(sentTo("ListAvailableProfiles")[1].body.find(R"("nextToken":"2")"), std::string::npos);
}

TEST_F(KiroLife, AProfileOfSomebodyElseIsNotChosen) {
  signedIn(3'600'000, "oidc");
  on("ListAvailableProfiles", 200, R"({"profiles":[{"arn":")" + kArn + R"("}]})");
  on("ListAvailableProfiles", 403, "{}");
  EXPECT_EQ(control("accounts.profiles", R"({"select":")" + kEuArn + R"("})"), OMNI_FAILED);
  EXPECT_EQ(error().field, "select");
  EXPECT_EQ(plain("profileArn"), kArn);
}

TEST_F(KiroLife, ProfilesThatNobodyTells) {
  signedIn(3'600'000, "oidc");
  on("ListAvailableProfiles", 500, "{}");
  on("ListAvailableProfiles", 500, "{}");
  EXPECT_EQ(control("accounts.profiles"), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_UPSTREAM);
}

TEST_F(KiroLife, ASocialAccountHasTheOneItHas) {
  signedIn(3'600'000);
  ASSERT_EQ(control("accounts.profiles"), OMNI_OK);
  EXPECT_EQ(output().at("profiles").as_array().size(), 1u);
  EXPECT_TRUE(host_.requests().empty());
}

// ---- usage

TEST_F(KiroLife, UsageSumsWhatUpstreamSpendsTogether) {
  signedIn(3'600'000);
  on("GetUsageLimits", 200, R"({
    "nextDateReset": 1.782864E9, "subscriptionInfo": {"subscriptionTitle":"KIRO PRO","type":"X"},
    "overageConfiguration": {"overageStatus":"ENABLED"},
    "userInfo": {"userId":"d-1.2","email":null},
    "usageBreakdownList": [{"resourceType":"CREDIT","displayNamePlural":"Credits",
      "currentUsage":10,"currentUsageWithPrecision":10.5,"usageLimit":1000,
      "nextDateReset":1.782864E9,"overageCap":10000,"overageRate":0.04,"currentOverages":2,
      "freeTrialInfo":{"freeTrialStatus":"ACTIVE","currentUsage":5,"usageLimit":500,
                       "freeTrialExpiry":1790000000000},
      "bonuses":[{"displayName":"Gift","status":"ACTIVE","usageLimit":100,"currentUsage":100,
                  "expiresAt":1790000000},
                 {"displayName":"Old","status":"EXPIRED","usageLimit":50,"currentUsage":0}]}]})");
  ASSERT_EQ(control("accounts.usage"), OMNI_OK) << error().message;
  const auto out = output();
  EXPECT_DOUBLE_EQ(out.at("limit").to_number<double>(), 1600);
  EXPECT_DOUBLE_EQ(out.at("used").to_number<double>(), 115.5);
  EXPECT_EQ(said("plan"), "KIRO PRO");
  EXPECT_EQ(numberOf("resetAt"), 1782864000000);
  EXPECT_TRUE(out.at("overage").as_bool());
  EXPECT_EQ(said("userId"), "d-1.2");
  EXPECT_FALSE(out.contains("email"));
  const auto items = out.at("items").as_array();
  ASSERT_EQ(items.size(), 5u);
  EXPECT_EQ(items[0].at("kind").as_string(), "credits");
  EXPECT_EQ(items[1].at("kind").as_string(), "trial");
  EXPECT_EQ(items[1].at("expiresAt").as_int64(), 1790000000000);
  EXPECT_EQ(items[2].at("kind").as_string(), "bonus");
  EXPECT_EQ(items[2].at("expiresAt").as_int64(), 1790000000000);
  EXPECT_FALSE(items[3].at("active").as_bool());
  EXPECT_EQ(items[4].at("kind").as_string(), "overage");
  EXPECT_TRUE(items[4].at("active").as_bool());
}

TEST_F(KiroLife, UsageWithoutData) {
  for (const char* body :
       {"{}", R"({"usageBreakdownList":[]})", R"({"usageBreakdownList":null})",
        R"({"usageBreakdownList":[7,{"bonuses":[null]}],"nextDateReset":"x"})"}) {
    signedIn(3'600'000);
    on("GetUsageLimits", 200, body);
    ASSERT_EQ(control("accounts.usage"), OMNI_OK) << body;
    EXPECT_EQ(numberOf("limit"), 0) << body;
  }
}

TEST_F(KiroLife, AnUnknownOperationIsTriedOnTheOtherHosts) {
  signedIn(3'600'000);
  on("GetUsageLimits", 404, R"({"__type":"x#UnknownOperationException"})");
  on("GetUsageLimits", 200, "{}");
  ASSERT_EQ(control("accounts.usage"), OMNI_OK) << error().message;
  EXPECT_EQ(host_.requests()[0].url, "https://management.us-east-1.kiro.dev/");
  EXPECT_EQ(host_.requests()[1].url, "https://q.us-east-1.amazonaws.com/");
}

// ---- test

TEST_F(KiroLife, TestAsksUpstreamAndRotatesOnlyWhenNeeded) {
  signedIn(3'600'000);
  on("GetUsageLimits", 200, R"({"usageBreakdownList":[{"usageLimit":50,"currentUsage":8}]})");
  ASSERT_EQ(control("accounts.test", R"({"probe":false})"), OMNI_OK);
  ASSERT_EQ(checks().size(), 2u);
  for (const auto& check : checks()) EXPECT_TRUE(check.at("ok").as_bool());
  EXPECT_NE(output_.find("42 of 50 credits"), std::string::npos);
  EXPECT_TRUE(sentTo("/refreshToken").empty());
  EXPECT_TRUE(sentTo("GenerateAssistantResponse").empty());
}

TEST_F(KiroLife, TestSaysWhatFailedAndWhatToDo) {
  struct Row {
    const char* name;
    uint32_t status;
    const char* body;
    const char* kind;
  };
  const std::vector<Row> rows = {
      {"suspended", 403, R"({"reason":"TEMPORARILY_SUSPENDED","message":"locked"})", "suspended"},
      {"suspended, words", 403, R"({"message":"Your User ID (1) temporarily is suspended."})",
       "suspended"},
      {"plan", 403, R"({"reason":"FEATURE_NOT_SUPPORTED"})", "not_authorized"},
      {"quota", 402, R"({"reason":"MONTHLY_REQUEST_COUNT"})", "quota"},
      {"used up", 200, R"({"usageBreakdownList":[{"usageLimit":50,"currentUsage":50}]})", "quota"},
      {"throttled", 429, "{}", "rate_limited"},
      {"server", 500, "{}", "upstream"},
      {"profile", 400, R"({"message":"Invalid profileArn."})", "not_authorized"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    signedIn(3'600'000);
    on("GetUsageLimits", row.status, row.body);
    ASSERT_EQ(control("accounts.test"), OMNI_OK);
    const auto check = checks().back().as_object();
    EXPECT_EQ(check.at("name").as_string(), "usage");
    EXPECT_FALSE(check.at("ok").as_bool());
    EXPECT_EQ(check.at("kind").as_string(), row.kind);
    EXPECT_FALSE(check.at("advice").as_string().empty());
  }
}

TEST_F(KiroLife, TestMakesADeadTokenVisible) {
  signedIn(0);
  on("/refreshToken", 400, kInvalidGrant);
  ASSERT_EQ(control("accounts.test"), OMNI_OK);
  ASSERT_EQ(checks().size(), 1u);
  EXPECT_EQ(checks()[0].at("kind").as_string(), "reauth_required");
  EXPECT_EQ(checks()[0].at("name").as_string(), "token");
}

TEST_F(KiroLife, TestWithoutANetworkIsAResultToo) {
  signedIn(3'600'000);
  onBroken("GetUsageLimits", OMNI_FAILURE_TIMEOUT);
  ASSERT_EQ(control("accounts.test"), OMNI_OK);
  EXPECT_EQ(checks().back().at("kind").as_string(), "network");
}

TEST_F(KiroLife, TheProbeReallyAsksAModel) {
  signedIn(3'600'000);
  on("GetUsageLimits", 200, "{}");
  on("GenerateAssistantResponse", 429, R"({"reason":"INSUFFICIENT_MODEL_CAPACITY"})");
  ASSERT_EQ(control("accounts.test", R"({"probe":true})"), OMNI_OK);
  EXPECT_GE(sentTo("GenerateAssistantResponse").size(), 1u);
  EXPECT_EQ(checks().back().at("name").as_string(), "probe");
  EXPECT_EQ(checks().back().at("kind").as_string(), "capacity");
  EXPECT_EQ(control("accounts.test", R"({"probe":"yes"})"), OMNI_FAILED);
  EXPECT_EQ(error().field, "probe");
}

TEST_F(KiroLife, DescribeTellsEverythingButSecrets) {
  signedIn(3'600'000, "oidc");
  host_.setValue("isolation", "shared");
  host_.setValue("isolationReason", "because");
  host_.setValue("clientSecretExpiresAt", "1900000000000");
  host_.setValue("tokenEndpoint", "https://a.okta.com/secret-path");
  ASSERT_EQ(control("accounts.describe"), OMNI_OK);
  EXPECT_EQ(said("clientId"), "given");
  EXPECT_EQ(said("isolation"), "shared");
  EXPECT_EQ(said("isolationReason"), "because");
  EXPECT_EQ(numberOf("clientSecretExpiresAt"), 1900000000000);
  EXPECT_EQ(said("tokenEndpointHost"), "a.okta.com");
  EXPECT_TRUE(output().at("hasRefreshToken").as_bool());
  for (const std::string& hidden : {std::string("hush"), kToken, std::string("aoaOLD")})
    EXPECT_EQ(output_.find(hidden), std::string::npos);
  // A damaged record is described, not a crash.
  host_.setValue("expiresAt", "not a number");
  EXPECT_EQ(control("accounts.describe"), OMNI_OK);
}

TEST(SafeText, NothingThatLooksLikeAToken) {
  EXPECT_EQ(safeText("Invalid refresh token provided"), "Invalid refresh token provided");
  EXPECT_EQ(safeText("a\r\nb"), "a  b");
  EXPECT_EQ(safeText("x " + std::string(49, 'k') + " y"), "x [hidden] y");
  EXPECT_LE(safeText(std::string(5000, ' ')).size(), 250u);
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "\xc3\xa4 ";
  const std::string cut = safeText(umlauts);
  EXPECT_TRUE(cut.ends_with("..."));
  EXPECT_NE(static_cast<unsigned char>(cut[cut.size() - 4]), 0xc3);
}

}  // namespace
}  // namespace omni::kiro
