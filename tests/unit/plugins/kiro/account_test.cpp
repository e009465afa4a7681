// Import, refresh and completion through the plugin's entry, against scripted upstream answers.
#include <gtest/gtest.h>

#include <omniroute/testing/fake_host.hpp>
#include <string>
#include <thread>
#include <vector>

#include "plugins/kiro/event_stream.hpp"
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

// ---- complete()

void put32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}
void header(std::string& out, std::string_view name, std::string_view value) {
  out += static_cast<char>(name.size());
  out += name;
  out += '\7';
  out += static_cast<char>(value.size() >> 8);
  out += static_cast<char>(value.size());
  out += value;
}
std::string frame(std::string_view type, std::string_view payload, bool exception = false) {
  std::string headers;
  header(headers, exception ? ":exception-type" : ":event-type", type);
  header(headers, ":content-type", "application/json");
  header(headers, ":message-type", exception ? "exception" : "event");
  std::string out;
  put32(out, static_cast<uint32_t>(headers.size() + payload.size() + 16));
  put32(out, static_cast<uint32_t>(headers.size()));
  put32(out, crc32(out));
  out += headers;
  out += payload;
  put32(out, crc32(out));
  return out;
}
std::string say(std::string_view text) {
  return frame("assistantResponseEvent", R"({"content":")" + std::string(text) + R"("})");
}
const std::string kInitial = frame("initial-response", R"({"conversationId":""})");
const std::string kTail = frame("contextUsageEvent", R"({"contextUsagePercentage":10.0})") +
                          frame("meteringEvent", R"({"unit":"credit","usage":0.5})");
std::string use(std::string_view id, std::string_view rest) {
  return frame("toolUseEvent",
               R"({"name":"edit","toolUseId":")" + std::string(id) + '"' + std::string(rest) + "}");
}

class KiroReply : public KiroAccount {
 protected:
  void SetUp() override { signedIn(3'600'000); }
  omni_status_t complete(std::string stream) {
    host_.answerHttp(answer(200, std::move(stream)));
    return complete();
  }
  omni_status_t complete() {
    call_.emplace(host_);
    sink_ = std::make_unique<RecordingSink>();
    RequestBuilder request;
    request.model("claude-sonnet-4.5").user("Hi").tool("edit", "Edits", R"({"type":"object"})");
    return plugin_.complete(*call_, request.build(), *sink_);
  }
  void TearDown() override {
    if (!sink_) return;
    for (const auto& broken : sink_->violations()) ADD_FAILURE() << broken;
  }
  std::unique_ptr<RecordingSink> sink_;
};

TEST_F(KiroReply, TextUsageAndFinish) {  // 59, 60, 68, 73, 80, 81, 88
  ASSERT_EQ(complete(kInitial + say("") + say("Hel") + frame("newEvent", "?") + say("lo") + kTail),
            OMNI_OK);
  EXPECT_EQ(sink_->text(), "Hello");
  EXPECT_EQ(sink_->count(OMNI_EVENT_TEXT), 2u);
  EXPECT_EQ(sink_->finish(), OMNI_FINISH_STOP);
  const auto usage = sink_->usage();
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->input_tokens + usage->output_tokens, 20'000);
  EXPECT_DOUBLE_EQ(usage->credits, 0.5);
  EXPECT_EQ(usage->estimated, 1u);
}

TEST_F(KiroReply, MetadataUsage) {  // 79
  ASSERT_EQ(
      complete(
          kInitial + say("x") +
          frame("metadataEvent",
                R"({"tokenUsage":{"uncachedInputTokens":10,"outputTokens":4,"totalTokens":14}})")),
      OMNI_OK);
  EXPECT_EQ(sink_->usage()->input_tokens, 10);
  EXPECT_EQ(sink_->usage()->output_tokens, 4);
}

TEST_F(KiroReply, ToolCallInFragments) {  // 63, 65, 67, 89
  ASSERT_EQ(complete(kInitial + use("t1", "") + use("t1", R"(,"input":"")") +
                     use("t1", R"(,"input":"{\"a\":")") + use("t1", R"(,"input":"1}")") +
                     use("t1", R"(,"stop":true)") + use("t1", "") +
                     frame("metadataEvent", R"({"stopReason":"END_TURN"})") + kTail),
            OMNI_OK);
  ASSERT_EQ(sink_->toolCalls().size(), 1u);
  EXPECT_EQ(sink_->toolCalls()[0].arguments, R"({"a":1})");
  EXPECT_EQ(sink_->finish(), OMNI_FINISH_TOOL_CALLS);
}

TEST_F(KiroReply, GrowingObjectInput) {  // 64
  ASSERT_EQ(complete(kInitial + use("t1", "") + use("t1", R"(,"input":{"a":"x"})") +
                     use("t1", R"(,"input":{"a":"xy"})") + use("t1", R"(,"input":{"a":"xyz"})") +
                     use("t1", R"(,"stop":true)") + kTail),
            OMNI_OK);
  EXPECT_EQ(sink_->toolCalls()[0].arguments, R"({"a":"xyz"})");
  EXPECT_EQ(sink_->count(OMNI_EVENT_TOOL_ARGUMENTS), 1u);
}

TEST_F(KiroReply, InterleavedCalls) {  // 66
  ASSERT_EQ(complete(kInitial + use("a", "") + use("b", "") + use("a", R"(,"input":"{\"n\":1}")") +
                     use("b", R"(,"input":"{\"n\":2}")") + use("b", R"(,"stop":true)") +
                     use("a", R"(,"stop":true)") + kTail),
            OMNI_OK);
  const auto calls = sink_->toolCalls();
  ASSERT_EQ(calls.size(), 2u);
  for (const auto& call : calls)
    EXPECT_EQ(call.arguments, call.id == "a" ? R"({"n":1})" : R"({"n":2})");
}

TEST_F(KiroReply, ContextWindowFull) {  // 69
  ASSERT_EQ(complete(kInitial + say("x") +
                     frame("contextUsageEvent", R"({"contextUsagePercentage":100})")),
            OMNI_OK);
  EXPECT_EQ(sink_->finish(), OMNI_FINISH_CONTEXT_LENGTH);
}

TEST_F(KiroReply, Damage) {  // 71, 72, 76
  std::string corrupt = say("x");
  corrupt[8] = static_cast<char>(corrupt[8] ^ 1);
  for (const std::string& bad :
       {corrupt, frame("assistantResponseEvent", "{no"), say("x").substr(0, 30)}) {
    EXPECT_EQ(complete(kInitial + say("a") + bad), OMNI_FAILED);
    EXPECT_EQ(error().kind, OMNI_FAILURE_PROTOCOL);
    EXPECT_FALSE(sink_->finish());
  }
}

TEST_F(KiroReply, DamagedTailEvent) {  // 72
  EXPECT_EQ(complete(kInitial + say("a") + frame("meteringEvent", "{no")), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_PROTOCOL);
}

TEST_F(KiroReply, ExceptionAfterText) {  // 74, 100
  const std::string limit = frame(
      "throttlingError",
      R"({"message":"slow","reason":"CREDIT_CONSUMPTION_RATE_EXCEEDED","retryAfterMilliseconds":300000})",
      true);
  EXPECT_EQ(complete(kInitial + say("a") + limit), OMNI_FAILED);
  EXPECT_EQ(sink_->text(), "a");
  EXPECT_FALSE(sink_->finish());
  EXPECT_EQ(error().kind, OMNI_FAILURE_RATE_LIMITED);
  EXPECT_EQ(error().retry_after_ms, 300'000);
}

TEST_F(KiroReply, ExceptionAsTheFirstFrameLeavesTheClientUntouched) {
  EXPECT_EQ(complete(frame("throttlingError", R"({"message":"slow"})", true)), OMNI_FAILED);
  EXPECT_EQ(sink_->events().size(), 0u);
}

TEST_F(KiroReply, RefusedTokenInTheMiddleOfAnAnswerIsNotSentAgain) {
  EXPECT_EQ(complete(kInitial + say("a") +
                     frame("AccessDeniedException",
                           R"({"message":"The bearer token included in the request is invalid."})",
                           true)),
            OMNI_FAILED);
  EXPECT_EQ(host_.requests().size(), 1u);
}

TEST_F(KiroReply, UnfinishedToolCallIsNotExecutable) {  // 75
  ASSERT_EQ(complete(kInitial + say("x") + use("t1", "") + use("t1", R"(,"input":"{\"a\":")")),
            OMNI_OK);
  for (const auto& call : sink_->toolCalls()) EXPECT_FALSE(call.ended);
  EXPECT_EQ(sink_->finish(), OMNI_FINISH_LENGTH);
}

TEST_F(KiroReply, MissingTail) {  // 77
  ASSERT_EQ(complete(kInitial + say("x")), OMNI_OK);
  EXPECT_EQ(sink_->finish(), OMNI_FINISH_LENGTH);
}

TEST_F(KiroReply, EmptyAnswer) {  // 78
  EXPECT_EQ(complete(kInitial), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_EMPTY_RESPONSE);
}

TEST_F(KiroReply, Refusal) {  // 90
  ASSERT_EQ(complete(kInitial + say("No") +
                     frame("metadataEvent", R"({"stopDetails":{"refusal":{"category":"x"}}})")),
            OMNI_OK);
  EXPECT_EQ(sink_->finish(), OMNI_FINISH_CONTENT_FILTER);
}

TEST_F(KiroReply, Reasoning) {  // 62
  ASSERT_EQ(complete(kInitial + frame("reasoningContentEvent", R"({"text":"a"})") +
                     frame("reasoningContentEvent", R"({"text":"b"})") +
                     frame("reasoningContentEvent", R"({"signature":"sig=="})") + say("x") + kTail),
            OMNI_OK);
  EXPECT_EQ(sink_->reasoning(), "ab");
  EXPECT_EQ(sink_->count(OMNI_EVENT_REASONING), 2u);
  EXPECT_EQ(sink_->count(OMNI_EVENT_REASONING_SIGNATURE), 1u);
}

TEST_F(KiroReply, RefusedTokenIsRefreshedOnce) {  // 98
  host_.answerHttp(
      answer(403, R"({"message":"The bearer token included in the request is invalid."})"));
  host_.answerHttp(tokens("aoaNEW", ""));
  ASSERT_EQ(complete(kInitial + say("x") + kTail), OMNI_OK);
  const auto sent = host_.requests();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].url, "https://runtime.us-east-1.kiro.dev/");
  EXPECT_EQ(sent[0].header("x-amz-target"), "KiroRuntimeService.GenerateAssistantResponse");
  EXPECT_EQ(sent[2].header("authorization"), "Bearer aoaNEW");
  EXPECT_EQ(sent[2].header("user-agent").substr(0, 10), "OmniRoute/");
}

TEST_F(KiroReply, HttpErrors) {  // G.3, G.5; 99, 100, 101
  struct Row {
    uint32_t status;
    const char* body;
    uint32_t kind;
    int64_t retry;
  };
  const std::vector<Row> rows = {
      {400, R"({"message":"Input is too long.","reason":"CONTENT_LENGTH_EXCEEDS_THRESHOLD"})",
       OMNI_FAILURE_CONTEXT_LENGTH, -1},
      {400, R"({"message":"Improperly formed request.","reason":null})", OMNI_FAILURE_BAD_REQUEST,
       -1},
      {400, R"({"reason":"INVALID_MODEL_ID"})", OMNI_FAILURE_MODEL_UNAVAILABLE, -1},
      {400, R"({"reason":"MONTHLY_REQUEST_COUNT"})", OMNI_FAILURE_QUOTA, -1},
      {400, R"({"message":"profileArn is required for this request."})",
       OMNI_FAILURE_NOT_AUTHORIZED, -1},
      {402, R"({})", OMNI_FAILURE_QUOTA, -1},
      {403, R"({"reason":"TEMPORARILY_SUSPENDED"})", OMNI_FAILURE_SUSPENDED, -1},
      {403, R"({"reason":"FEATURE_NOT_SUPPORTED"})", OMNI_FAILURE_NOT_AUTHORIZED, -1},
      {403, R"({"message":"User is not authorized to make this call"})",
       OMNI_FAILURE_NOT_AUTHORIZED, -1},
      {429, R"({"reason":"USER_REQUEST_RATE_EXCEEDED"})", OMNI_FAILURE_RATE_LIMITED, -1},
      {429, R"({"reason":"CREDIT_CONSUMPTION_RATE_EXCEEDED","retryAfterMilliseconds":300000})",
       OMNI_FAILURE_RATE_LIMITED, 300'000},
      {429, R"({"reason":"INSUFFICIENT_MODEL_CAPACITY"})", OMNI_FAILURE_CAPACITY, -1},
      {500, R"({"reason":"MODEL_TEMPORARILY_UNAVAILABLE"})", OMNI_FAILURE_CAPACITY, -1},
      {500, R"({})", OMNI_FAILURE_UPSTREAM, -1},
      {503, "<html>", OMNI_FAILURE_UPSTREAM, -1},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::to_string(row.status) + row.body);
    host_.answerHttp(answer(row.status, row.body));
    EXPECT_EQ(complete(), OMNI_FAILED);
    EXPECT_EQ(error().kind, row.kind);
    EXPECT_EQ(error().retry_after_ms, row.retry);
    EXPECT_EQ(sink_->events().size(), 0u);
  }
}

}  // namespace
}  // namespace omni::kiro
