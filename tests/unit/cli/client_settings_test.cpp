#include "cli/client_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace omni::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const ClientTarget kTarget{"http://127.0.0.1:20128", "my-kiro", true};

TEST(ClientSettings, EveryClientFromNothingAndTwiceIsTheSame) {
  for (const ClientFile& file : clientFiles()) {
    const auto first = withSettings(file.client, "", kTarget);
    ASSERT_TRUE(first) << file.client << first.error();
    EXPECT_THAT(*first, HasSubstr("127.0.0.1:20128")) << file.client;
    EXPECT_THAT(*first, HasSubstr("my-kiro")) << file.client;
    EXPECT_EQ(withSettings(file.client, *first, kTarget).value(), *first) << file.client;
  }
}

TEST(ClientSettings, ClaudeCodeKeepsWhatIsThere) {
  const auto out = withSettings(
      "claude-code", R"({"env":{"A":"1","ANTHROPIC_BASE_URL":"x"},"permissions":{"allow":["Read"]
}
})",
      kTarget);
  ASSERT_TRUE(out);
  const auto value = boost::json::parse(*out);
  EXPECT_EQ(value.at("env").at("A"), "1");
  EXPECT_EQ(value.at("env").at("ANTHROPIC_BASE_URL"), "http://127.0.0.1:20128");
  EXPECT_EQ(value.at("permissions").at("allow").at(0), "Read");
}

TEST(ClientSettings, JsonWithCommentsIsLeftAlone) {
  EXPECT_THAT(withSettings("opencode", "{ // mine\n}", kTarget).error(), HasSubstr("comments"));
}

TEST(ClientSettings, CodexKeysComeBeforeTables) {
  const auto out = withSettings("codex",
                                "model = \"gpt-5\"\nweb_search = \"live\"\napproval_policy = "
                                "\"never\"\n\n[mcp_servers.x]\nmodel = \"kept\"\n",
                                kTarget);
  ASSERT_TRUE(out);
  EXPECT_LT(out->find("model_provider = \"omniroute\""), out->find("[mcp_servers.x]"));
  EXPECT_THAT(*out, HasSubstr("#omniroute# model = \"gpt-5\""));
  EXPECT_THAT(*out, HasSubstr("#omniroute# web_search = \"live\""));
  EXPECT_LT(out->find("\nweb_search = \"disabled\"\n"), out->find("[mcp_servers.x]"));
  EXPECT_THAT(*out, HasSubstr("\nmodel = \"kept\"\n"));
  EXPECT_THAT(*out, HasSubstr("wire_api = \"responses\""));
  const auto again = withSettings("codex", *out, {"http://h:1", "other", false});
  EXPECT_THAT(*again, Not(HasSubstr("my-kiro")));
  EXPECT_THAT(*again, HasSubstr("wire_api = \"chat\""));
}

TEST(ClientSettings, ContinueGoesIntoTheModelsThatAreThere) {
  const auto out = withSettings(
      "continue", "name: Mine\nmodels:\n  - name: A\n    provider: x\nrules: []\n", kTarget);
  ASSERT_TRUE(out);
  EXPECT_LT(out->find("OmniRoute my-kiro"), out->find("name: A"));
  EXPECT_THAT(withSettings("continue", "models: []\n", kTarget).error(), HasSubstr("one line"));
}

TEST(ClientSettings, TheModelsNameIsQuoted) {
  ClientTarget odd = kTarget;
  odd.model = "a\"b\n[x]";
  EXPECT_THAT(withSettings("codex", "", odd).value(), HasSubstr(R"(model = "a\"b\n[x]")"));
}

TEST(ClientSettings, ClineIsByHand) {
  EXPECT_THAT(manualSteps("cline", kTarget), HasSubstr("/v1"));
  EXPECT_FALSE(withSettings("cline", "", kTarget));
}

}  // namespace
}  // namespace omni::cli
