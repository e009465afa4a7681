// Webhooks over their routes.
#include "service/admin/webhooks.hpp"

#include <gtest/gtest.h>

#include "fake_webhooks.hpp"

namespace omni::admin::testing {
namespace {

struct WebhookWorld : World {
  FakeWebhooks hooks;
  WebhookWorld() {
    addWebhookRoutes(table, {.store = hooks,
                             .signer = hooks,
                             .dispatcher = hooks.dispatcher,
                             .clock = clock,
                             .random = random,
                             .audit = &audit});
  }
};

TEST(WebhookRoutes, TheSecretIsShownOnceAndWhenItIsRotated) {
  WebhookWorld world;
  const auto made = world.call(
      "POST", "/api/webhooks",
      R"({"name":"alarm","url":"https://example.com/x","events":["account.suspended"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(text(object(made).at("secret")), "whsec_1");
  EXPECT_EQ(object(made).at("isActive"), true);
  const auto list = world.call("GET", "/api/webhooks");
  EXPECT_FALSE(list.body.contains("whsec_"));
  EXPECT_EQ(object(list).at("webhooks").as_array().size(), 1u);
  EXPECT_GE(object(list).at("eventTypes").as_array().size(), 6u);
  EXPECT_FALSE(
      world.call("GET", "/api/webhooks/{id}", {}, {{"id", "alarm"}}).body.contains("whsec_"));

  const auto changed =
      world.call("PATCH", "/api/webhooks/{id}", R"({"isActive":false})", {{"id", "alarm"}});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_FALSE(object(changed).contains("secret"));
  EXPECT_EQ(object(changed).at("isActive"), false);
  EXPECT_EQ(object(changed).at("events").as_array().size(), 1u) << "what is not named stays";
  const auto rotated = world.call("PATCH", "/api/webhooks/{id}",
                                  R"({"rotateSecret":true,"events":[]})", {{"id", "alarm"}});
  EXPECT_EQ(text(object(rotated).at("secret")), "whsec_2");
  EXPECT_TRUE(object(rotated).at("events").as_array().empty());

  EXPECT_EQ(world.call("DELETE", "/api/webhooks/{id}", {}, {{"id", "alarm"}}).status, 200);
  EXPECT_EQ(world.call("GET", "/api/webhooks/{id}", {}, {{"id", "alarm"}}).status, 404);
  EXPECT_TRUE(world.hooks.called.empty());
}

TEST(WebhookRoutes, BadInputNamesTheFieldAndStoresNothing) {
  WebhookWorld world;
  for (auto [body, field] : std::initializer_list<std::pair<const char*, const char*>>{
           {"{}", "name"},
           {R"({"url":"https://example.com"})", "name"},
           {R"({"name":"x"})", "url"},
           {R"({"name":"a/b","url":"https://example.com"})", "name"},
           {R"({"name":"x","url":7})", "url"},
           {R"({"name":"x","url":"http://example.com"})", "url"},
           {R"({"name":"x","url":"http://169.254.169.254/latest/meta-data"})", "url"},
           {R"({"name":"x","url":"https://example.com","events":"all"})", "events"},
           {R"({"name":"x","url":"https://example.com","events":["account.sad"]})", "events[0]"},
           {R"({"name":"x","url":"https://example.com","secret":"mine"})", "secret"},
           {R"({"name":"x","url":"https://example.com","rotateSecret":true})", "rotateSecret"},
           {R"({"name":"x","url":"https://example.com","isActive":"yes"})", "isActive"}}) {
    const auto answer = world.call("POST", "/api/webhooks", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(object(answer).at("error").at("field"), field) << answer.body;
  }
  EXPECT_TRUE(world.hooks.rows.empty());
  const char* good = R"({"name":"x","url":"https://example.com"})";
  ASSERT_EQ(world.call("POST", "/api/webhooks", good).status, 201);
  EXPECT_EQ(world.call("POST", "/api/webhooks", good).status, 409);
  EXPECT_EQ(world.call("PATCH", "/api/webhooks/{id}", "{}", {{"id", "x"}}).status, 400);
}

TEST(WebhookRoutes, ATestDeliveryTellsHowItWentAndIsInTheLog) {
  WebhookWorld world;
  ASSERT_EQ(
      world.call("POST", "/api/webhooks", R"({"name":"x","url":"https://example.com/h"})").status,
      201);
  auto sent = world.call("POST", "/api/webhooks/{id}/test", {}, {{"id", "x"}});
  ASSERT_EQ(sent.status, 200) << sent.body;
  EXPECT_EQ(object(sent).at("state"), "delivered");
  EXPECT_EQ(world.hooks.called, std::vector<std::string>{"https://example.com/h"});
  world.hooks.status = 500;
  sent = world.call("POST", "/api/webhooks/{id}/test", {}, {{"id", "x"}});
  EXPECT_EQ(object(sent).at("state"), "failed");
  EXPECT_EQ(object(sent).at("status"), 500);
  const auto log = world.call("GET", "/api/webhooks/{id}/deliveries", {}, {{"id", "x"}});
  const auto rows = object(log).at("deliveries").as_array();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at("status"), 500) << "newest first";
  EXPECT_TRUE(object(log).at("nextBefore").is_null());
  EXPECT_EQ(world.call("POST", "/api/webhooks/{id}/test", {}, {{"id", "y"}}).status, 404);
}

}  // namespace
}  // namespace omni::admin::testing
