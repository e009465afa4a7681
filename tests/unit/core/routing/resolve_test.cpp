#include "core/routing/resolve.hpp"

#include <gtest/gtest.h>

#include "unit/core/fakes.hpp"

namespace omni::routing {
namespace {

using omni::testing::account;

const std::vector<Connection> kAccounts{account("kiro", "auto"), account("kiro", "kiro-dev")};
const std::vector<std::string> kProviders{"echo", "kiro"};

TEST(Resolve, TargetForms) {
  struct Case {
    const char* text;
    std::vector<std::string> wanted;  // account:model
  };
  const Case kCases[] = {{"kiro/kiro-dev", {"kiro-dev:auto"}},
                         {"kiro/kiro-dev/claude-x", {"kiro-dev:claude-x"}},
                         {"kiro/kiro-dev/a/b", {"kiro-dev:a/b"}},
                         {"kiro/auto", {"auto:auto"}},  // a connection's name wins over a model's
                         {"kiro/claude-x", {"auto:claude-x", "kiro-dev:claude-x"}},
                         {"kiro", {"auto:auto", "kiro-dev:auto"}},
                         {"kiro/*", {"auto:auto", "kiro-dev:auto"}},
                         {"kiro/*/claude-x", {"auto:claude-x", "kiro-dev:claude-x"}}};
  for (const Case& c : kCases) {
    const auto got = resolveTarget(c.text, kAccounts, kProviders);
    ASSERT_TRUE(got) << c.text;
    std::vector<std::string> shown;
    for (const Candidate& one : *got) shown.push_back(one.connection->name + ":" + one.model);
    EXPECT_EQ(shown, c.wanted) << c.text;
  }
}

TEST(Resolve, UnknownIsNotFoundWithTheNearestName) {
  for (const char* text : {"kiro/kiro-dve", "kirp/kiro-dev"}) {
    const auto got = resolveTarget(text, kAccounts, kProviders);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().kind, FailureKind::NotFound);
    EXPECT_NE(got.error().message.find("\"kiro/kiro-dev\""), std::string::npos)
        << got.error().message;
  }
  for (const char* text : {"", "/", "kiro/", "nothing", "echo", "echo/x"}) {
    EXPECT_FALSE(resolveTarget(text, kAccounts, kProviders)) << text;
  }
}

TEST(Resolve, NearestNamesLookPastCaseAndTheProvider) {
  const std::vector<std::string> names = {"my-kiro", "kiro/kiro-dev", "z"};
  EXPECT_EQ(nearestNames("MY-KIRO", names), "\"my-kiro\"");
  EXPECT_EQ(nearestNames("Kiro-dev", names), "\"kiro/kiro-dev\"");
  EXPECT_EQ(nearestNames("kiro/kiro-dew", names), "\"kiro/kiro-dev\"");
  for (const char* far : {"aa", "b", "", "something"}) EXPECT_EQ(nearestNames(far, names), "");
}

TEST(ValidateCombo, NamesTheWrongMember) {
  Combo good;
  good.name = "team";
  good.targets = {{"kiro/kiro-dev"}};
  EXPECT_TRUE(validateCombo(good, kProviders));
  const auto field = [&](auto edit) {
    Combo combo = good;
    edit(combo);
    const auto result = validateCombo(combo, kProviders);
    return result ? std::string("fine") : result.error().field;
  };
  EXPECT_EQ(field([](Combo& c) { c.name = ""; }), "name");
  EXPECT_EQ(field([](Combo& c) { c.name = "a/b"; }), "name");
  EXPECT_EQ(field([](Combo& c) { c.targets.clear(); }), "targets");
  EXPECT_EQ(field([](Combo& c) { c.targets.push_back({"nope/x"}); }), "targets[1]");
  EXPECT_EQ(field([](Combo& c) { c.targets[0].text = "kiro/"; }), "targets[0]");
}

TEST(Resolve, ADeletedAccountsNameIsNoModel) {
  const auto got = resolveTarget("kiro/kiro-dew/claude-sonnet", kAccounts, kProviders);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, FailureKind::NotFound);
  EXPECT_NE(got.error().message.find("\"kiro/kiro-dew\""), std::string::npos);
  EXPECT_NE(got.error().message.find("\"kiro/kiro-dev\""), std::string::npos);
  EXPECT_FALSE(resolveTarget("kiro/gone/x", kAccounts, kProviders));
}

}  // namespace
}  // namespace omni::routing
