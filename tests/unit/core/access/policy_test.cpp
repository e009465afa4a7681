#include "core/access/policy.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace omni::access {
namespace {

Result<KeyPolicy> parse(std::string_view text) {
  return parsePolicy(boost::json::parse(text).as_object());
}

TEST(KeyPolicy, PatternsMatchWholeNames) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*", "kiro/dev/claude"));
  EXPECT_TRUE(matches("kiro/*", "kiro/dev"));
  EXPECT_FALSE(matches("kiro/*", "kiro"));
  EXPECT_TRUE(matches("*/claude-*-5", "kiro/dev/claude-sonnet-4-5"));
  EXPECT_FALSE(matches("claude", "claude-4"));
  EXPECT_FALSE(matches("", "x"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_TRUE(matches("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matches("a*b*c", "a-b-b"));
}

TEST(KeyPolicy, MatchingAHostilePatternIsLinear) {
  std::string pattern, text(100'000, 'a');
  for (int i = 0; i < 140; ++i) pattern += "a*";
  EXPECT_FALSE(matches(pattern + "b", text));
}

TEST(KeyPolicy, OneListRestrictsBothKinds) {
  KeyPolicy policy;
  EXPECT_TRUE(policy.allows("anything", true));
  policy.models = {"kiro/*"};
  EXPECT_TRUE(policy.allows("kiro/dev", false));
  EXPECT_FALSE(policy.allows("openai/x", false));
  // Else a combo would be the way around the list of models.
  EXPECT_FALSE(policy.allows("my-combo", true));
  policy.combos = {"my-*"};
  EXPECT_TRUE(policy.allows("my-combo", true));
  EXPECT_FALSE(policy.allows("my-combo", false));
}

TEST(KeyPolicy, ReadsWhatItWrites) {
  const auto policy = parse(R"({"scopes":["admin","inference"],"models":["kiro/*"],"combos":["a"],
      "requestsPerMinute":60,"maxConcurrent":2,
      "budgets":{"creditsPerDay":1.5,"creditsPerMonth":20,"tokensPerDay":1000,"tokensPerMonth":null}})");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_TRUE(policy->admin && policy->inference);
  EXPECT_EQ(policy->requests_per_minute, 60);
  EXPECT_EQ(policy->budgets.credits_per_day, 1.5);
  EXPECT_EQ(policy->budgets.tokens_per_month, 0);
  const auto again = parsePolicy(policyJson(*policy));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(policyJson(*again), policyJson(*policy));
  const auto free = parsePolicy(policyJson(KeyPolicy{}));
  ASSERT_TRUE(free);
  EXPECT_FALSE(free->restricted() || free->budgets.any() || free->admin);
}

TEST(KeyPolicy, AbsentMembersKeepWhatThereWas) {
  KeyPolicy base;
  base.models = {"x"};
  base.max_concurrent = 3;
  const auto changed =
      parsePolicy(boost::json::parse(R"({"maxConcurrent":null})").as_object(), base);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->models, base.models);
  EXPECT_EQ(changed->max_concurrent, 0);
}

TEST(KeyPolicy, BadMembersAreNamed) {
  for (auto [text, field] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"({"scopes":[]})", "scopes"},
           {R"({"scopes":["root"]})", "scopes"},
           {R"({"scopes":"admin"})", "scopes"},
           {R"({"models":"kiro"})", "models"},
           {R"({"models":["ok",""]})", "models[1]"},
           {R"({"combos":[5]})", "combos[0]"},
           {R"({"requestsPerMinute":0})", "requestsPerMinute"},
           {R"({"requestsPerMinute":-1})", "requestsPerMinute"},
           {R"({"requestsPerMinute":1.5})", "requestsPerMinute"},
           {R"({"maxConcurrent":"3"})", "maxConcurrent"},
           {R"({"budgets":[]})", "budgets"},
           {R"({"budgets":{"creditsPerDay":-1}})", "budgets.creditsPerDay"},
           {R"({"budgets":{"tokensPerDay":0.5}})", "budgets.tokensPerDay"},
           {R"({"budgets":{"perYear":1}})", "budgets.perYear"},
           {R"({"colour":1})", "colour"}}) {
    const auto policy = parse(text);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().kind, FailureKind::BadRequest) << text;
    EXPECT_EQ(policy.error().field, field) << text;
  }
}

}  // namespace
}  // namespace omni::access
