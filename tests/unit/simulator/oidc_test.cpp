#include "fixture.hpp"

namespace omni::sim {
namespace {

using testing::Answer;
constexpr std::string_view kDeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

class OidcTest : public testing::SimTest {
 protected:
  void SetUp() override {
    SimTest::SetUp();
    world_.policy.update({{"fast", true}});
  }

  static void expectError(const Answer& answer, int status, std::string_view type,
                          std::string_view error) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.error_type, type);
    EXPECT_EQ(answer.at("error"), error);
    EXPECT_FALSE(answer.at("error_description").empty());
  }

  json::object startDevice(const json::object& client) {
    const auto answer = post("/oidc/us-east-1/device_authorization",
                             {{"clientId", client.at("clientId")},
                              {"clientSecret", client.at("clientSecret")},
                              {"startUrl", "https://view.awsapps.com/start"}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json().as_object();
  }

  Answer poll(const json::object& client, const json::object& device) {
    return token(client, {{"grantType", kDeviceGrant}, {"deviceCode", device.at("deviceCode")}});
  }

  json::object authorized(const json::object& client, const std::string& redirect,
                          const std::string& verifier, std::string_view scopes = "a,b") {
    const auto answer =
        call("GET",
             "/oidc/us-east-1/authorize?response_type=code&client_id=" + text(client, "clientId") +
                 "&redirect_uri=" + percentEncode(redirect) + "&scopes=" + percentEncode(scopes) +
                 "&state=s1&code_challenge=" + base64Url(sha256(verifier)) +
                 "&code_challenge_method=S256");
    EXPECT_EQ(answer.status, 302) << answer.body;
    json::object out;
    for (const auto& [key, value] :
         parseForm(answer.location.substr(answer.location.find('?') + 1))) {
      out[key] = value;
    }
    return out;
  }
};

TEST_F(OidcTest, RegistersForNinetyDays) {
  const auto client = registerClient();
  EXPECT_EQ(integer(client, "clientSecretExpiresAt") - integer(client, "clientIdIssuedAt"),
            90 * 24 * 3600);
  world_.clock.advance(90 * 24 * 3600 + 1);
  expectError(refresh(client, "x"), 401, "InvalidClientException", "invalid_client");
}

TEST_F(OidcTest, RefusesBadRegistrations) {
  const auto reg = [&](const char* body) {
    return call("POST", "/oidc/us-east-1/client/register", body);
  };
  expectError(reg("{"), 400, "InvalidRequestException", "invalid_request");
  expectError(reg("{}"), 400, "InvalidRequestException", "invalid_request");
  expectError(reg(R"({"clientName":"a","clientType":"confidential"})"), 400,
              "InvalidClientMetadataException", "invalid_client_metadata");
  expectError(reg(R"({"clientName":"a","clientType":"public","grantTypes":["password"]})"), 400,
              "UnsupportedGrantTypeException", "unsupported_grant_type");
  expectError(reg(R"({"clientName":"a","clientType":"public","scopes":["a b"]})"), 400,
              "InvalidScopeException", "invalid_scope");
  expectError(reg(R"({"clientName":"a","clientType":"public","redirectUris":["nowhere"]})"), 400,
              "InvalidRedirectUriException", "invalid_redirect_uri");
}

TEST_F(OidcTest, DeviceFlow) {
  const auto client = registerClient();
  const auto device = startDevice(client);
  EXPECT_EQ(integer(device, "interval"), 1);
  expectError(poll(client, device), 400, "AuthorizationPendingException", "authorization_pending");
  expectError(poll(client, device), 400, "SlowDownException", "slow_down");
  EXPECT_EQ(post("/__control/device/approve", {{"userCode", device.at("userCode")}}).status, 200);
  world_.clock.advance(10);
  const auto tokens = poll(client, device);
  ASSERT_EQ(tokens.status, 200) << tokens.body;
  EXPECT_GE(tokens.at("accessToken").size(), 200U);
  EXPECT_TRUE(tokens.at("accessToken").starts_with("aoaAAAAAG"));
  EXPECT_TRUE(tokens.at("refreshToken").starts_with("aorAAAAAG"));
  expectError(poll(client, device), 400, "InvalidGrantException", "invalid_grant");
}

TEST_F(OidcTest, DeviceRefusals) {
  const auto client = registerClient();
  const auto denied = startDevice(client);
  EXPECT_EQ(post("/__control/device/deny", {{"userCode", denied.at("userCode")}}).status, 200);
  expectError(poll(client, denied), 400, "AccessDeniedException", "access_denied");
  const auto expired = startDevice(client);
  world_.clock.advance(601);
  expectError(poll(client, expired), 400, "ExpiredTokenException", "expired_token");
  const auto bad =
      post("/oidc/us-east-1/device_authorization", {{"clientId", client.at("clientId")},
                                                    {"clientSecret", client.at("clientSecret")},
                                                    {"startUrl", "https://example.com/start"}});
  expectError(bad, 400, "InvalidRequestException", "invalid_request");
  EXPECT_NE(bad.body.find("invalid start url provided"), std::string::npos);
}

TEST_F(OidcTest, ClientChecks) {
  const auto client = registerClient("eu-west-1");
  expectError(
      token(client, {{"grantType", "refresh_token"}, {"refreshToken", "x"}, {"clientSecret", "y"}},
            "eu-west-1"),
      401, "InvalidClientException", "invalid_client");
  expectError(
      token(client, {{"grantType", "refresh_token"}, {"refreshToken", "x"}, {"clientId", "y"}},
            "eu-west-1"),
      401, "InvalidClientException", "invalid_client");
  const auto elsewhere = refresh(client, "x", "us-east-1");
  expectError(elsewhere, 400, "InvalidRequestRegionException", "invalid_request");
  EXPECT_EQ(elsewhere.at("region"), "eu-west-1");
  expectError(token(client, {{"grantType", "password"}}, "eu-west-1"), 400,
              "UnsupportedGrantTypeException", "unsupported_grant_type");
  expectError(token(client, json::object(), "eu-west-1"), 400, "InvalidRequestException",
              "invalid_request");
  const auto narrow = registerClient(
      "eu-west-1", {{"grantTypes", json::array{"refresh_token", "authorization_code"}}});
  expectError(token(narrow, {{"grantType", kDeviceGrant}, {"deviceCode", "x"}}, "eu-west-1"), 400,
              "UnauthorizedClientException", "unauthorized_client");
}

TEST_F(OidcTest, RefreshRotatesAndTheOldTokenIsSpent) {
  const auto account = this->account({{"kind", "builder_id"}});
  const auto first = refresh(account, text(account, "refreshToken"));
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_NE(first.at("refreshToken"), text(account, "refreshToken"));
  expectError(refresh(account, text(account, "refreshToken")), 400, "InvalidGrantException",
              "invalid_grant");
  EXPECT_EQ(refresh(account, first.at("refreshToken")).status, 200);
}

TEST_F(OidcTest, RotationPolicies) {
  world_.policy.update({{"rotate", "never"}});
  const auto account = this->account({{"kind", "builder_id"}});
  const auto same = refresh(account, text(account, "refreshToken"));
  ASSERT_EQ(same.status, 200);
  EXPECT_EQ(same.at("refreshToken"), "");
  world_.policy.update({{"rotate", "sometimes"}});
  EXPECT_NE(refresh(account, text(account, "refreshToken")).at("refreshToken"), "");
}

TEST_F(OidcTest, OneSessionForEachRegistration) {
  const auto first = account({{"kind", "builder_id"}});
  const auto second = account({{"kind", "builder_id"}, {"clientId", first.at("clientId")}});
  expectError(refresh(first, text(first, "refreshToken")), 400, "InvalidGrantException",
              "invalid_grant");
  EXPECT_EQ(refresh(second, text(second, "refreshToken")).status, 200);
  const auto apart = account({{"kind", "builder_id"}});
  EXPECT_EQ(refresh(apart, text(apart, "refreshToken")).status, 200);
}

TEST_F(OidcTest, ForeignTokensAreRefusedWhenStrict) {
  const auto client = registerClient();
  const auto builder = account({{"kind", "builder_id"}});
  const auto social = account({{"kind", "social"}});
  expectError(refresh(client, text(builder, "refreshToken")), 400, "InvalidGrantException",
              "invalid_grant");
  expectError(refresh(client, text(social, "refreshToken")), 400, "InvalidGrantException",
              "invalid_grant");
  EXPECT_EQ(refresh(builder, text(builder, "refreshToken")).status, 200);
  EXPECT_EQ(
      post("/auth-desktop/refreshToken", {{"refreshToken", social.at("refreshToken")}}).status,
      200);
}

TEST_F(OidcTest, ForeignTokensMoveWhenAdopted) {
  world_.policy.update({{"foreignRefresh", "adopt"}});
  const auto client = registerClient("eu-west-1");
  const auto first = account({{"kind", "social"}});
  const auto second = account({{"kind", "social"}});
  const auto adopted = refresh(client, text(first, "refreshToken"), "eu-west-1");
  ASSERT_EQ(adopted.status, 200) << adopted.body;
  EXPECT_EQ(
      post("/auth-desktop/refreshToken", {{"refreshToken", adopted.at("refreshToken")}}).status,
      400);
  // The second account pushes the first one out of the shared registration.
  const auto pushed = refresh(client, text(second, "refreshToken"), "eu-west-1");
  ASSERT_EQ(pushed.status, 200);
  expectError(refresh(client, adopted.at("refreshToken"), "eu-west-1"), 400,
              "InvalidGrantException", "invalid_grant");
  EXPECT_EQ(refresh(client, pushed.at("refreshToken"), "eu-west-1").status, 200);
}

TEST_F(OidcTest, AuthorizationCodeWithPkce) {
  const std::string redirect = "http://127.0.0.1:49153/oauth/callback";
  const auto client = registerClient(
      "us-east-1", {{"redirectUris", json::array{"http://127.0.0.1/oauth/callback"}},
                    {"grantTypes", json::array{"authorization_code", "refresh_token"}},
                    {"scopes", json::array{"a", "b"}}});
  for (const auto scopes : {"a,b", "a b"}) {
    const auto back = authorized(client, redirect, "verifier-1", scopes);
    EXPECT_EQ(text(back, "state"), "s1");
    const json::object exchange{{"grantType", "authorization_code"},
                                {"code", back.at("code")},
                                {"codeVerifier", "verifier-1"},
                                {"redirectUri", redirect}};
    const auto tokens = token(client, exchange);
    ASSERT_EQ(tokens.status, 200) << tokens.body;
    expectError(token(client, exchange), 400, "InvalidGrantException", "invalid_grant");
  }
  EXPECT_EQ(text(authorized(client, redirect, "v", "c"), "error"), "invalid_scope");
  const auto back = authorized(client, redirect, "right");
  expectError(token(client, {{"grantType", "authorization_code"},
                             {"code", back.at("code")},
                             {"codeVerifier", "wrong"},
                             {"redirectUri", redirect}}),
              400, "InvalidGrantException", "invalid_grant");
  EXPECT_EQ(call("GET", "/oidc/us-east-1/authorize?client_id=" + text(client, "clientId") +
                            "&redirect_uri=http%3A%2F%2Fevil.example%2F")
                .error_type,
            "InvalidRedirectUriException");
}

}  // namespace
}  // namespace omni::sim
