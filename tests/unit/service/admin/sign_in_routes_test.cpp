#include <gtest/gtest.h>

#include "fakes.hpp"

namespace omni::admin::testing {
namespace {

constexpr const char* kStart = "/api/oauth/{provider}/signin";
constexpr const char* kOne = "/api/oauth/signin/{id}";

class SignInRoutesTest : public ::testing::Test {
 protected:
  SignInRoutesTest() {
    world.kiro.answer =
        R"({"kind":"device","userCode":"AB-CD","verificationUri":"https://v/","deviceCode":"s3cret",)"
        R"("clientSecret":"s3cret","verificationUriComplete":"https://v/?c=AB-CD","intervalMs":5000,"expiresAt":)" +
        std::to_string(world.clock.now + 600'000) + "}";
  }
  FakeWriter start(std::string body) {
    return world.call("POST", kStart, std::move(body), {{"provider", "kiro"}});
  }
  void run(std::string answer) {
    world.kiro.answer = std::move(answer);
    world.clock.now += 5000;
    world.clock.steady += 5000;
    while (auto job = world.sign_ins.take(world.clock.steady)) job(NeverCancelled());
  }

  World world;
};

TEST_F(SignInRoutesTest, StartsWatchesAndCompletesWithoutASecret) {
  const auto begun =
      start(R"({"method":"idc","startUrl":"https://x.awsapps.com/start","name":"work"})");
  ASSERT_EQ(begun.status, 202) << begun.body;
  const auto shown = object(begun);
  EXPECT_EQ(text(shown.at("status")), "pending");
  EXPECT_EQ(text(shown.at("userCode")), "AB-CD");
  EXPECT_EQ(text(shown.at("verificationUriComplete")), "https://v/?c=AB-CD");
  EXPECT_EQ(text(shown.at("expiresAt")), "2026-01-01T00:10:00.000Z");
  EXPECT_EQ(world.kiro.method, "accounts.signin.start");
  EXPECT_EQ(world.kiro.input, R"({"method":"idc","startUrl":"https://x.awsapps.com/start"})");
  const std::string id = text(shown.at("id"));
  run(R"({"status":"complete","label":"me@x"})");
  const auto done = object(world.call("GET", kOne, {}, {{"id", id}}));
  EXPECT_EQ(text(done.at("status")), "complete");
  EXPECT_EQ(text(done.at("connectionId")), "new-id");
  EXPECT_EQ(world.kiro.finished, "work");
  EXPECT_EQ(world.everything.find("s3cret"), std::string::npos);
}

TEST_F(SignInRoutesTest, EventsEndWithTheSignIn) {
  const std::string id = text(object(start(R"({"method":"builder_id"})")).at("id"));
  run(R"({"status":"complete"})");
  const auto events = world.call("GET", "/api/oauth/signin/{id}/events", {}, {{"id", id}});
  EXPECT_EQ(events.status, 200);
  EXPECT_TRUE(events.type.starts_with("text/event-stream"));
  EXPECT_TRUE(events.body.starts_with("event: status\n")) << events.body;
  EXPECT_NE(events.body.find(R"("status":"complete")"), std::string::npos);
  EXPECT_TRUE(events.body.ends_with("\n\n"));
  EXPECT_TRUE(events.ended);
  EXPECT_EQ(world.call("GET", "/api/oauth/signin/{id}/events", {}, {{"id", "x"}}).status, 404);
}

TEST_F(SignInRoutesTest, ReplaceTakesAnIdOrANameAndKeepsTheRest) {
  const auto begun = start(R"({"method":"builder_id","mode":"replace","connectionId":"kiro-dev"})");
  ASSERT_EQ(begun.status, 202) << begun.body;
  EXPECT_EQ(text(object(begun).at("connectionId")), "id-dev");
  EXPECT_EQ(text(object(begun).at("mode")), "replace");
  run(R"({"status":"complete"})");
  EXPECT_EQ(world.accounts.rows.size(), 2u);
}

TEST_F(SignInRoutesTest, BadInputNamesTheMember) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "method"},
      {R"({"method":1})", "method"},
      {R"({"method":"x","mode":"merge"})", "mode"},
      {R"({"method":"x","mode":"replace"})", "connectionId"},
      {R"({"method":"x","connectionId":"id-dev"})", "connectionId"},
      {R"({"method":"x","name":"a/b"})", "name"},
      {R"({"method":"x","mode":"replace","connectionId":"id-dev","name":"n"})", "name"},
      {R"({"method":"x","mode":"replace","connectionId":"id-dev","proxyId":"p"})", "proxyId"},
  };
  for (const auto& [body, field] : cases) {
    const auto answer = start(body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(text(object(answer).at("error").as_object().at("field")), field) << body;
  }
  EXPECT_TRUE(world.kiro.method.empty());
  EXPECT_EQ(start(R"({"method":"x","name":"KIRO-DEV"})").status, 409);
  EXPECT_EQ(start(R"({"method":"x","mode":"replace","connectionId":"nobody"})").status, 404);
  EXPECT_EQ(world.call("POST", kStart, R"({"method":"x"})", {{"provider", "none"}}).status, 404);
}

TEST_F(SignInRoutesTest, CancelAnswersWithTheEnd) {
  const std::string id = text(object(start(R"({"method":"builder_id"})")).at("id"));
  EXPECT_EQ(text(object(world.call("DELETE", kOne, {}, {{"id", id}})).at("status")), "cancelled");
  EXPECT_EQ(world.call("DELETE", kOne, {}, {{"id", "x"}}).status, 404);
}

TEST_F(SignInRoutesTest, TheBrowserFormIsFinishedWithItsAddress) {
  world.kiro.answer = R"({"kind":"browser","url":"https://login/","expiresAt":)" +
                      std::to_string(world.clock.now + 600'000) + "}";
  const auto begun = object(start(R"({"method":"social_browser"})"));
  EXPECT_EQ(text(begun.at("url")), "https://login/");
  world.kiro.answer = R"({"status":"complete"})";
  const char* finish = "/api/oauth/signin/{id}/finish";
  const std::map<std::string, std::string> id{{"id", text(begun.at("id"))}};
  EXPECT_EQ(world.call("POST", finish, "{}", id).status, 400);
  const auto done =
      world.call("POST", finish, R"({"callbackUrl":"http://localhost:1/?code=c"})", id);
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(text(object(done).at("status")), "complete");
  EXPECT_EQ(world.kiro.input, R"({"callbackUrl":"http://localhost:1/?code=c"})");
}

TEST_F(SignInRoutesTest, OldScriptsGoOnWorking) {
  const auto begun =
      world.call("GET", "/api/oauth/{provider}/device-code", {}, {{"provider", "kiro"}},
                 {{"startUrl", "https://x.awsapps.com/start"}, {"region", "eu-west-1"}});
  ASSERT_EQ(begun.status, 200) << begun.body;
  const auto code = object(begun);
  EXPECT_EQ(text(code.at("user_code")), "AB-CD");
  EXPECT_EQ(code.at("expires_in").to_number<int>(), 600);
  EXPECT_EQ(code.at("interval").to_number<int>(), 5);
  EXPECT_EQ(world.kiro.input,
            R"({"method":"idc","startUrl":"https://x.awsapps.com/start","region":"eu-west-1"})");
  const std::string body =
      R"({"deviceCode":")" + text(code.at("device_code")) + R"(","extraData":{"_clientId":"c"}})";
  const char* poll = "/api/oauth/{provider}/poll";
  const auto nameless = world.call("POST", poll, "{}", {{"provider", "kiro"}});
  EXPECT_EQ(nameless.status, 400) << nameless.body;
  EXPECT_EQ(text(object(nameless).at("error").at("field")), "deviceCode");
  const auto pending = object(world.call("POST", poll, body, {{"provider", "kiro"}}));
  EXPECT_FALSE(pending.at("success").as_bool());
  EXPECT_TRUE(pending.at("pending").as_bool());
  run(R"({"status":"complete"})");
  const auto done = object(world.call("POST", poll, body, {{"provider", "kiro"}}));
  EXPECT_TRUE(done.at("success").as_bool());
  EXPECT_EQ(text(done.at("connection").as_object().at("id")), "new-id");
  EXPECT_EQ(world.everything.find("s3cret"), std::string::npos);
}

TEST_F(SignInRoutesTest, OldSocialSignInTellsARefusal) {
  const char* authorize = "/api/oauth/{provider}/social-authorize";
  EXPECT_EQ(world.call("GET", authorize, {}, {{"provider", "kiro"}}, {{"provider", "x"}}).status,
            400);
  const auto begun =
      object(world.call("GET", authorize, {}, {{"provider", "kiro"}}, {{"provider", "github"}}));
  EXPECT_EQ(text(begun.at("authUrl")), "https://v/?c=AB-CD");
  EXPECT_EQ(world.kiro.input, R"({"method":"github"})");
  Error denied;
  denied.kind = FailureKind::BadRequest;
  denied.reason = "access_denied";
  world.kiro.failure = denied;
  run("{}");
  const auto answer = world.call("POST", "/api/oauth/{provider}/social-exchange",
                                 R"({"deviceCode":")" + text(begun.at("deviceCode")) + "\"}",
                                 {{"provider", "kiro"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(text(object(answer).at("error")), "access_denied");
}

TEST_F(SignInRoutesTest, AForeignPageCannotMakeABrowserStartOne) {
  world.sent["sec-fetch-site"] = "cross-site";
  const auto refused =
      world.call("GET", "/api/oauth/{provider}/device-code", {}, {{"provider", "kiro"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(world.kiro.method.empty());
}

}  // namespace
}  // namespace omni::admin::testing
