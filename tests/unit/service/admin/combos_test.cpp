#include <gtest/gtest.h>

#include "fakes.hpp"

namespace omni::admin::testing {
namespace {

constexpr const char* kAll = "/api/combos";
constexpr const char* kOne = "/api/combos/{id}";

TEST(Combos, AreCreatedWithAnIdOfTheirOwn) {
  World world;
  const auto answer =
      world.call("POST", kAll, R"({"name":"my-kiro","models":["kiro/kiro-dev","kiro/kiro-pro"]})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto body = object(answer);
  EXPECT_EQ(text(body.at("id")), "00010203-0405-4607-8809-0a0b0c0d0e0f");
  EXPECT_EQ(text(body.at("strategy")), "priority");
  EXPECT_EQ(text(body.at("models").at(1)), "kiro/kiro-pro");
  ASSERT_EQ(world.combos.rows.size(), 1u);
  EXPECT_EQ(world.combos.rows[0].targets[0].text, "kiro/kiro-dev");
  EXPECT_EQ(world.combo_changes, 1);
}

TEST(Combos, BadOnesAreRefusedWithTheFieldAndNothingIsStored) {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {R"({"models":["kiro/a"]})", "name"},
      {R"({"name":"","models":["kiro/a"]})", "name"},
      {R"({"name":"a/b","models":["kiro/a"]})", "name"},
      {R"({"name":"c"})", "models"},
      {R"({"name":"c","models":[]})", "models"},
      {R"({"name":"c","models":"kiro/a"})", "models"},
      {R"({"name":"c","models":["kiro"]})", "models[0]"},
      {R"({"name":"c","models":["nope/a"]})", "nope"},
      {R"({"name":"c","models":["kiro/a","kiro/"]})", "models[1]"},
      {R"({"name":"c","models":["/a"]})", "models[0]"},
      {R"({"name":"c","models":["kiro//a"]})", "models[0]"},
      {R"({"name":"c","models":["kiro/a",7]})", "models[1]"},
      {R"({"name":"c","models":["kiro/a","kiro/a"]})", "models[1]"},
      {R"({"name":"c","targets":[{"provider":"kiro"}]})", "targets[0]"},
      {R"({"name":"c","targets":[{"provider":"kiro","model":1}]})", "targets[0].model"},
      {R"({"name":"c","targets":[{"kind":"combo-ref","comboName":"x"}]})", "targets[0].comboName"},
      {R"({"name":"c","targets":[{"kind":"combo-ref","model":"x"}]})", "targets[0].kind"},
      {R"({"name":"c","targets":[{"model":"x","connectionId":"nobody"}]})",
       "targets[0].connectionId"},
      {R"({"name":"c","models":["kiro/a"],"targets":["kiro/a"]})", "targets"},
      {R"({"name":"c","models":["kiro/a"],"strategy":"best"})", "round-robin"},
      {R"({"name":"c","models":["kiro/a"],"strategy":1})", "strategy"},
      {R"({"name":"c","models":["kiro/a"],"colour":"red"})", "colour"},
  };
  for (const auto& [body, field] : rows) {
    World world;
    const auto answer = world.call("POST", kAll, body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_NE(answer.body.find(field), std::string::npos) << body << "\n" << answer.body;
    EXPECT_TRUE(world.combos.rows.empty()) << body;
    EXPECT_EQ(world.combo_changes, 0) << body;
  }
}

TEST(Combos, ObjectTargetsBecomeText) {
  World world;
  const auto answer = world.call("POST", kAll, R"({"name":"c","strategy":"round-robin","targets":[
      {"kind":"model","provider":"kiro","model":"kiro/claude-sonnet-4.5","connectionId":"id-pro"},
      {"providerId":"kiro","model":"auto"}, {"provider":"kiro","connection":"kiro-dev"}]})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto body = object(answer);
  EXPECT_EQ(text(body.at("models").at(0)), "kiro/kiro-pro/claude-sonnet-4.5");
  EXPECT_EQ(text(body.at("models").at(1)), "kiro/auto");
  EXPECT_EQ(text(body.at("models").at(2)), "kiro/kiro-dev");
  EXPECT_EQ(world.combos.rows[0].strategy, routing::Strategy::RoundRobin);
}

TEST(Combos, ANameIsTakenOnce) {
  World world;
  world.call("POST", kAll, R"({"name":"c","models":["kiro/a"]})");
  const auto answer = world.call("POST", kAll, R"({"name":"c","models":["kiro/b"]})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_NE(answer.body.find(world.combos.rows[0].id), std::string::npos);
  EXPECT_EQ(world.combos.rows.size(), 1u);
  world.call("POST", kAll, R"({"name":"d","models":["kiro/a"]})");
  EXPECT_EQ(world.call("PUT", kOne, R"({"name":"c"})", {{"id", "d"}}).status, 409);
}

TEST(Combos, AChangeKeepsWhatItDoesNotName) {
  World world;
  world.call("POST", kAll, R"({"name":"c","strategy":"round-robin","models":["kiro/a"]})");
  const std::string id = world.combos.rows[0].id;
  world.clock.now += 1000;
  const auto answer = world.call("PUT", kOne, R"({"models":["kiro/b"]})", {{"id", id}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const routing::Combo& combo = world.combos.rows[0];
  EXPECT_EQ(combo.id, id);
  EXPECT_EQ(combo.name, "c");
  EXPECT_EQ(combo.strategy, routing::Strategy::RoundRobin);
  EXPECT_EQ(combo.targets[0].text, "kiro/b");
  EXPECT_EQ(combo.updated_ms, combo.created_ms + 1000);
  EXPECT_EQ(world.combo_changes, 2);
  EXPECT_EQ(world.call("PUT", kOne, R"({"models":[]})", {{"id", id}}).status, 400);
  EXPECT_EQ(world.combos.rows[0].targets.size(), 1u);
}

TEST(Combos, AreListedShownAndRemoved) {
  World world;
  world.call("POST", kAll, R"({"name":"c","models":["kiro/a"]})");
  EXPECT_EQ(object(world.call("GET", kAll)).at("combos").as_array().size(), 1u);
  EXPECT_EQ(text(object(world.call("GET", kOne, {}, {{"id", "c"}})).at("name")), "c");
  EXPECT_EQ(world.call("DELETE", kOne, {}, {{"id", "c"}}).status, 200);
  EXPECT_TRUE(world.combos.rows.empty());
  EXPECT_EQ(world.combo_changes, 2);
  for (const char* method : {"GET", "DELETE"})
    EXPECT_EQ(world.call(method, kOne, {}, {{"id", "c"}}).status, 404);
}

}  // namespace
}  // namespace omni::admin::testing
