// Google and GitHub: the form with a code and the form with a browser.
#include "plugins/kiro/base64url.hpp"
#include "tests/unit/plugins/kiro/account_fixture.hpp"

namespace omni::kiro {
namespace {

constexpr const char* kDevice =
    R"({"deviceCode":"dev-secret","userCode":"WXYZ","verificationUri":"https://app.kiro.dev/account/device","verificationUriComplete":"https://app.kiro.dev/account/device?user_code=WXYZ","expiresInMilliseconds":300000,"intervalInMilliseconds":5000})";

class KiroSocial : public AccountFixture {
 protected:
  void start(const std::string& input = R"({"method":"github"})") {
    on("/client/register", 200, kRegistered);
    on("/oauth/device/authorization", 200, kDevice);
    ASSERT_EQ(control("accounts.signin.start", input), OMNI_OK) << error().message;
  }
  void startBrowser(const std::string& more = "") {
    on("/client/register", 200, kRegistered);
    ASSERT_EQ(
        control("accounts.signin.start", R"({"method":"google","form":"browser")" + more + "}"),
        OMNI_OK)
        << error().message;
  }
  omni_status_t finish(const std::string& url) {
    return control("accounts.signin.finish", R"({"callbackUrl":")" + url + R"("})");
  }
  std::string callback(const std::string& more, const std::string& path = "/oauth/callback") {
    return "http://localhost:3128" + path + "?state=" + secret("signin.state") + more;
  }
};

TEST_F(KiroSocial, TheDeviceFormEndsRegistered) {
  start();
  EXPECT_EQ(said("userCode"), "WXYZ");
  EXPECT_EQ(numberOf("expiresAt"), host_.nowMs() + 300'000);
  const auto asked = sentTo("/oauth/device/authorization");
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].url,
            "https://prod.us-east-1.auth.desktop.kiro.dev/oauth/device/authorization");
  EXPECT_NE(asked[0].body.find(R"("loginProvider":"Github")"), std::string::npos);
  host_.advanceMs(5000);
  on("/oauth/device/poll", 200,
     tokens("aoaNEW", kNewToken, R"(,"status":"authorized","profileArn":")" + kArn + '"'));
  ASSERT_EQ(control("accounts.signin.poll"), OMNI_OK) << error().message;
  EXPECT_EQ(said("status"), "complete");
  EXPECT_EQ(plain("authMethod"), "social");
  EXPECT_EQ(plain("provider"), "Github");
  EXPECT_EQ(plain("isolation"), "registered");
  EXPECT_EQ(plain("refreshRoute"), "social");
  EXPECT_EQ(plain("clientId"), "own");
  EXPECT_EQ(plain("profileArn"), kArn);
  EXPECT_EQ(plain("clientSecretExpiresAt"), "1900000000000");
  EXPECT_TRUE(sentTo("ListAvailableProfiles").empty());
}

// Both ways of saying "not yet" that were seen (B.3).
TEST_F(KiroSocial, PendingInEverySpelling) {
  struct Row {
    uint32_t status;
    const char* body;
    int64_t interval;
  };
  const std::vector<Row> rows = {{400, R"({"error":"authorization_pending"})", 5000},
                                 {200, R"({"error":"authorization_pending"})", 5000},
                                 {429, R"({"status":"authorization_pending"})", 5000},
                                 {400, R"({"error":"slow_down"})", 10'000},
                                 {429, R"({"status":"authorization_pending"})", 10'000}};
  start();
  host_.advanceMs(5000);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.body);
    on("/oauth/device/poll", row.status, row.body);
    ASSERT_EQ(control("accounts.signin.poll"), OMNI_OK) << error().message;
    EXPECT_EQ(said("status"), "pending");
    EXPECT_EQ(numberOf("intervalMs"), row.interval);
    host_.advanceMs(row.interval);
  }
}

TEST_F(KiroSocial, TheEndWithoutTokens) {
  struct Row {
    uint32_t status;
    const char* body;
    uint32_t kind;
    const char* reason;
  };
  const std::vector<Row> rows = {
      {403, R"({"error":"access_denied"})", OMNI_FAILURE_NOT_AUTHORIZED, "access_denied"},
      {400, R"({"status":"denied"})", OMNI_FAILURE_NOT_AUTHORIZED, "access_denied"},
      {400, R"({"error":"expired_token"})", OMNI_FAILURE_REAUTH_REQUIRED, "expired_token"},
      {200, "{}", OMNI_FAILURE_PROTOCOL, ""},
      {200, "", OMNI_FAILURE_PROTOCOL, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.body);
    start();
    host_.advanceMs(5000);
    on("/oauth/device/poll", row.status, row.body);
    EXPECT_EQ(control("accounts.signin.poll"), OMNI_FAILED);
    EXPECT_EQ(error().kind, row.kind);
    EXPECT_EQ(error().reason, row.reason);
  }
}

TEST_F(KiroSocial, WithoutARegistrationOnlyWhenAllowed) {
  on("/client/register", 500, "{}");
  EXPECT_EQ(control("accounts.signin.start", R"({"method":"google"})"), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_UPSTREAM);
  on("/client/register", 500, "{}");
  on("/oauth/device/authorization", 200, kDevice);
  ASSERT_EQ(control("accounts.signin.start", R"({"method":"google","allowShared":true})"), OMNI_OK);
  host_.advanceMs(5000);
  on("/oauth/device/poll", 200, tokens("aoaNEW", kNewToken));
  ASSERT_EQ(control("accounts.signin.poll"), OMNI_OK);
  EXPECT_EQ(plain("isolation"), "shared");
  EXPECT_FALSE(has("clientId"));
  EXPECT_EQ(plain("profileArn"), kArn);  // the one that all of them share
}

TEST_F(KiroSocial, SignUpsPausedIsSaid) {
  on("/client/register", 200, kRegistered);
  on("/oauth/device/authorization", 400, R"({"message":"New signups are temporarily paused."})");
  EXPECT_EQ(control("accounts.signin.start", R"({"method":"google"})"), OMNI_FAILED);
  EXPECT_NE(error().message.find("New signups are temporarily paused"), std::string::npos);
}

TEST_F(KiroSocial, TheBrowserFormUsesPkceAndAnAllowedPort) {
  startBrowser(R"(,"redirectPort":"49153")");
  EXPECT_EQ(said("kind"), "browser");
  EXPECT_EQ(said("redirectUri"), "http://localhost:49153");
  const std::string url = said("url");
  EXPECT_EQ(url.substr(0, url.find('?')), "https://app.kiro.dev/signin");
  EXPECT_NE(url.find("code_challenge=" + pkceChallenge(secret("signin.codeVerifier"))),
            std::string::npos);
  EXPECT_NE(url.find("code_challenge_method=S256"), std::string::npos);
  EXPECT_NE(url.find("state=" + secret("signin.state")), std::string::npos);
  EXPECT_NE(url.find("redirect_uri=http%3A%2F%2Flocalhost%3A49153"), std::string::npos);
  EXPECT_EQ(url.find(secret("signin.codeVerifier")), std::string::npos);
  EXPECT_EQ(secret("signin.codeVerifier").size(), 43u);
  for (const char* port : {"80", "3129", "x", "-1", "99999999999", "3128x"}) {
    EXPECT_EQ(
        control("accounts.signin.start", std::string(R"({"method":"google","form":"browser",)") +
                                             R"("redirectPort":")" + port + R"("})"),
        OMNI_FAILED)
        << port;
    EXPECT_EQ(error().field, "redirectPort");
  }
}

TEST_F(KiroSocial, TheBrowserFormEndsInAnAccount) {
  startBrowser();
  const std::string verifier = secret("signin.codeVerifier");
  ASSERT_EQ(control("accounts.signin.poll"), OMNI_OK);
  EXPECT_EQ(said("status"), "pending");
  on("/oauth/token", 200, tokens("aoaNEW", kNewToken, R"(,"profileArn":")" + kArn + '"'));
  ASSERT_EQ(finish(callback("&code=c-1&login_option=github", "/signin/callback")), OMNI_OK)
      << error().message;
  EXPECT_EQ(said("status"), "complete");
  const auto sent = sentTo("/oauth/token");
  ASSERT_EQ(sent.size(), 1u);
  const auto body = testing_json::parse(sent[0].body).as_object();
  EXPECT_EQ(body.at("code").as_string(), "c-1");
  EXPECT_EQ(body.at("code_verifier").as_string(), verifier);
  EXPECT_EQ(body.at("redirect_uri").as_string(),
            "http://localhost:3128/signin/callback?login_option=github");
  EXPECT_EQ(body.size(), 3u);
  EXPECT_EQ(plain("provider"), "Github");  // what was chosen on the page
  EXPECT_EQ(plain("isolation"), "registered");
  EXPECT_FALSE(has("signin.state"));
  EXPECT_FALSE(has("signin.codeVerifier"));
}

TEST_F(KiroSocial, CallbacksThatAreNotOurs) {
  startBrowser();
  const std::string state = secret("signin.state");
  const std::vector<std::string> urls = {
      "",
      "hello",
      "https://localhost:3128/oauth/callback?code=c&state=" + state,
      "http://evil.example.com:3128/oauth/callback?code=c&state=" + state,
      "http://localhost:4649/oauth/callback?code=c&state=" + state,
      "http://localhost:3128/other?code=c&state=" + state,
      "http://localhost:3128/oauth/callback?code=c&state=x" + state,
      "http://localhost:3128/oauth/callback?code=c",
      "http://localhost:3128/oauth/callback?state=" + state,
      "http://localhost:3128/oauth/callback?code=%zz&state=" + state,
      "http://localhost:3128/oauth/callback?code=a&code=b&state=" + state,
      "http://localhost:3128/oauth/callback?code=c&login_option=awsidc&state=" + state,
  };
  for (const auto& url : urls) {
    SCOPED_TRACE(url);
    EXPECT_EQ(finish(url), OMNI_FAILED);
    EXPECT_EQ(error().kind, OMNI_FAILURE_BAD_REQUEST);
    EXPECT_EQ(error().field, "callbackUrl");
  }
  EXPECT_TRUE(sentTo("/oauth/token").empty());
  EXPECT_EQ(finish(callback("&error=access_denied&error_description=No+thanks")), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_NOT_AUTHORIZED);
  EXPECT_NE(error().message.find("No thanks"), std::string::npos);
}

TEST_F(KiroSocial, ACodeThatIsRefusedOrTooLate) {
  startBrowser();
  on("/oauth/token", 400, kInvalidGrant);
  EXPECT_EQ(finish(callback("&code=c")), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_REAUTH_REQUIRED);
  EXPECT_FALSE(has("refreshToken"));
  host_.advanceMs(600'000);
  EXPECT_EQ(finish(callback("&code=c")), OMNI_FAILED);
  EXPECT_EQ(error().reason, "expired_token");
  EXPECT_EQ(sentTo("/oauth/token").size(), 1u);
}

TEST_F(KiroSocial, FinishWithoutABrowserSignIn) {
  start();
  EXPECT_EQ(finish("http://localhost:3128/oauth/callback?code=c"), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_NOT_FOUND);
}

TEST(Base64Url, KnownValues) {
  EXPECT_EQ(base64Url(""), "");
  EXPECT_EQ(base64Url("f"), "Zg");
  EXPECT_EQ(base64Url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64Url("\xfb\xff"), "-_8");
  EXPECT_EQ(fromBase64Url("Zm9vYmFy"), "foobar");
  EXPECT_EQ(fromBase64Url("Zg=="), "f");
  EXPECT_EQ(fromBase64Url("a b"), std::nullopt);
  // RFC 7636, appendix B.
  EXPECT_EQ(pkceChallenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(JwtClaim, FirstThatIsThere) {
  const std::string token = "h." + base64Url(R"({"upn":"u@example.com","sub":7})") + ".s";
  EXPECT_EQ(jwtClaim(token, {"email", "upn"}), "u@example.com");
  EXPECT_EQ(jwtClaim(token, {"sub"}), "");
  EXPECT_EQ(jwtClaim("opaque", {"email"}), "");
  EXPECT_EQ(jwtClaim("a.!!.c", {"email"}), "");
}

}  // namespace
}  // namespace omni::kiro
