#include "fixture.hpp"

namespace omni::sim {
namespace {

class SocialTest : public testing::SimTest {};

TEST_F(SocialTest, RefreshAlwaysRotates) {
  const auto account = this->account({{"kind", "social"}});
  const auto first =
      post("/auth-desktop/refreshToken", {{"refreshToken", account.at("refreshToken")}});
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.json().as_object().size(), 4U);
  EXPECT_EQ(first.at("profileArn"), kSocialProfile);
  const auto again =
      post("/auth-desktop/refreshToken", {{"refreshToken", account.at("refreshToken")}});
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.at("error"), "invalid_grant");
  world_.policy.update({{"social401", true}});
  EXPECT_EQ(post("/auth-desktop/refreshToken", {{"refreshToken", "nonsense"}}).status, 401);
}

TEST_F(SocialTest, LoginWithPkce) {
  const auto login = call("GET", "/auth-desktop/login?idp=Google&redirect_uri=" +
                                     percentEncode("http://localhost:3128/oauth/callback") +
                                     "&code_challenge=" + base64Url(sha256("v")) +
                                     "&code_challenge_method=S256&state=st");
  ASSERT_EQ(login.status, 302) << login.body;
  const auto form = parseForm(login.location.substr(login.location.find('?') + 1));
  EXPECT_EQ(formValue(form, "state"), "st");
  const json::object exchange{
      {"code", formValue(form, "code")},
      {"code_verifier", "v"},
      {"redirect_uri", "http://localhost:3128/oauth/callback?login_option=google"}};
  EXPECT_EQ(post("/auth-desktop/oauth/token", exchange).status, 200);
  EXPECT_EQ(post("/auth-desktop/oauth/token", exchange).status, 400);
}

TEST_F(SocialTest, ThePageForBrowsers) {
  const auto page = [&](const std::string& port, const std::string& more) {
    return call("GET", "/portal/signin?redirect_uri=" + percentEncode("http://localhost:" + port) +
                           "&code_challenge=" + base64Url(sha256("v")) +
                           "&code_challenge_method=S256&state=st&redirect_from=kirocli" + more);
  };
  const auto login = page("49153", "&login_option=github");
  ASSERT_EQ(login.status, 302) << login.body;
  EXPECT_THAT(login.location, ::testing::StartsWith("http://localhost:49153/oauth/callback?"));
  const auto form = parseForm(login.location.substr(login.location.find('?') + 1));
  EXPECT_EQ(formValue(form, "state"), "st");
  EXPECT_EQ(formValue(form, "login_option"), "github");
  json::object exchange{
      {"code", formValue(form, "code")},
      {"code_verifier", "v"},
      {"redirect_uri", "http://localhost:49153/oauth/callback?login_option=github"}};
  const auto tokens = post("/auth-desktop/oauth/token", exchange);
  EXPECT_EQ(tokens.status, 200) << tokens.body;
  EXPECT_EQ(tokens.at("profileArn"), kSocialProfile);
  // The redirect has to be repeated whole, and the port has to be one of the ten.
  const auto other = page("3128", "");
  exchange["code"] =
      formValue(parseForm(other.location.substr(other.location.find('?') + 1)), "code");
  exchange["redirect_uri"] = "http://localhost:3128/oauth/callback";
  EXPECT_EQ(post("/auth-desktop/oauth/token", exchange).status, 400);
  EXPECT_EQ(page("3129", "").status, 400);
  EXPECT_THAT(page("3128", "&deny=1").location, ::testing::HasSubstr("error=access_denied"));
}

TEST_F(SocialTest, LogoutEndsBothTokens) {
  const auto account = this->account({{"kind", "social"}});
  EXPECT_EQ(generate(account, chat(account, "hi")).status, 200);
  EXPECT_EQ(post("/auth-desktop/logout", {{"refreshToken", account.at("refreshToken")}}).status,
            200);
  EXPECT_EQ(generate(account, chat(account, "hi")).status, 403);
  EXPECT_EQ(
      post("/auth-desktop/refreshToken", {{"refreshToken", account.at("refreshToken")}}).status,
      400);
}

TEST_F(SocialTest, DeviceSignIn) {
  world_.policy.update({{"fast", true}});
  const auto start = post("/auth-desktop/oauth/device/authorization",
                          {{"clientId", "kiro-cli"}, {"loginProvider", "Google"}});
  ASSERT_EQ(start.status, 200) << start.body;
  EXPECT_EQ(integer(start.json().as_object(), "intervalInMilliseconds"), 1000);
  const json::object poll{{"clientId", "kiro-cli"}, {"deviceCode", start.at("deviceCode")}};
  EXPECT_EQ(post("/auth-desktop/oauth/device/poll", poll).at("error"), "authorization_pending");
  post("/__control/device/approve", {{"userCode", start.at("userCode")}});
  world_.clock.advance(5);
  EXPECT_EQ(post("/auth-desktop/oauth/device/poll", poll).at("status"), "authorized");
}

TEST_F(SocialTest, DeletesAccounts) {
  const auto account = this->account({{"kind", "social"}});
  const HeaderList bearer{{"Authorization", "Bearer " + text(account, "accessToken")}};
  EXPECT_EQ(call("DELETE", "/auth-desktop/account", "", bearer).status, 200);
  EXPECT_EQ(call("DELETE", "/auth-desktop/account", "", bearer).status, 401);
}

TEST_F(SocialTest, ExternalProviderSpeaksFormsAndSnakeCase) {
  const auto account = this->account({{"kind", "external_idp"}});
  const auto body = "grant_type=refresh_token&client_id=c&refresh_token=" +
                    percentEncode(text(account, "refreshToken"));
  const auto first = call("POST", "/idp/token", body);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_FALSE(first.at("access_token").empty());
  EXPECT_EQ(call("POST", "/idp/token", body).at("error"), "invalid_grant");
}

}  // namespace
}  // namespace omni::sim
