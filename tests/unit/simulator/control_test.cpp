#include <Poco/Net/NetException.h>

#include "fixture.hpp"

namespace omni::sim {
namespace {

class ControlTest : public testing::SimTest {};

TEST_F(ControlTest, FaultsAreCountedAndBoundToAccounts) {
  const auto first = account({{"kind", "social"}});
  const auto second = account({{"kind", "social"}});
  const auto ask = [&](const json::object& who) { return generate(who, chat(who, "x")).status; };
  post("/__control/faults",
       {{"target", "data"}, {"account", first.at("accountId")}, {"status", 503}, {"count", 2}});
  EXPECT_EQ(ask(second), 200);
  EXPECT_EQ(ask(first), 503);
  EXPECT_EQ(ask(first), 503);
  EXPECT_EQ(ask(first), 200);
  post("/__control/faults", {{"target", "social.refresh"}, {"status", 500}, {"count", -1}});
  const json::object refresh{{"refreshToken", first.at("refreshToken")}};
  EXPECT_EQ(post("/auth-desktop/refreshToken", refresh).status, 500);
  EXPECT_EQ(post("/auth-desktop/refreshToken", refresh).status, 500);
  EXPECT_EQ(call("DELETE", "/__control/faults").status, 200);
  EXPECT_EQ(post("/auth-desktop/refreshToken", refresh).status, 200);
}

TEST_F(ControlTest, ResetsConnections) {
  const auto who = account({{"kind", "social"}});
  post("/__control/faults", {{"target", "runtime"}, {"mode", "reset_before_headers"}});
  EXPECT_THROW(generate(who, chat(who, "x")), Poco::Exception);
  EXPECT_EQ(generate(who, chat(who, "x")).status, 200);
}

TEST_F(ControlTest, RevokeEndsEverything) {
  const auto who = account({{"kind", "social"}});
  EXPECT_EQ(
      post("/__control/accounts/" + text(who, "accountId") + "/revoke", json::object()).status,
      200);
  EXPECT_EQ(generate(who, chat(who, "x")).status, 403);
  EXPECT_EQ(post("/auth-desktop/refreshToken", {{"refreshToken", who.at("refreshToken")}}).status,
            400);
}

TEST_F(ControlTest, StateMasksUnlessAskedNotTo) {
  const auto who = account({{"kind", "builder_id"}});
  const auto masked = call("GET", "/__control/state").body;
  EXPECT_EQ(masked.find(text(who, "refreshToken")), std::string::npos);
  EXPECT_EQ(masked.find(text(who, "clientSecret")), std::string::npos);
  EXPECT_NE(call("GET", "/__control/state?reveal=1").body.find(text(who, "refreshToken")),
            std::string::npos);
}

TEST_F(ControlTest, RecordsRequestsWithoutTheToken) {
  const auto who = account({{"kind", "social"}});
  generate(who, chat(who, "remember me"));
  const auto answer = call("GET", "/__control/requests");
  EXPECT_EQ(answer.body.find(text(who, "accessToken")), std::string::npos);
  const auto list = answer.json().at("requests").as_array();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].at("path"), "/runtime/us-east-1/");
  EXPECT_EQ(list[0]
                .at("body")
                .at("conversationState")
                .at("currentMessage")
                .at("userInputMessage")
                .at("content"),
            "remember me");
  EXPECT_TRUE(text(&list[0].at("headers").at("authorization")).starts_with("redacted:"));
  post("/__control/policy", {{"capture", false}});
  call("DELETE", "/__control/requests");
  generate(who, chat(who, "forget me"));
  EXPECT_TRUE(call("GET", "/__control/requests").json().at("requests").as_array().empty());
}

TEST_F(ControlTest, ResetForgets) {
  const auto who = account({{"kind", "social"}});
  post("/__control/policy", {{"rotate", "never"}});
  EXPECT_EQ(post("/__control/reset", json::object()).status, 200);
  EXPECT_EQ(generate(who, chat(who, "x")).status, 403);
  EXPECT_EQ(world_.policy.get()->rotate, "always");
}

}  // namespace
}  // namespace omni::sim
