// Import and refresh through the plugin's entry, against scripted upstream answers.
#include <gtest/gtest.h>

#include <omniroute/testing/fake_host.hpp>
#include <string>
#include <thread>
#include <vector>

#include "plugins/kiro/sha256.hpp"

extern "C" const omni_plugin_entry_t omni_plugin_entry_kiro;

namespace omni::kiro {
namespace {

using namespace sdk::testing;

const std::string kToken = "aorAAAAAG" + std::string(200, 'r');
const std::string kNewToken = "aorAAAAAG" + std::string(200, 'n');
const std::string kArn = "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK";

ScriptedAnswer answer(uint32_t status, std::string body) {
  ScriptedAnswer out;
  out.status = status;
  out.pieces = {std::move(body)};
  return out;
}
ScriptedAnswer registered() {
  return answer(200,
                R"({"clientId":"own","clientSecret":"hush","clientSecretExpiresAt":1900000000})");
}
ScriptedAnswer tokens(const std::string& access, const std::string& refresh) {
  std::string body = R"({"accessToken":")" + access + R"(","expiresIn":3600)";
  if (!refresh.empty()) body += R"(,"refreshToken":")" + refresh + '"';
  return answer(200, body + "}");
}
ScriptedAnswer invalidGrant() {
  return answer(
      400, R"({"error":"invalid_grant","error_description":"Invalid refresh token provided"})");
}

class KiroAccount : public ::testing::Test {
 protected:
  std::string plain(std::string_view key) {
    const auto stored = host_.value(key);
    return stored && !stored->secret ? stored->text : "";
  }
  std::string secret(std::string_view key) {
    const auto stored = host_.value(key);
    return stored && stored->secret ? stored->text : "";
  }
  omni_status_t import(const std::string& input) {
    call_.emplace(host_);
    return plugin_.control(*call_, "accounts.import", input);
  }
  omni_status_t refresh(bool force) {
    call_.emplace(host_);
    return plugin_.control(*call_, "accounts.refresh",
                           force ? R"({"force":true})" : R"({"force":false})");
  }
  void signedIn(int64_t left_ms) {
    host_.setValue("refreshToken", kToken, true);
    host_.setValue("accessToken", "aoaOLD", true);
    host_.setValue("expiresAt", std::to_string(host_.nowMs() + left_ms));
    host_.setValue("refreshRoute", "social");
    host_.setValue("region", "us-east-1");
    host_.setValue("profileArn", kArn);
  }
  CapturedError error() { return call_->error().value_or(CapturedError{}); }

  FakeHost host_;
  PluginUnderTest plugin_{omni_plugin_entry_kiro, host_};
  std::optional<FakeCall> call_;
};

TEST_F(KiroAccount, BadInputIsRefusedBeforeAnythingIsAsked) {
  struct Row {
    const char* name;
    std::string input, field;
  };
  const std::vector<Row> rows = {
      {"missing", "{}", "refreshToken"},
      {"prefix", R"({"refreshToken":"x)" + kToken + R"("})", "refreshToken"},
      {"dots", R"({"refreshToken":")" + kToken + R"(..."})", "refreshToken"},
      {"short", R"({"refreshToken":")" + kToken.substr(0, 99) + R"("})", "refreshToken"},
      {"unknown", R"({"refreshToken":")" + kToken + R"(","colour":"red"})", "colour"},
      {"region", R"({"refreshToken":")" + kToken + R"(","region":"us-east-1.evil.com"})", "region"},
      {"address", R"({"refreshToken":")" + kToken + R"(","region":"169.254.169.254"})", "region"},
      {"upper case", R"({"refreshToken":")" + kToken + R"(","region":"US-EAST-1"})", "region"},
      {"empty region", R"({"refreshToken":")" + kToken + R"(","region":""})", "region"},
      {"arn", R"({"refreshToken":")" + kToken + R"(","profileArn":"arn:x"})", "profileArn"},
      {"half a client", R"({"refreshToken":")" + kToken + R"(","clientId":"c"})", "clientSecret"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(import(row.input), OMNI_FAILED);
    EXPECT_EQ(error().kind, OMNI_FAILURE_BAD_REQUEST);
    EXPECT_EQ(error().field, row.field);
    EXPECT_EQ(error().message.find(kToken.substr(0, 40)), std::string::npos);
  }
  EXPECT_TRUE(host_.requests().empty());
  EXPECT_TRUE(host_.commits().empty());
}

TEST_F(KiroAccount, OwnRegistrationThatHoldsTheSessionIsDedicated) {
  host_.answerHttp(registered());
  host_.answerHttp(tokens("aoaNEW", kNewToken));
  ASSERT_EQ(import(R"({"refreshToken":")" + kToken + R"(","region":"eu-west-1"})"), OMNI_OK);
  const auto sent = host_.requests();
  ASSERT_GE(sent.size(), 2u);  // after them come the profiles and the account's name
  EXPECT_EQ(sent[0].url, "https://oidc.eu-west-1.amazonaws.com/client/register");
  EXPECT_NE(sent[0].body.find(R"("clientName":"OmniRoute")"), std::string::npos);
  EXPECT_EQ(sent[0].body.find("issuerUrl"), std::string::npos);
  EXPECT_EQ(sent[1].url, "https://oidc.eu-west-1.amazonaws.com/token");
  EXPECT_EQ(plain("isolation"), "dedicated");
  EXPECT_EQ(plain("refreshRoute"), "oidc");
  EXPECT_EQ(plain("fingerprint"), sha256Hex(kToken));
  EXPECT_EQ(plain("clientSecretExpiresAt"), "1900000000000");
  EXPECT_EQ(plain("expiresAt"), std::to_string(host_.nowMs() + 3'600'000));
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(secret("accessToken"), "aoaNEW");
  EXPECT_EQ(secret("clientSecret"), "hush");
}

TEST_F(KiroAccount, TokenOfTheSocialIssuerIsRegistered) {
  host_.answerHttp(registered());
  host_.answerHttp(invalidGrant());
  host_.answerHttp(tokens("aoaNEW", ""));
  ASSERT_EQ(import(R"({"refreshToken":")" + kToken + R"("})"), OMNI_OK);
  EXPECT_EQ(host_.requests()[2].url, "https://prod.us-east-1.auth.desktop.kiro.dev/refreshToken");
  EXPECT_EQ(plain("isolation"), "registered");
  EXPECT_EQ(plain("refreshRoute"), "social");
  EXPECT_EQ(secret("refreshToken"), kToken);
}

TEST_F(KiroAccount, FailedRegistrationRefusesUnlessSharedIsAllowed) {
  host_.answerHttp(answer(500, "{}"));
  EXPECT_EQ(import(R"({"refreshToken":")" + kToken + R"("})"), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_UPSTREAM);
  EXPECT_NE(error().message.find("allowShared"), std::string::npos);
  host_.answerHttp(answer(500, "{}"));
  host_.answerHttp(tokens("aoaNEW", ""));
  ASSERT_EQ(import(R"({"refreshToken":")" + kToken + R"(","allowShared":true})"), OMNI_OK);
  EXPECT_EQ(plain("isolation"), "shared");
}

TEST_F(KiroAccount, GivenClientIsUsedAsItIs) {
  host_.answerHttp(tokens("aoaNEW", ""));
  ASSERT_EQ(import(R"({"refreshToken":")" + kToken + R"(","clientId":"c","clientSecret":"s"})"),
            OMNI_OK);
  EXPECT_NE(host_.requests()[0].body.find(R"("clientId":"c")"), std::string::npos);
  for (const auto& sent : host_.requests()) EXPECT_EQ(sent.url.find("register"), std::string::npos);
  EXPECT_EQ(plain("isolation"), "shared");
  EXPECT_EQ(plain("refreshRoute"), "oidc");
}

// H.9 row 92.
TEST_F(KiroAccount, AnswerWithoutRefreshTokenKeepsTheOldOne) {
  signedIn(0);
  host_.answerHttp(tokens("aoaNEW", ""));
  ASSERT_EQ(refresh(false), OMNI_OK);
  EXPECT_EQ(secret("refreshToken"), kToken);
  EXPECT_EQ(secret("accessToken"), "aoaNEW");
}

TEST_F(KiroAccount, RotationIsOneCommitThatKeepsThePreviousToken) {
  signedIn(0);
  host_.answerHttp(tokens("aoaNEW", kNewToken));
  ASSERT_EQ(refresh(false), OMNI_OK);
  EXPECT_EQ(host_.commits().size(), 1u);
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(secret("previousRefreshToken"), kToken);
}

TEST_F(KiroAccount, ARotationUnderWayIsKeptWhoeverLeaves) {
  signedIn(0);
  auto rotated = tokens("aoaNEW", kNewToken);
  rotated.before_piece = [this](size_t) { call_->cancel(); };
  host_.answerHttp(std::move(rotated));
  refresh(false);
  EXPECT_EQ(secret("refreshToken"), kNewToken);
  EXPECT_EQ(secret("accessToken"), "aoaNEW");
  EXPECT_TRUE(host_.requests().back().finish);
}

TEST_F(KiroAccount, ThePreviousTokenIsTriedOnce) {
  signedIn(0);
  host_.setValue("previousRefreshToken", kNewToken, true);
  host_.answerHttp(invalidGrant());
  host_.answerHttp(tokens("aoaNEW", ""));
  ASSERT_EQ(refresh(false), OMNI_OK);
  EXPECT_EQ(secret("refreshToken"), kNewToken);
}

// H.9 rows 93 and 94.
TEST_F(KiroAccount, ADeadTokenNeedsANewSignInAndNothingIsErased) {
  for (const uint32_t status : {400u, 401u}) {
    signedIn(0);
    host_.answerHttp(status == 400 ? invalidGrant() : answer(401, R"({"message":"no"})"));
    EXPECT_EQ(refresh(false), OMNI_FAILED);
    EXPECT_EQ(error().kind, OMNI_FAILURE_REAUTH_REQUIRED) << status;
    EXPECT_EQ(secret("refreshToken"), kToken);
  }
  EXPECT_EQ(host_.requests().size(), 2u);
  EXPECT_TRUE(host_.commits().empty());
}

TEST_F(KiroAccount, AFailureOfTheServiceChangesNothing) {
  signedIn(0);
  host_.answerHttp(answer(503, "<html>"));
  EXPECT_EQ(refresh(false), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_UPSTREAM);
  EXPECT_EQ(refresh(false), OMNI_FAILED);  // nothing scripted: no connection
  EXPECT_EQ(error().kind, OMNI_FAILURE_NETWORK);
  EXPECT_TRUE(host_.commits().empty());
}

TEST_F(KiroAccount, AFreshTokenIsLeftAloneUnlessForced) {
  signedIn(5 * 60'000 + 1);
  EXPECT_EQ(refresh(false), OMNI_OK);
  EXPECT_TRUE(host_.requests().empty());
  host_.answerHttp(tokens("aoaNEW", ""));
  EXPECT_EQ(refresh(true), OMNI_OK);
  EXPECT_EQ(host_.requests().size(), 1u);
}

// H.9 row 104.
TEST_F(KiroAccount, TenCallsWithAnExpiredTokenRefreshOnce) {
  signedIn(0);
  host_.handleHttp([](const RecordedRequest&) { return tokens("aoaNEW", kNewToken); });
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 10; ++i)
    threads.emplace_back([&] {
      FakeCall call(host_);
      if (plugin_.control(call, "accounts.refresh", "{}") == OMNI_OK) ++good;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 10);
  EXPECT_EQ(host_.requests().size(), 1u);
}

}  // namespace
}  // namespace omni::kiro
