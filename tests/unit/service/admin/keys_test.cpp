// API keys, log-in and the request log over their routes.
#include <gtest/gtest.h>

#include "access_fakes.hpp"

namespace omni::admin::testing {
namespace {

struct KeyWorld : World {
  AccessParts parts{clock, random, table};
};

TEST(KeyRoutes, AKeyIsShownOnceAndChangedInPlace) {
  KeyWorld world;
  const auto made = world.call(
      "POST", "/api/keys",
      R"({"name":"laptop","models":["kiro/*"],"requestsPerMinute":60,"expiresAt":"2026-06-30T12:00:00Z"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto body = object(made);
  const std::string secret = text(body.at("secret"));
  EXPECT_TRUE(secret.starts_with("sk-omni-"));
  EXPECT_EQ(body.at("expiresAt"), "2026-06-30T12:00:00.000Z");
  EXPECT_EQ(body.at("models").as_array().at(0), "kiro/*");

  const auto list = world.call("GET", "/api/keys");
  EXPECT_FALSE(list.body.contains(secret));
  EXPECT_FALSE(list.body.contains("#api-key"));  // nor its hash
  EXPECT_EQ(object(list).at("keys").as_array().size(), 1u);

  const auto changed = world.call("PATCH", "/api/keys/{id}",
                                  R"({"requestsPerMinute":null,"isActive":false,"expiresAt":null})",
                                  {{"id", "laptop"}});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_TRUE(object(changed).at("requestsPerMinute").is_null());
  EXPECT_EQ(object(changed).at("models").as_array().size(), 1u);  // what is not named stays
  EXPECT_EQ(object(changed).at("isActive"), false);
  EXPECT_EQ(world.parts.ring.authenticate(secret).error().reason, "key_disabled");

  EXPECT_EQ(world.call("DELETE", "/api/keys/{id}", {}, {{"id", "laptop"}}).status, 200);
  EXPECT_EQ(world.call("GET", "/api/keys/{id}", {}, {{"id", "laptop"}}).status, 404);
  EXPECT_EQ(world.parts.noted.size(), 3u);
  EXPECT_TRUE(world.parts.noted.at(0).starts_with("key.created laptop"));
}

TEST(KeyRoutes, BadInputNamesTheFieldAndStoresNothing) {
  KeyWorld world;
  for (auto [body, field] : std::initializer_list<std::pair<const char*, const char*>>{
           {"{}", "name"},
           {R"({"name":""})", "name"},
           {R"({"name":"a/b"})", "name"},
           {R"({"name":"x","scopes":["root"]})", "scopes"},
           {R"({"name":"x","expiresAt":"2020-01-01T00:00:00Z"})", "expiresAt"},
           {R"({"name":"x","expiresAt":"tomorrow"})", "expiresAt"},
           {R"({"name":"x","expiresAt":"2027-02-30T00:00:00Z"})", "expiresAt"},
           {R"({"name":"x","budgets":{"creditsPerDay":-5}})", "budgets.creditsPerDay"},
           {R"({"name":"x","isActive":true})", "isActive"},
           {R"({"name":"x","secret":"mine"})", "secret"}}) {
    const auto answer = world.call("POST", "/api/keys", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(object(answer).at("error").at("field"), field) << answer.body;
  }
  EXPECT_TRUE(world.parts.keys.rows.empty());
  ASSERT_EQ(world.call("POST", "/api/keys", R"({"name":"x"})").status, 201);
  EXPECT_EQ(world.call("POST", "/api/keys", R"({"name":"x"})").status, 409);
}

TEST(AuthRoutes, LogInSetsACookieThatNoOtherSiteCanUse) {
  KeyWorld world;
  EXPECT_EQ(world.call("POST", "/api/auth/login", R"({"password":"x"})").status, 403);
  EXPECT_EQ(world.call("PUT", "/api/settings/password", R"({"password":"short"})").status, 400);
  const auto set = world.call("PUT", "/api/settings/password", R"({"password":"long enough"})");
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(world.call("POST", "/api/auth/login", R"({"password":"wrong"})").status, 401);
  EXPECT_EQ(world.call("POST", "/api/auth/login", R"({"passwort":"x"})").status, 400);
  auto in = world.call("POST", "/api/auth/login", R"({"password":"long enough"})");
  ASSERT_EQ(in.status, 200);
  const std::string cookie = in.headers["Set-Cookie"];
  for (const char* part : {"HttpOnly", "SameSite=Strict", "Path=/"})
    EXPECT_TRUE(cookie.contains(part)) << cookie;
  world.sent["cookie"] = cookie.substr(0, cookie.find(';'));
  EXPECT_EQ(object(world.call("GET", "/api/auth/session")).at("loggedIn"), true);
  auto out = world.call("POST", "/api/auth/logout");
  EXPECT_TRUE(out.headers["Set-Cookie"].contains("Max-Age=0"));
  EXPECT_EQ(object(world.call("GET", "/api/auth/session")).at("loggedIn"), false);
  EXPECT_FALSE(world.everything.contains("long enough"));
}

TEST(RequestRoutes, FiltersAndPages) {
  KeyWorld world;
  RequestEntry row;
  row.id = 7;
  row.at_ms = world.clock.now;
  row.attempts = R"([{"connection":"kiro-dev","ok":true}])";
  row.status = 200;
  row.credits = 0.25;
  world.parts.log.rows = {row};
  const auto page =
      world.call("GET", "/api/requests", {}, {},
                 {{"limit", "1"}, {"before", "9"}, {"connection", "kiro-dev"}, {"status", "5xx"}});
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_EQ(world.parts.log.asked.before_id, 9);
  EXPECT_EQ(world.parts.log.asked.connection, "kiro-dev");
  EXPECT_EQ(world.parts.log.asked.status_from, 500);
  EXPECT_EQ(world.parts.log.asked.status_to, 599);
  const auto body = object(page);
  EXPECT_EQ(body.at("nextBefore"), 7);
  const auto& first = body.at("requests").as_array().at(0);
  EXPECT_EQ(first.at("credits"), 0.25);
  EXPECT_TRUE(first.at("inputTokens").is_null());
  EXPECT_EQ(first.at("attempts").as_array().size(), 1u);
  for (auto [key, value] : {std::pair{"limit", "0"},
                            {"limit", "5000"},
                            {"before", "x"},
                            {"status", "6xx"},
                            {"status", "abc"}})
    EXPECT_EQ(world.call("GET", "/api/requests", {}, {}, {{key, value}}).status, 400) << key;
}

TEST(RequestRoutes, LiveSendsEachEntryAndEndsWithTheService) {
  KeyWorld world;
  RequestEntry row;
  row.request_id = "r-1";
  world.parts.log.batches = {{.next = 5, .closed = false, .entries = {}},
                             {.next = 6, .closed = false, .entries = {row}}};
  const auto live = world.call("GET", "/api/requests/live");
  EXPECT_EQ(live.type, "text/event-stream");
  EXPECT_TRUE(live.body.contains("event: request\ndata: {"));
  EXPECT_TRUE(live.body.contains("r-1"));
  EXPECT_TRUE(live.ended);
}

TEST(RequestRoutes, SummarySumsDays) {
  KeyWorld world;
  UsageRow a;
  a.requests = 3;
  a.failures = 1;
  a.credits = 0.5;
  world.parts.log.usage = {a, a};
  const auto body = object(world.call("GET", "/api/usage/summary", {}, {}, {{"days", "7"}}));
  EXPECT_EQ(world.parts.log.first_day, "2025-12-26");
  EXPECT_EQ(body.at("total").at("requests"), 6);
  EXPECT_EQ(body.at("total").at("credits").to_number<double>(), 1.0);
  EXPECT_EQ(world.call("GET", "/api/usage/summary", {}, {}, {{"days", "0"}}).status, 400);
}

}  // namespace
}  // namespace omni::admin::testing
