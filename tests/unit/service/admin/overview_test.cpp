#include <gtest/gtest.h>

#include "fakes.hpp"

namespace omni::admin::testing {
namespace {

TEST(Health, CountsAccountsPerStateAndPluginsPerStatus) {
  World world;
  world.accounts.rows[1].state.state = AccountState::Exhausted;
  world.clock.steady += 61500;
  const auto answer = world.call("GET", "/api/health");
  EXPECT_EQ(answer.status, 200);
  const auto body = object(answer);
  EXPECT_EQ(text(body.at("status")), "ok");
  EXPECT_EQ(text(body.at("version")), "1.2.3");
  EXPECT_EQ(body.at("uptimeSeconds").as_int64(), 61);
  EXPECT_EQ(body.at("connections").at("total").to_number<int>(), 2);
  EXPECT_EQ(body.at("connections").at("active").as_int64(), 1);
  EXPECT_EQ(body.at("connections").at("exhausted").as_int64(), 1);
  EXPECT_EQ(body.at("plugins").at("loaded").as_int64(), 1);
  EXPECT_EQ(body.at("plugins").at("refused").as_int64(), 1);
}

TEST(Health, AStoreThatDoesNotAnswerIsSaid) {
  World world;
  world.combos.broken = true;
  EXPECT_EQ(world.call("GET", "/api/health").status, 503);
  EXPECT_EQ(world.call("GET", "/readyz").status, 503);
  EXPECT_EQ(world.call("GET", "/healthz").status, 200);  // alive all the same
}

TEST(Plugins, AreWrappedOnce) {
  World world;
  EXPECT_EQ(object(world.call("GET", "/api/plugins")).at("plugins").as_array().size(), 2u);
  world.plugins = "{\"plugins\":" + world.plugins + "}";
  EXPECT_EQ(object(world.call("GET", "/api/plugins")).at("plugins").as_array().size(), 2u);
}

TEST(Page, IsHtmlForBrowsersAndTextForOthers) {
  World world;
  auto answer = world.call("GET", "/");
  EXPECT_TRUE(answer.type.starts_with("text/plain"));
  EXPECT_NE(answer.body.find("/v1/models"), std::string::npos);
  world.accept = "text/html,*/*";
  answer = world.call("GET", "/");
  EXPECT_TRUE(answer.type.starts_with("text/html"));
  EXPECT_NE(answer.body.find("/api/providers"), std::string::npos);
}

TEST(Guard, NobodyFromElsewhereMayAdminister) {
  World world;
  world.loopback = false;
  for (const http::Route& route : world.table) {
    const auto answer =
        world.call(route.method, route.pattern, "{}", {{"id", "id-dev"}, {"provider", "kiro"}});
    if (route.pattern.starts_with("/api/")) {
      EXPECT_EQ(answer.status, 403) << route.method << " " << route.pattern;
      EXPECT_EQ(answer.headers.at("x-omniroute-admin"), "open-on-loopback");
      EXPECT_NE(answer.body.find("127.0.0.1"), std::string::npos);
    } else {
      EXPECT_EQ(answer.status, 200) << route.pattern;
    }
  }
  EXPECT_EQ(world.accounts.rows.size(), 2u);
  EXPECT_TRUE(world.kiro.method.empty());
}

TEST(Guard, EveryApiAnswerSaysHowOpenItIs) {
  World world;
  for (const http::Route& route : world.table) {
    if (!route.pattern.starts_with("/api/")) continue;
    const auto answer =
        world.call(route.method, route.pattern, "{}", {{"id", "id-pro"}, {"provider", "kiro"}});
    EXPECT_EQ(answer.headers.at("x-omniroute-admin"), "open-on-loopback") << route.pattern;
    EXPECT_NE(answer.status, 0) << route.pattern;
  }
}

TEST(Guard, WritesWithABodyInsistOnJsonAndAreBounded) {
  const World world;
  for (const http::Route& route : world.table) {
    EXPECT_LE(route.max_body, 1u << 20) << route.pattern;
    bool optional_body = false;
    for (const char* action : {"/refresh", "/test", "/enable", "/disable", "/isolate", "/explain"})
      optional_body = optional_body || route.pattern.ends_with(action);
    if (route.pattern == "/api/routing/explain") optional_body = false;  // the model is needed
    const bool writes = route.method == "POST" || route.method == "PUT" || route.method == "PATCH";
    EXPECT_EQ(route.needs_json, writes && !optional_body) << route.method << " " << route.pattern;
  }
}

}  // namespace
}  // namespace omni::admin::testing
