// Sessions that a local tool lends: never renewed here, its newer token respected.
#include <filesystem>
#include <fstream>

#include "plugins/kiro/local/found.hpp"
#include "tests/unit/plugins/kiro/account_fixture.hpp"

namespace omni::kiro {
namespace {

namespace fs = std::filesystem;

class KiroLent : public AccountFixture {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "omni-lent-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    fs::create_directories(home_ / ".aws/sso/cache");
    old_home_ = std::getenv("HOME") ? std::getenv("HOME") : "";
    ::setenv("HOME", home_.c_str(), 1);
    ::unsetenv("XDG_DATA_HOME");
  }
  void TearDown() override {
    ::setenv("HOME", old_home_.c_str(), 1);
    fs::remove_all(home_);
  }

  void lent(int64_t left_ms) {
    signedIn(left_ms);
    host_.setValue("isolation", "shared");
    host_.setValue("renewedBy", "kiro-ide");
    host_.setValue("userId", "me");
    local::Found where;
    where.kind = "kiro-ide";
    where.file = (home_ / ".aws/sso/cache/kiro-auth-token.json").string();
    host_.setValue("toolItem", where.origin());
  }
  // The tool has renewed its session.
  void toolHas(const std::string& access, int64_t left_ms) {
    std::ofstream(home_ / ".aws/sso/cache/kiro-auth-token.json")
        << R"({"accessToken":")" << access << R"(","refreshToken":")" << kNewToken
        << R"(","profileArn":")" << kArn << R"(","expiresAt":)" << host_.nowMs() + left_ms
        << R"(,"authMethod":"social","provider":"Google"})";
  }
  omni_status_t refresh(const char* input = R"({"force":true})") {
    return control("accounts.refresh", input);
  }
  void nothingWasRenewed() {
    EXPECT_TRUE(sentTo("/refreshToken").empty());
    EXPECT_TRUE(sentTo("/token").empty());
  }

  fs::path home_;
  std::string old_home_;
};

TEST_F(KiroLent, AnEndedTokenIsNotRenewedAndSaysWhatHelps) {
  lent(0);
  EXPECT_EQ(refresh(), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_REAUTH_REQUIRED);
  EXPECT_EQ(error().reason, "tool_token_expired");
  for (const char* help : {"kiro-ide", "omniroute import", "sign this account in", "rotate"})
    EXPECT_NE(error().message.find(help), std::string::npos) << help;
  EXPECT_TRUE(host_.requests().empty());
  EXPECT_EQ(secret("refreshToken"), kToken);
}

TEST_F(KiroLent, ATokenIsUsedToItsEnd) {
  lent(30'000);
  ASSERT_EQ(refresh("{}"), OMNI_OK) << error().message;
  ASSERT_EQ(refresh(), OMNI_OK) << error().message;
  EXPECT_TRUE(sentTo("/refreshToken").empty());
  EXPECT_EQ(secret("accessToken"), "aoaOLD");
}

TEST_F(KiroLent, TheToolsNewerTokenIsTaken) {
  lent(0);
  toolHas("aoaNEWER", 3'600'000);
  on("GetUsageLimits", 200, R"({"userInfo":{"userId":"me"}})");
  ASSERT_EQ(refresh(), OMNI_OK) << error().message;
  nothingWasRenewed();
  EXPECT_EQ(secret("accessToken"), "aoaNEWER");
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(numberOf("expiresAt"), host_.nowMs() + 3'600'000);
  EXPECT_EQ(plain("renewedBy"), "kiro-ide");
  ASSERT_EQ(sentTo("GetUsageLimits").size(), 1u);
  EXPECT_EQ(sentTo("GetUsageLimits")[0].header("authorization"), "Bearer aoaNEWER");
}

TEST_F(KiroLent, AnOlderOneIsNot) {
  lent(240'000);
  toolHas("aoaOTHER", 120'000);
  ASSERT_EQ(refresh(), OMNI_OK) << error().message;
  EXPECT_EQ(secret("accessToken"), "aoaOLD");
}

TEST_F(KiroLent, SomebodyElseInTheToolIsNotTakenForTheAccount) {
  lent(0);
  toolHas("aoaTHEIRS", 3'600'000);
  on("GetUsageLimits", 200, R"({"userInfo":{"userId":"somebody else"}})");
  EXPECT_EQ(refresh(), OMNI_FAILED);
  EXPECT_EQ(error().reason, "other_user");
  EXPECT_EQ(secret("accessToken"), "aoaOLD");
  EXPECT_EQ(secret("refreshToken"), kToken);
  nothingWasRenewed();
}

TEST_F(KiroLent, WhoCannotBeAskedIsNotTakenEither) {
  lent(0);
  toolHas("aoaNEWER", 3'600'000);
  on("GetUsageLimits", 500, "{}");
  EXPECT_EQ(refresh(), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_UPSTREAM);
  EXPECT_EQ(secret("accessToken"), "aoaOLD");
}

TEST_F(KiroLent, AnotherMachinesFileIsNotThisOnes) {
  lent(0);
  host_.setValue("toolItem", plain("toolItem").substr(0, 17) + "00000000");
  toolHas("aoaNEWER", 3'600'000);
  EXPECT_EQ(refresh(), OMNI_FAILED);
  EXPECT_EQ(error().reason, "tool_token_expired");
  EXPECT_TRUE(host_.requests().empty());
}

TEST_F(KiroLent, WhoIsToldToMayRenew) {
  lent(0);
  on("/refreshToken", 200, tokens("aoaOWN", kNewToken));
  ASSERT_EQ(refresh(R"({"force":true,"rotate":true})"), OMNI_OK) << error().message;
  EXPECT_EQ(secret("accessToken"), "aoaOWN");
  EXPECT_FALSE(has("renewedBy"));
  EXPECT_FALSE(has("toolItem"));
}

TEST_F(KiroLent, IsolatingAsksForASignInAndLeavesTheToolAlone) {
  lent(3'600'000);
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK) << error().message;
  EXPECT_TRUE(output().at("signInNeeded").as_bool());
  EXPECT_EQ(plain("isolation"), "shared");
  EXPECT_TRUE(host_.requests().empty());
}

TEST_F(KiroLent, AnImportWithoutRotationIsLent) {
  const std::string file = R"({"tool":"kiro-ide","item":"0011223344556677@8899aabb",)"
                           R"("authMethod":"social","accessToken":"aoaX","refreshToken":")" +
                           kToken + R"(","expiresAt":)" +
                           std::to_string(host_.nowMs() + 3'600'000) + "}";
  ASSERT_EQ(control("accounts.import", R"({"rotate":false,"json":)" + file + "}"), OMNI_OK)
      << error().message;
  EXPECT_EQ(plain("renewedBy"), "kiro-ide");
  EXPECT_EQ(plain("toolItem"), "0011223344556677@8899aabb");
  EXPECT_EQ(plain("isolation"), "shared");
  EXPECT_NE(plain("isolationReason").find("renewed there"), std::string::npos);
  nothingWasRenewed();
}

TEST_F(KiroLent, AnImportWithRotationIsTheAccountsOwn) {
  on("/client/register", 200, kRegistered);
  on("/refreshToken", 200, tokens("aoaOWN", kNewToken));
  const std::string file =
      R"({"tool":"kiro-ide","item":"a@b","authMethod":"social","refreshToken":")" + kToken + "\"}";
  ASSERT_EQ(control("accounts.import", R"({"rotate":true,"json":)" + file + "}"), OMNI_OK)
      << error().message;
  EXPECT_FALSE(has("renewedBy"));
}

TEST_F(KiroLent, TheNewerTokenOfAnotherUserIsNotImportedInPlace) {
  lent(0);
  const std::string item = plain("toolItem");
  on("GetUsageLimits", 200, R"({"userInfo":{"userId":"somebody else"}})");
  const std::string file = R"({"tool":"kiro-ide","item":")" + item +
                           R"(","authMethod":"social","accessToken":"aoaX","refreshToken":")" +
                           kNewToken + R"(","expiresAt":)" +
                           std::to_string(host_.nowMs() + 3'600'000) + "}";
  EXPECT_EQ(control("accounts.import", R"({"rotate":false,"json":)" + file + "}"), OMNI_FAILED);
  EXPECT_EQ(error().reason, "other_user");
}

}  // namespace
}  // namespace omni::kiro
