#include "plugins/kiro/local/roots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace omni::kiro::local {
namespace {

using testing::Contains;
using testing::Not;

std::vector<std::string> paths(const Roots& roots) {
  std::vector<std::string> all;
  for (const Place& place : placesToLook(roots)) all.push_back(place.path);
  return all;
}

TEST(Roots, Linux) {
  const auto all = paths({.platform = Platform::Linux,
                          .home = "/home/ada",
                          .env = {},
                          .windows_users = "",
                          .wsl_share = ""});
  EXPECT_THAT(all, Contains("/home/ada/.local/share/kiro-cli/data.sqlite3"));
  EXPECT_THAT(all, Contains("/home/ada/.local/share/amazon-q/data.sqlite3"));
  EXPECT_THAT(all, Contains("/home/ada/.aws/sso/cache"));
  EXPECT_THAT(all,
              Contains("/home/ada/.config/Kiro/User/globalStorage/kiro.kiroagent/profile.json"));
}

TEST(Roots, LinuxHonoursXdgAndTheOverrides) {
  const auto all = paths({.platform = Platform::Linux,
                          .home = "/home/ada",
                          .env = {{"XDG_DATA_HOME", "/data"},
                                  {"KIROCLI_DB_PATH", "/x/k.db"},
                                  {"KIRO_TEST_DB_PATH", "/x/t.db"}},
                          .windows_users = "",
                          .wsl_share = ""});
  EXPECT_EQ(all.front(), "/x/k.db");
  EXPECT_THAT(all, Contains("/x/t.db"));
  EXPECT_THAT(all, Contains("/data/kiro-cli/data.sqlite3"));
  EXPECT_THAT(all, Not(Contains("/home/ada/.local/share/kiro-cli/data.sqlite3")));
}

TEST(Roots, MacOs) {
  const auto all = paths({.platform = Platform::MacOs,
                          .home = "/Users/ada",
                          .env = {},
                          .windows_users = "",
                          .wsl_share = ""});
  EXPECT_THAT(all, Contains("/Users/ada/Library/Application Support/kiro-cli/data.sqlite3"));
  EXPECT_THAT(all, Contains("/Users/ada/Library/Application Support/amazon-q/data.sqlite3"));
  EXPECT_THAT(all, Contains("/Users/ada/.aws/sso/cache"));
}

TEST(Roots, WindowsFromTheHomeAndFromTheEnvironment) {
  const auto all = paths({.platform = Platform::Windows,
                          .home = R"(C:\Users\ada)",
                          .env = {},
                          .windows_users = "",
                          .wsl_share = R"(\\wsl$)"});
  EXPECT_THAT(all, Contains(R"(C:\Users\ada\AppData\Local\kiro-cli\data.sqlite3)"));
  EXPECT_THAT(all, Contains(R"(C:\Users\ada\AppData\Roaming\kiro-cli\data.sqlite3)"));
  EXPECT_THAT(all, Contains(R"(C:\Users\ada\AppData\Roaming\kiro\storage.db)"));
  EXPECT_THAT(all, Contains(R"(C:\Users\ada\.aws\sso\cache)"));
  EXPECT_THAT(all, Contains(R"(\\wsl$\*\home\*\.local\share\kiro-cli\data.sqlite3)"));
  const auto moved = paths({.platform = Platform::Windows,
                            .home = R"(C:\Users\ada)",
                            .env = {{"LOCALAPPDATA", R"(D:\L)"}},
                            .windows_users = "",
                            .wsl_share = ""});
  EXPECT_THAT(moved, Contains(R"(D:\L\kiro-cli\data.sqlite3)"));
}

TEST(Roots, WslLooksAtBothSides) {
  const auto all = paths({.platform = Platform::Wsl,
                          .home = "/home/ada",
                          .env = {},
                          .windows_users = "/mnt/c/Users",
                          .wsl_share = ""});
  EXPECT_THAT(all, Contains("/home/ada/.local/share/kiro-cli/data.sqlite3"));
  EXPECT_THAT(all, Contains("/mnt/c/Users/*/AppData/Local/kiro-cli/data.sqlite3"));
  EXPECT_THAT(all, Contains("/mnt/c/Users/*/.aws/sso/cache"));
}

TEST(Roots, NothingIsGuessedWithoutAHome) {
  EXPECT_TRUE(paths({}).empty());
}

TEST(Roots, ParseNamesWhatIsWrong) {
  EXPECT_EQ(Roots::parse("[]").error(), "roots must be a JSON object");
  EXPECT_THAT(Roots::parse(R"({"platform":"beos"})").error(), testing::HasSubstr("linux, macos"));
  EXPECT_THAT(Roots::parse(R"({"hom":"/x"})").error(), testing::HasSubstr("\"hom\""));
  EXPECT_THAT(Roots::parse(R"({"home":1})").error(), testing::HasSubstr("home"));
  const auto roots = Roots::parse(R"({"platform":"macos","home":"/h","env":{"A":"b"}})");
  ASSERT_TRUE(roots);
  EXPECT_EQ(roots->platform, Platform::MacOs);
  EXPECT_EQ(roots->home, "/h");
  EXPECT_EQ(roots->env.at("A"), "b");
  EXPECT_FALSE(Roots::parse("")->home.empty());
}

}  // namespace
}  // namespace omni::kiro::local
