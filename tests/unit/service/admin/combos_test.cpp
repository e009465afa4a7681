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

TEST(Combos, IsNotRemovedWhenSomebodyElseChangedIt) {
  World world;
  world.call("POST", kAll, R"({"name":"a","models":["kiro/kiro-dev"]})");
  const std::string id = world.combos.rows.at(0).id;
  world.sent["if-match"] = "\"old\"";
  const auto refused = world.call("DELETE", kOne, {}, {{"id", id}});
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(world.combos.rows.size(), 1u);
}

TEST(Combos, ChangesAreWrittenDown) {
  World world;
  world.call("POST", kAll, R"({"name":"a","models":["kiro/kiro-dev","kiro/kiro-pro"]})");
  const std::string id = world.combos.rows.at(0).id;
  world.call("PUT", kOne,
             R"({"name":"b","models":["kiro/kiro-pro",{"text":"kiro/kiro-dev","weight":3}]})",
             {{"id", id}});
  world.call("PUT", kOne, R"({"models":["gone/x"]})", {{"id", id}});  // refused
  world.call("DELETE", kOne, {}, {{"id", id}});
  ASSERT_EQ(world.audit.entries.size(), 3u);
  const auto& made = world.audit.entries[0];
  EXPECT_EQ(made.action, "combo.created");
  EXPECT_EQ(made.subject, "combo");
  EXPECT_EQ(made.subject_id, id);
  const auto& changed = world.audit.entries[1];
  EXPECT_EQ(changed.action, "combo.changed");
  EXPECT_EQ(changed.subject_name, "b");
  EXPECT_EQ(changed.detail,
            R"J({"before":"a","targets":"kiro/kiro-pro -> kiro/kiro-dev (weight 3)"})J");
  EXPECT_EQ(world.audit.entries[2].action, "combo.removed");
}

TEST(Combos, BadOnesAreRefusedWithTheFieldAndNothingIsStored) {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {R"({"models":["kiro/a"]})", "name"},
      {R"({"name":"","models":["kiro/a"]})", "name"},
      {R"({"name":"a/b","models":["kiro/a"]})", "name"},
      {R"({"name":"c"})", "models"},
      {R"({"name":"c","models":[]})", "models"},
      {R"({"name":"c","models":"kiro/a"})", "models"},
      {R"({"name":"c","models":["kirp"]})", "\\\"kiro\\\""},
      {R"({"name":"kiro","models":["kiro/a"]})", "name"},
      {R"({"name":"c","models":["kiro/kiro-dew"]})", "kiro/kiro-dev"},
      {R"({"name":"c","models":["kiro/gone/x"]})", "models[0]"},
      {R"({"name":"c","targets":[{"provider":"kiro","connections":["kiro-dev","kiro-por"]}]})",
       "kiro-pro"},
      {R"({"name":"c","targets":[{"provider":"kiro","connections":["kiro-dev","id-dev"]}]})",
       "targets[0].connections[1]"},
      {R"({"name":"c","targets":[{"provider":"kiro","connections":[]}]})",
       "targets[0].connections"},
      {R"({"name":"c","targets":[{"text":"kiro/a","weight":101}]})", "targets[0].weight"},
      {R"({"name":"c","targets":[{"text":"kiro/a","weight":-1}]})", "targets[0].weight"},
      {R"({"name":"c","targets":[{"text":"kiro/a","weight":1.5}]})", "targets[0].weight"},
      {R"({"name":"c","targets":[{"text":"kiro/a","weight":0}]})", "targets"},
      {R"({"name":"c","targets":[{"text":"kiro/a","pin":"hard"}]})", "targets[0].pin"},
      {R"({"name":"c","targets":[{"combo":"nope"}]})", "targets[0].combo"},
      {R"({"name":"c","targets":[{"combo":"nope","model":"x"}]})", "targets[0].combo"},
      {R"({"name":"c","models":["kiro/a"],"options":{"maxAttempts":65}})", "options.maxAttempts"},
      {R"({"name":"c","models":["kiro/a"],"options":{"sticky":1}})", "options.sticky"},
      {R"({"name":"c","models":["kiro/a"],"options":{"colour":1}})", "options.colour"},
      {R"({"name":"c","models":["nope/a"]})", "nope"},
      {R"({"name":"c","models":["kiro/a","kiro/"]})", "models[1]"},
      {R"({"name":"c","models":["/a"]})", "models[0]"},
      {R"({"name":"c","models":["kiro//a"]})", "models[0]"},
      {R"({"name":"c","models":["kiro/a",7]})", "models[1]"},
      {R"({"name":"c","models":["kiro/a","kiro/a"]})", "models[1]"},
      {R"({"name":"c","targets":[{"provider":"kiro","model":1}]})", "targets[0].model"},
      {R"({"name":"c","targets":[{"kind":"combo-ref","comboName":"x"}]})", "targets[0].combo"},
      {R"({"name":"c","targets":[{"kind":"combo-ref","model":"x"}]})", "targets[0].combo"},
      {R"({"name":"c","targets":[{"kind":"nest","model":"x"}]})", "targets[0].kind"},
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

TEST(Combos, ARenamedAccountStaysATarget) {
  World world;
  world.call("POST", kAll, R"({"name":"c","models":["kiro/kiro-dev/claude-x"]})");
  ASSERT_EQ(world.combos.rows.at(0).targets.at(0).accounts.at(0).id, "id-dev");
  world.accounts.find("id-dev")->name = "office";
  const auto body = object(world.call("GET", kOne, {}, {{"id", "c"}}));
  EXPECT_EQ(text(body.at("models").at(0)), "kiro/office/claude-x");
  EXPECT_TRUE(body.at("missing").as_array().empty());
}

TEST(Combos, ADeletedTargetIsNamed) {
  World world;
  world.call("POST", kAll, R"({"name":"c","models":["kiro/kiro-dev","kiro/kiro-pro"]})");
  std::erase_if(world.accounts.rows, [](const Connection& c) { return c.id == "id-dev"; });
  const auto body = object(world.call("GET", kOne, {}, {{"id", "c"}}));
  ASSERT_EQ(body.at("missing").as_array().size(), 1u);
  EXPECT_EQ(text(body.at("missing").at(0)), "kiro/kiro-dev");
}

TEST(Combos, WhatIsShownMayBeSentBack) {
  World world;
  ASSERT_EQ(world.call("POST", kAll, R"({"name":"inner","models":["kiro"]})").status, 201);
  const auto made = world.call("POST", kAll, R"({"name":"c","strategy":"weighted","targets":[
      {"connections":["kiro-dev","id-pro"],"model":"claude-x","pin":"soft","weight":7},
      {"combo":"inner","weight":0},{"kind":"combo-ref","comboName":"inner"},
      {"provider":"kiro","model":"glm-5"}],
      "options":{"sticky":false,"sessionMinutes":5,"maxAttempts":4,"retries":0,"maxWaitMs":0}})");
  EXPECT_EQ(made.status, 400) << "a combo twice";
  const auto answer = world.call("POST", kAll, R"({"name":"c","strategy":"weighted","targets":[
      {"connections":["kiro-dev","id-pro"],"model":"claude-x","pin":"soft","weight":7},
      {"combo":"inner","weight":0},{"provider":"kiro","model":"glm-5"}],
      "options":{"sticky":false,"sessionMinutes":5,"maxAttempts":4,"retries":0,"maxWaitMs":0}})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto before = world.combos.rows.at(1);
  EXPECT_EQ(before.targets.at(0).weight, 7u);
  EXPECT_EQ(before.targets.at(0).pin, routing::Pin::Soft);
  EXPECT_EQ(before.targets.at(1).combo_id, world.combos.rows.at(0).id);
  EXPECT_EQ(before.targets.at(2).text, "kiro/glm-5");
  EXPECT_FALSE(before.options.sticky);
  EXPECT_EQ(before.options.session_ttl_ms, 300000);
  boost::json::object again;
  for (const char* key : {"name", "strategy", "targets", "options"})
    again[key] = object(answer).at(key);
  const auto put = world.call("PUT", kOne, boost::json::serialize(again), {{"id", before.id}});
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(world.combos.rows.at(1).targets, before.targets);
  EXPECT_EQ(world.combos.rows.at(1).options, before.options);
}

TEST(Combos, ACycleIsRefusedAndNothingIsStored) {
  World world;
  world.call("POST", kAll, R"({"name":"a","models":["kiro/kiro-dev"]})");
  world.call("POST", kAll, R"({"name":"b","models":["a"]})");
  world.call("POST", kAll, R"({"name":"c","models":["b"]})");
  const auto before = world.combos.rows;
  const auto answer = world.call("PUT", kOne, R"({"models":["c","kiro/kiro-dev"]})", {{"id", "a"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("a -> c -> b -> a"), std::string::npos) << answer.body;
  EXPECT_EQ(world.call("PUT", kOne, R"({"models":["a"]})", {{"id", "a"}}).status, 400);
  EXPECT_EQ(world.combos.rows.at(0).targets, before.at(0).targets);
}

TEST(Combos, ExplainIsAskedForTheComboOrAModel) {
  World world;
  world.call("POST", kAll, R"({"name":"team","models":["kiro/kiro-dev"]})");
  const std::string id = world.combos.rows.at(0).id;
  const auto answer =
      world.call("POST", "/api/combos/{id}/explain", R"({"session":"s1"})", {{"id", id}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto body = object(answer);
  EXPECT_EQ(text(body.at("model")), "team:s1:");
  EXPECT_EQ(text(body.at("picked")), "kiro/kiro-dev");
  EXPECT_EQ(text(body.at("candidates").at(1).at("until")), "2026-01-01T00:01:00.000Z");
  EXPECT_TRUE(body.at("candidates").at(1).at("quotaLeft").is_null());
  EXPECT_EQ(world.call("POST", "/api/combos/{id}/explain", {}, {{"id", "team"}}).status, 200);
  const auto unknown = world.call("POST", "/api/combos/{id}/explain", {}, {{"id", "taem"}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(unknown.body.find("team"), std::string::npos);
  EXPECT_EQ(world.call("POST", "/api/routing/explain", R"({"model":"kiro/x"})").status, 200);
  EXPECT_EQ(world.call("POST", "/api/routing/explain", R"({})").status, 400);
  EXPECT_EQ(world.call("POST", "/api/routing/explain", R"({"modell":"x"})").status, 400);
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

TEST(Combos, TheSecondOfTwoEditorsIsTold) {
  World world;
  const auto made = world.call("POST", kAll, R"({"name":"c","models":["kiro/kiro-dev"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string read = text(object(made).at("version"));
  const std::string id = text(object(made).at("id"));
  const auto change = [&](const char* body, const std::string& version) {
    world.sent["if-match"] = '"' + version + '"';
    return world.call("PUT", kOne, body, {{"id", id}});
  };
  const auto first = change(R"({"options":{"sticky":false}})", read);
  ASSERT_EQ(first.status, 200) << first.body;
  const auto second = change(R"({"strategy":"round-robin"})", read);
  EXPECT_EQ(second.status, 409) << second.body;
  EXPECT_EQ(change(R"({"strategy":"round-robin"})", text(object(first).at("version"))).status, 200);
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
