#include "service/admin/doorkeeper.hpp"

#include <gtest/gtest.h>

#include "access_fakes.hpp"

namespace omni::admin::testing {
namespace {

class DoorkeeperTest : public ::testing::Test {
 protected:
  Result<> knock(http::Door door, bool loopback, std::map<std::string, std::string> headers = {},
                 std::string pattern = "/x") {
    request_ = {};
    request_.loopback = loopback;
    request_.remote_address = loopback ? "127.0.0.1" : "10.0.0.7";
    request_.header = [headers](std::string_view name) {
      const auto found = headers.find(std::string(name));
      return found == headers.end() ? std::string() : found->second;
    };
    http::Route route;
    route.door = door;
    route.pattern = std::move(pattern);
    return parts_.doorkeeper.authorize(request_, route);
  }
  std::string key(std::string name, bool inference, bool admin) {
    access::KeyPolicy policy;
    policy.inference = inference;
    policy.admin = admin;
    return parts_.ring.create({.name = std::move(name), .policy = policy})->secret;
  }
  void setPassword() { ASSERT_TRUE(parts_.doorkeeper.setPassword("", "long enough", "127.0.0.1")); }

  FakeClock clock_;
  FakeRandom random_;
  http::RouteTable table_;
  AccessParts parts_{clock_, random_, table_};
  http::Request request_;
};

using http::Door;
constexpr bool kHere = true;
constexpr bool kAway = false;

TEST_F(DoorkeeperTest, WithoutPasswordThisMachineMayAdminister) {
  EXPECT_TRUE(knock(Door::Admin, kHere));
  EXPECT_EQ(request_.caller, "");
  const auto away = knock(Door::Admin, kAway);
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().kind, FailureKind::Forbidden);
  EXPECT_EQ(away.error().reason, "local_only");
}

TEST_F(DoorkeeperTest, WithAPasswordNobodyAdministersWithoutLogIn) {
  setPassword();
  for (const bool where : {kHere, kAway}) {
    const auto refused = knock(Door::Admin, where);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FailureKind::Unauthorized);
  }
  const auto token = parts_.doorkeeper.logIn("long enough", "10.0.0.7").value();
  EXPECT_TRUE(knock(Door::Admin, kAway, {{"cookie", "a=b; omniroute_session=" + token + "; c=d"}}));
  EXPECT_EQ(request_.caller, "admin@10.0.0.7");
  EXPECT_FALSE(
      knock(Door::Admin, kAway, {{"cookie", "omniroute_session=" + std::string(64, 'a')}}));
  EXPECT_FALSE(knock(Door::Admin, kAway, {{"cookie", "xomniroute_session=" + token}}));
  clock_.now += access::AdminSessions::kIdleMs;
  EXPECT_FALSE(knock(Door::Admin, kAway, {{"cookie", "omniroute_session=" + token}}));
}

TEST_F(DoorkeeperTest, OverTlsTheSessionHasACookieThatThePlainPortCannotSet) {
  setPassword();
  const auto token = parts_.doorkeeper.logIn("long enough", "a").value();
  http::Request request;
  std::string cookies = "omniroute_session=" + token;
  request.header = [&](std::string_view) { return cookies; };
  request.secure = true;
  EXPECT_EQ(Doorkeeper::sessionToken(request), "");
  cookies += "; __Host-omniroute_session=" + token;
  EXPECT_EQ(Doorkeeper::sessionToken(request), token);
  request.secure = false;
  EXPECT_EQ(Doorkeeper::sessionToken(request), token);
  cookies = "__Host-omniroute_session=" + token;
  EXPECT_EQ(Doorkeeper::sessionToken(request), "");
}

TEST_F(DoorkeeperTest, AChangedPasswordEndsAllSessions) {
  setPassword();
  const auto token = parts_.doorkeeper.logIn("long enough", "a").value();
  EXPECT_EQ(parts_.doorkeeper.setPassword("wrong", "another one", "a").error().field,
            "currentPassword");
  ASSERT_TRUE(parts_.doorkeeper.setPassword("long enough", "another one", "a"));
  EXPECT_FALSE(knock(Door::Admin, kHere, {{"cookie", "omniroute_session=" + token}}));
  EXPECT_FALSE(parts_.doorkeeper.logIn("long enough", "a"));
  EXPECT_TRUE(parts_.doorkeeper.logIn("another one", "a"));
}

TEST_F(DoorkeeperTest, ScopesOpenTheirOwnDoorOnly) {
  setPassword();
  const std::string client = key("client", true, false), boss = key("boss", false, true);
  EXPECT_TRUE(knock(Door::Inference, kAway, {{"authorization", "Bearer " + client}}));
  EXPECT_EQ(request_.caller, "key:client");
  EXPECT_FALSE(request_.caller_id.empty());
  EXPECT_TRUE(knock(Door::Inference, kAway, {{"x-api-key", client}}));
  EXPECT_TRUE(
      knock(Door::Inference, kAway, {{"authorization", "bearer made-up"}, {"x-api-key", client}}));
  EXPECT_TRUE(knock(Door::Admin, kAway, {{"authorization", "Bearer " + boss}}));
  for (auto [door, secret] : {std::pair{Door::Admin, client}, {Door::Inference, boss}}) {
    const auto refused = knock(door, kHere, {{"authorization", "Bearer " + secret}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FailureKind::Forbidden);
    EXPECT_EQ(refused.error().reason, "key_scope");
  }
}

TEST_F(DoorkeeperTest, KeysAreOptionalOnThisMachineOnly) {
  EXPECT_TRUE(knock(Door::Inference, kHere));
  const auto away = knock(Door::Inference, kAway);
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().kind, FailureKind::Unauthorized);
  EXPECT_EQ(away.error().reason, "api_key_required");
  // What clients send because their settings want something.
  EXPECT_TRUE(knock(Door::Inference, kHere, {{"authorization", "Bearer sk-no-key-required"}}));
  EXPECT_FALSE(knock(Door::Inference, kAway, {{"authorization", "Bearer sk-no-key-required"}}));
  // But a key of this service that is not valid is never ignored.
  EXPECT_EQ(
      knock(Door::Inference, kHere, {{"authorization", "Bearer sk-omni-unknown"}}).error().reason,
      "invalid_api_key");
}

TEST_F(DoorkeeperTest, HealthAndLogInAreOpen) {
  setPassword();
  EXPECT_TRUE(knock(Door::Health, kAway));
  EXPECT_TRUE(knock(Door::Admin, kAway, {}, "/api/auth/login"));
  EXPECT_TRUE(knock(Door::Admin, kAway, {}, "/api/auth/session"));
  EXPECT_FALSE(knock(Door::Admin, kAway, {}, "/api/keys"));
}

TEST_F(DoorkeeperTest, GuessingIsSlowedDownByAddress) {
  setPassword();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(parts_.doorkeeper.logIn("guess", "6.6.6.6").error().reason, "wrong_password");
  const int verified = parts_.passwords.verified;
  const auto locked = parts_.doorkeeper.logIn("long enough", "6.6.6.6");
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().kind, FailureKind::RateLimited);
  EXPECT_EQ(locked.error().retry_after_ms, 30'000);
  EXPECT_EQ(parts_.passwords.verified, verified);  // it was not even looked at
  EXPECT_TRUE(parts_.doorkeeper.logIn("long enough", "127.0.0.1"));
  clock_.steady += 30'000;
  EXPECT_EQ(parts_.doorkeeper.logIn("guess", "6.6.6.6").error().reason, "wrong_password");
  EXPECT_EQ(parts_.doorkeeper.logIn("guess", "6.6.6.6").error().retry_after_ms, 60'000);
}

TEST_F(DoorkeeperTest, ThePasswordSurvivesARestart) {
  setPassword();
  Doorkeeper again({.keys = parts_.ring,
                    .sessions = parts_.sessions,
                    .settings = parts_.settings,
                    .passwords = parts_.passwords,
                    .clock = clock_});
  EXPECT_FALSE(again.hasPassword());
  ASSERT_TRUE(again.load());
  EXPECT_TRUE(again.hasPassword());
  EXPECT_TRUE(again.logIn("long enough", "a"));
}

}  // namespace
}  // namespace omni::admin::testing
