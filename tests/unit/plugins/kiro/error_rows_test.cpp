// Every row of kiro-protocol G.2 and G.3, and what of G.5 is the plugin's part, by number: through
// the plugin's entry, as an HTTP answer and where upstream allows it as an exception frame.

#include <gtest/gtest.h>

#include <omniroute/testing/fake_host.hpp>
#include <optional>

#include "tests/unit/plugins/kiro/wire_kit.hpp"

extern "C" const omni_plugin_entry_t omni_plugin_entry_kiro;

namespace omni::kiro::wire {
namespace {

using namespace sdk::testing;
using sdk::Header;

struct Row {
  const char* name;
  uint32_t status;
  std::string body;
  uint32_t kind;
  int64_t retry_ms = -1;
  std::vector<Header> headers = {};
  uint32_t scope = OMNI_SCOPE_DEFAULT;
};

std::string exception(std::string_view type, std::string_view reason,
                      std::string_view message = "x", std::string_view more = {}) {
  std::string out = R"({"__type":"com.amazon.kiro.runtimeservice#)" + std::string(type) +
                    R"(","message":)" + jsonText(message) + R"(,"reason":)";
  out += reason.empty() ? "null" : jsonText(reason);
  return out + std::string(more) + "}";
}

class ErrorRows : public ::testing::Test {
 protected:
  void SetUp() override {
    host_.setValue("refreshToken", "aor" + std::string(200, 'r'), true);
    host_.setValue("accessToken", "aoaTOKEN", true);
    host_.setValue("expiresAt", std::to_string(host_.nowMs() + 3'600'000));
    host_.setValue("refreshRoute", "social");
    host_.setValue("region", "us-east-1");
    host_.setValue("profileArn",
                   "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK");
    host_.setSetting("wire", "kiro");
  }
  omni_status_t complete() {
    call_.emplace(host_);
    sink_ = std::make_unique<RecordingSink>();
    RequestBuilder request;
    request.model("claude-sonnet-4.5").user("Hi");
    return plugin_.complete(*call_, request.build(), *sink_);
  }
  void answers(uint32_t status, std::string body, std::vector<Header> headers = {}) {
    ScriptedAnswer out;
    out.status = status;
    out.headers = std::move(headers);
    out.pieces = {std::move(body)};
    host_.answerHttp(out);
  }
  void expectRow(const Row& row) {
    SCOPED_TRACE(row.name);
    const size_t before = host_.requests().size();
    answers(row.status, row.body, row.headers);
    EXPECT_EQ(complete(), OMNI_FAILED);
    const auto error = call_->error().value_or(CapturedError{});
    EXPECT_EQ(error.kind, row.kind) << error.message;
    EXPECT_EQ(error.scope, row.scope);
    EXPECT_EQ(error.retry_after_ms, row.retry_ms);
    EXPECT_EQ(error.upstream_status, row.status);
    EXPECT_EQ(host_.requests().size(), before + 1) << "the plugin itself tries nothing again";
    EXPECT_TRUE(sink_->events().empty());
  }

  FakeHost host_;
  PluginUnderTest plugin_{omni_plugin_entry_kiro, host_};
  std::optional<FakeCall> call_;
  std::unique_ptr<RecordingSink> sink_;
};

TEST_F(ErrorRows, G2Row1ValidationException) {
  for (const char* reason : {"INVALID_CONVERSATION_ID",     "INVALID_KMS_GRANT",
                             "UNSUPPORTED_LANGUAGE",        "DOCUMENT_MODEL_NOT_SUPPORTED",
                             "DOCUMENT_PASSWORD_PROTECTED", "DOCUMENT_MAXIMUM_PAGES_EXCEEDED",
                             "DOCUMENT_SIZE_EXCEEDED",      "DOCUMENT_COUNT_EXCEEDED",
                             "DOCUMENT_DUPLICATE_NAME",     "IMAGE_DIMENSION_EXCEEDED",
                             "IMAGE_SIZE_EXCEEDED",         "IMAGE_COUNT_EXCEEDED",
                             "IMAGE_FORMAT_UNSUPPORTED",    "IMAGE_MIME_MISMATCH",
                             "TOOL_USE_RESULT_MISMATCH",    "THINKING_SIGNATURE_INVALID",
                             "TOOL_SCHEMA_INVALID",         "TOOL_DUPLICATE",
                             "TOOL_CONFIG_MISSING",         "REQUEST_BODY_INVALID",
                             "REQUEST_BODY_INVALID_JSON",   "INVALID_DOCUMENT_NAME",
                             "DISALLOWED_FILE_TYPE"})
    expectRow({reason, 400, exception("ValidationException", reason), OMNI_FAILURE_BAD_REQUEST});
  for (const char* reason : {"CONTENT_LENGTH_EXCEEDS_THRESHOLD", "PROMPT_TOO_LONG"})
    expectRow({reason, 400, exception("ValidationException", reason), OMNI_FAILURE_CONTEXT_LENGTH});
  expectRow({"INVALID_MODEL_ID", 400, exception("ValidationException", "INVALID_MODEL_ID"),
             OMNI_FAILURE_MODEL_UNAVAILABLE});
}

TEST_F(ErrorRows, G2Rows2To8) {
  const Row rows[] = {
      {"2 conversation limit", 402,
       exception("ServiceQuotaExceededException", "CONVERSATION_LIMIT_EXCEEDED"),
       OMNI_FAILURE_CONTEXT_LENGTH},
      {"2 month", 402, exception("ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT"),
       OMNI_FAILURE_QUOTA},
      {"2 overage", 402,
       exception("ServiceQuotaExceededException", "OVERAGE_REQUEST_LIMIT_EXCEEDED"),
       OMNI_FAILURE_QUOTA},
      {"3 feature", 403, exception("AccessDeniedException", "FEATURE_NOT_SUPPORTED"),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"3 suspended", 403, exception("AccessDeniedException", "TEMPORARILY_SUSPENDED"),
       OMNI_FAILURE_SUSPENDED},
      {"3 customization", 403,
       exception("AccessDeniedException", "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS"),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"3 workspace", 403,
       exception("AccessDeniedException", "UNAUTHORIZED_WORKSPACE_CONTEXT_FEATURE_ACCESS"),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"4 day", 429, exception("ThrottlingException", "DAILY_REQUEST_COUNT"), OMNI_FAILURE_QUOTA},
      {"4 month", 429, exception("ThrottlingException", "MONTHLY_REQUEST_COUNT"),
       OMNI_FAILURE_QUOTA},
      {"4 capacity", 429, exception("ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY"),
       OMNI_FAILURE_CAPACITY},
      {"4 credits",
       429,
       exception("ThrottlingException", "CREDIT_CONSUMPTION_RATE_EXCEEDED", "x",
                 R"(,"retryAfterMilliseconds":300000)"),
       OMNI_FAILURE_RATE_LIMITED,
       300'000,
       {},
       OMNI_SCOPE_ACCOUNT},
      {"4 user",
       429,
       exception("ThrottlingException", "USER_REQUEST_RATE_EXCEEDED"),
       OMNI_FAILURE_RATE_LIMITED,
       -1,
       {},
       OMNI_SCOPE_ACCOUNT},
      {"4 service", 429, exception("ThrottlingException", "SERVICE_REQUEST_RATE_EXCEEDED"),
       OMNI_FAILURE_CAPACITY},
      {"4 without a reason", 429, exception("ThrottlingException", ""), OMNI_FAILURE_RATE_LIMITED},
      {"5", 500, exception("InternalServerException", "MODEL_TEMPORARILY_UNAVAILABLE"),
       OMNI_FAILURE_CAPACITY},
      {"6", 503, exception("ServiceUnavailableException", "MODEL_TEMPORARILY_UNAVAILABLE"),
       OMNI_FAILURE_CAPACITY},
      {"7 conflict", 409, exception("ConflictException", ""), OMNI_FAILURE_BAD_REQUEST},
      {"7 resource", 404, exception("ResourceNotFoundException", ""), OMNI_FAILURE_BAD_REQUEST},
      {"8", 404, exception("UnknownOperationException", ""), OMNI_FAILURE_NOT_AUTHORIZED},
  };
  for (const Row& row : rows) expectRow(row);
}

TEST_F(ErrorRows, G3RowByRow) {
  std::vector<Row> rows;
  for (const char* text :
       {"Input is too long.", "Input content length exceeds threshold",
        "Exceeded max chat context length.", "Context window is full", "Prompt is too long"})
    rows.push_back({"1 overflow", 400, exception("ValidationException", "", text),
                    OMNI_FAILURE_CONTEXT_LENGTH});
  const std::vector<Row> more = {
      {"2 malformed", 400, exception("ValidationException", "", "Improperly formed request."),
       OMNI_FAILURE_BAD_REQUEST},
      {"3 malformed, KRS", 400,
       exception("ValidationException", "REQUEST_BODY_INVALID", "Improperly formed request."),
       OMNI_FAILURE_BAD_REQUEST},
      {"4 model", 400,
       exception("ValidationException", "INVALID_MODEL_ID",
                 "Invalid model. Please select a different model to continue."),
       OMNI_FAILURE_MODEL_UNAVAILABLE},
      {"5 image", 400,
       exception("ValidationException", "IMAGE_FORMAT_UNSUPPORTED",
                 "Bedrock error message: This model doesn't support the image content block that "
                 "you provided."),
       OMNI_FAILURE_BAD_REQUEST},
      {"6 tool results", 400,
       exception("ValidationException", "TOOL_USE_RESULT_MISMATCH",
                 "`tool_use` ids were found without `tool_result` blocks immediately after"),
       OMNI_FAILURE_BAD_REQUEST},
      {"9 profile missing", 400,
       exception("ValidationException", "", "profileArn is required for this request."),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"9 profile", 400, exception("ValidationException", "", "Invalid profileArn."),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"9 ARN", 400, exception("ValidationException", "", "Invalid ARN arn:aws:x"),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"10 month, 400", 400,
       exception("ThrottlingException", "MONTHLY_REQUEST_COUNT",
                 "Maximum Request reached for this month."),
       OMNI_FAILURE_QUOTA},
      {"10 month, 402", 402,
       exception("ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT",
                 "You have reached the limit."),
       OMNI_FAILURE_QUOTA},
      {"10 month, 429", 429, exception("ThrottlingException", "MONTHLY_REQUEST_COUNT"),
       OMNI_FAILURE_QUOTA},
      {"11 any 402", 402, R"({"message":"pay"})", OMNI_FAILURE_QUOTA},
      {"11 402 without a body", 402, "", OMNI_FAILURE_QUOTA},
      {"12 conversation", 402,
       exception("ServiceQuotaExceededException", "CONVERSATION_LIMIT_EXCEEDED"),
       OMNI_FAILURE_CONTEXT_LENGTH},
      {"15 suspended", 403,
       exception("AccessDeniedException", "",
                 "Your User ID (123456789012) temporarily is suspended. We've locked it."),
       OMNI_FAILURE_SUSPENDED},
      {"16 feature", 403, exception("AccessDeniedException", "FEATURE_NOT_SUPPORTED"),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"17 authorised", 403,
       exception("AccessDeniedException", "", "User is not authorized to make this call"),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"17 plan", 403,
       exception("AccessDeniedException", "",
                 "Your subscription does not support this application. Upgrade it."),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"18 token type", 403, exception("AccessDeniedException", "", "Unsupported token type"),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"18 API key", 403,
       exception("AccessDeniedException", "",
                 "API key authentication is not supported for this operation."),
       OMNI_FAILURE_NOT_AUTHORIZED},
      {"19 user, header",
       429,
       exception("ThrottlingException", "USER_REQUEST_RATE_EXCEEDED",
                 "Too many requests, please wait before trying again."),
       OMNI_FAILURE_RATE_LIMITED,
       7000,
       {Header{"Retry-After", "7"}},
       OMNI_SCOPE_ACCOUNT},
      {"19 user, body before header",
       429,
       exception("ThrottlingException", "USER_REQUEST_RATE_EXCEEDED", "x",
                 R"(,"retryAfterMilliseconds":1500)"),
       OMNI_FAILURE_RATE_LIMITED,
       1500,
       {Header{"Retry-After", "7"}},
       OMNI_SCOPE_ACCOUNT},
      {"19 service",
       429,
       exception("ThrottlingException", "SERVICE_REQUEST_RATE_EXCEEDED",
                 "Too many requests, please wait before trying again."),
       OMNI_FAILURE_CAPACITY,
       3000,
       {Header{"Retry-After", "3"}}},
      {"20 credits",
       429,
       exception("ThrottlingException", "CREDIT_CONSUMPTION_RATE_EXCEEDED", "x",
                 R"(,"retryAfterMilliseconds":300000)"),
       OMNI_FAILURE_RATE_LIMITED,
       300'000,
       {},
       OMNI_SCOPE_ACCOUNT},
      {"21 capacity", 429, exception("ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY"),
       OMNI_FAILURE_CAPACITY},
      {"21 a 429 is judged by its reason, not its words", 429,
       exception("ThrottlingException", "", "insufficient capacity, monthly limit reached"),
       OMNI_FAILURE_RATE_LIMITED},
      {"22 day", 429, exception("ThrottlingException", "DAILY_REQUEST_COUNT"), OMNI_FAILURE_QUOTA},
      {"23 load", 500,
       exception("InternalServerException", "",
                 "Encountered unexpectedly high load when processing the request, please try "
                 "again."),
       OMNI_FAILURE_CAPACITY},
      {"24 unavailable as 500", 500,
       exception("ServiceUnavailableException", "", "The service is temporarily unavailable"),
       OMNI_FAILURE_UPSTREAM},
      {"25 other 500", 500, exception("InternalServerException", ""), OMNI_FAILURE_UPSTREAM},
      {"26 502", 502, "<html>", OMNI_FAILURE_UPSTREAM},
      {"26 503", 503, "", OMNI_FAILURE_UPSTREAM},
      {"26 504", 504, "", OMNI_FAILURE_UPSTREAM},
      {"26 524 fails fast", 524, "", OMNI_FAILURE_TIMEOUT},
      {"G.5 408 counts as 5xx", 408, "", OMNI_FAILURE_UPSTREAM},
  };
  rows.insert(rows.end(), more.begin(), more.end());
  for (const Row& row : rows) expectRow(row);
}

// Rows 7 and 8 are tried once more without what was refused, which only a request has that carries
// it: generate_test.cpp (ARefusedSignatureIsStrippedOnce and the test beside it).

TEST_F(ErrorRows, G3Rows13And14ARefusedTokenIsRefreshedOnceAndThenTheAccounts) {
  for (const auto& [status, body] :
       {std::pair<uint32_t, std::string>{401, R"({"message":"expired"})"},
        {403, exception("AccessDeniedException", "",
                        "The bearer token included in the request is invalid.")},
        {403, exception("AccessDeniedException", "", "The bearer token has expired")}}) {
    SCOPED_TRACE(body);
    host_.advanceMs(60'000);  // a refresh is forced at most every 30 s
    host_.setValue("accessToken", "aoaTOKEN", true);
    host_.setValue("expiresAt", std::to_string(host_.nowMs() + 3'600'000));
    const size_t before = host_.requests().size();
    answers(status, body);
    answers(200, R"({"accessToken":"aoaNEW","expiresIn":3600})");
    answers(status, body);
    EXPECT_EQ(complete(), OMNI_FAILED);
    EXPECT_EQ(call_->error().value_or(CapturedError{}).kind, OMNI_FAILURE_AUTH_INVALID);
    ASSERT_EQ(host_.requests().size(), before + 3);
    EXPECT_EQ(host_.requests().back().header("authorization"), "Bearer aoaNEW");
  }
}

TEST_F(ErrorRows, G2RestStyleNamesTheTypeInAHeader) {
  expectRow({"header type",
             429,
             R"({"message":"Too many","reason":null})",
             OMNI_FAILURE_RATE_LIMITED,
             -1,
             {Header{"x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/"}}});
  expectRow({"header wins",
             400,
             exception("InternalServerException", ""),
             OMNI_FAILURE_QUOTA,
             -1,
             {Header{"x-amzn-errortype", "ServiceQuotaExceededException"}}});
}

// Found by the fuzzer: seconds that overflow as milliseconds. What nobody can mean was not said.
TEST_F(ErrorRows, ADelayThatNobodyCanMeanIsNoDelay) {
  for (const char* header : {"9223372036854775807", "22222222222222", "-5", "soon"})
    expectRow(
        {header, 503, R"({"message":"x"})", OMNI_FAILURE_UPSTREAM, -1, {{"Retry-After", header}}});
  expectRow({"a minute",
             503,
             R"({"message":"x"})",
             OMNI_FAILURE_UPSTREAM,
             60'000,
             {{"Retry-After", "60"}}});
  for (const char* number : {"1e300", "-1", "9223372036854775808"})
    expectRow({number, 429,
               R"({"message":"x","retryAfterMilliseconds":)" + std::string(number) + "}",
               OMNI_FAILURE_RATE_LIMITED});
}

TEST_F(ErrorRows, G5InTheStreamBeforeAnyContentItIsAsTheHttpClass) {
  struct Frame {
    const char* type;
    const char* body;
    uint32_t kind;
    int64_t retry_ms;
  };
  for (
      const Frame& row : {
          Frame{
              "throttlingError",
              R"({"message":"x","reason":"USER_REQUEST_RATE_EXCEEDED","retryAfterMilliseconds":900})",
              OMNI_FAILURE_RATE_LIMITED, 900},
          Frame{"throttlingError", R"({"message":"x","reason":"INSUFFICIENT_MODEL_CAPACITY"})",
                OMNI_FAILURE_CAPACITY, -1},
          Frame{"throttlingError", R"({"message":"x","reason":"MONTHLY_REQUEST_COUNT"})",
                OMNI_FAILURE_QUOTA, -1},
          Frame{"validationError", R"({"message":"x","reason":"CONTENT_LENGTH_EXCEEDS_THRESHOLD"})",
                OMNI_FAILURE_CONTEXT_LENGTH, -1},
          Frame{"validationError", R"({"message":"x"})", OMNI_FAILURE_BAD_REQUEST, -1},
          Frame{"serviceUnavailableError", R"({"message":"x"})", OMNI_FAILURE_UPSTREAM, -1},
          Frame{"error", R"({"message":"x"})", OMNI_FAILURE_UPSTREAM, -1},
          Frame{"AccessDeniedException", R"({"message":"x","reason":"TEMPORARILY_SUSPENDED"})",
                OMNI_FAILURE_SUSPENDED, -1},
      }) {
    SCOPED_TRACE(std::string(row.type) + row.body);
    for (const bool after_content : {false, true}) {
      const size_t before = host_.requests().size();
      answers(200, kInitial + (after_content ? say("part") : "") +
                       frame(row.type, row.body, "exception"));
      if (after_content && row.kind == OMNI_FAILURE_CONTEXT_LENGTH) {
        // F.6: the window was full while the model wrote; that is the answer's end.
        EXPECT_EQ(complete(), OMNI_OK);
        EXPECT_EQ(sink_->text(), "part");
        continue;
      }
      EXPECT_EQ(complete(), OMNI_FAILED);
      const auto error = call_->error().value_or(CapturedError{});
      EXPECT_EQ(error.kind, row.kind);
      EXPECT_EQ(error.retry_after_ms, row.retry_ms);
      EXPECT_EQ(host_.requests().size(), before + 1);
      EXPECT_EQ(sink_->text(), after_content ? "part" : "");
      EXPECT_FALSE(sink_->finish()) << "never a clean end";
    }
  }
}

TEST_F(ErrorRows, ADaysQuotaEndsAtMidnightUtc) {
  constexpr int64_t kDay = 86'400'000;
  answers(429, exception("ThrottlingException", "DAILY_REQUEST_COUNT"));
  EXPECT_EQ(complete(), OMNI_FAILED);
  EXPECT_EQ(call_->error().value_or(CapturedError{}).reset_at_ms,
            (host_.nowMs() / kDay + 1) * kDay);
  answers(402, exception("ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT"));
  EXPECT_EQ(complete(), OMNI_FAILED);
  EXPECT_EQ(call_->error().value_or(CapturedError{}).reset_at_ms, -1) << "the usage tells";
}

}  // namespace
}  // namespace omni::kiro::wire
