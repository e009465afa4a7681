#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.hpp"

namespace omni::admin::testing {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

constexpr const char* kPath = "/api/oauth/{provider}/auto-import";

json::value body(const FakeWriter& answer) {
  return json::parse(answer.body);
}

Error failure(FailureKind kind, std::string message, std::string conflict = {}) {
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  error.conflict_id = std::move(conflict);
  return error;
}

TEST(LocalScan, ListsWhatThePluginFindsAndSaysWhatIsHereAlready) {
  World world;
  world.kiro.answer =
      R"({"found":[{"id":"a","fingerprint":""},{"id":"b","fingerprint":"f"}],"problems":[],"searched":["/x"]})";
  const FakeWriter answer = world.call("GET", kPath, "", {{"provider", "kiro"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(world.kiro.method, "accounts.scan");
  EXPECT_EQ(body(answer).at("total"), 2);
  EXPECT_TRUE(body(answer).at("found").at(1).at("importedId").is_null());
  EXPECT_TRUE(body(answer).at("hint").is_null());
}

TEST(LocalScan, FingerprintsAreLookedUpWithoutAScan) {
  World world;
  const FakeWriter answer =
      world.call("GET", kPath, "", {{"provider", "kiro"}}, {{"fingerprint", std::string(64, 'a')}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(body(answer).at("known").as_object().empty());
  EXPECT_TRUE(world.kiro.method.empty());
  EXPECT_EQ(world.call("GET", kPath, "", {{"provider", "kiro"}}, {{"fingerprint", "x"}}).status,
            400);
}

TEST(LocalScan, AnEmptyListingSaysWhoCanLook) {
  World world;
  world.kiro.answer = R"({"found":[],"problems":[],"searched":[]})";
  const FakeWriter answer = world.call("GET", kPath, "", {{"provider", "kiro"}});
  EXPECT_THAT(answer.body, HasSubstr("omniroute import"));
}

TEST(LocalScan, APluginWithoutAScanIsNotFound) {
  World world;
  world.kiro.failure = failure(FailureKind::Unsupported, "no such method");
  EXPECT_EQ(world.call("GET", kPath, "", {{"provider", "kiro"}}).status, 404);
  world.kiro.failure.reset();
  EXPECT_EQ(world.call("GET", kPath, "", {{"provider", "nobody"}}).status, 404);
  world.kiro.answer = R"({"found":1})";
  EXPECT_EQ(world.call("GET", kPath, "", {{"provider", "kiro"}}).status, 502);
}

TEST(LocalScan, ImportsWithoutRotationUnlessAsked) {
  World world;
  FakeWriter answer =
      world.call("POST", kPath, R"({"items":[{"id":"a","name":"mine"}]})", {{"provider", "kiro"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(world.kiro.method, "accounts.import");
  EXPECT_EQ(json::parse(world.kiro.input),
            json::parse(R"({"source":{"item":"a"},"rotate":false})"));
  EXPECT_EQ(world.kiro.finished, "mine");
  EXPECT_EQ(body(answer).at("imported"), 1);
  EXPECT_EQ(body(answer).at("results").at(0).at("connection").at("id"), "new-id");
}

TEST(LocalScan, OneThatFailsKeepsItsReason) {
  World world;
  world.kiro.failure = failure(FailureKind::Conflict, "It is here already.", "old");
  const FakeWriter answer =
      world.call("POST", kPath, R"({"items":["a"],"rotate":true})", {{"provider", "kiro"}});
  ASSERT_EQ(answer.status, 200);
  const json::value result = body(answer);
  EXPECT_EQ(result.at("success"), false);
  EXPECT_EQ(result.at("results").at(0).at("error").at("connectionId"), "old");
  EXPECT_THAT(world.kiro.input, HasSubstr("\"rotate\":true"));
}

TEST(LocalScan, BadBodiesNameTheMember) {
  World world;
  for (const auto& [given, field] : std::vector<std::pair<std::string, std::string>>{
           {R"({})", "items"},
           {R"({"items":[]})", "items"},
           {R"({"items":[1]})", "items[0].id"},
           {R"({"items":[{"id":"a","nam":"x"}]})", "items[0].nam"},
           {R"({"items":["a"],"rotate":1})", "rotate"}}) {
    const FakeWriter answer = world.call("POST", kPath, given, {{"provider", "kiro"}});
    EXPECT_EQ(answer.status, 400) << given;
    EXPECT_EQ(text(body(answer).at("error").at("field")), field) << answer.body;
  }
  EXPECT_TRUE(world.kiro.method.empty()) << "nothing was asked of the plugin";
}

}  // namespace
}  // namespace omni::admin::testing
