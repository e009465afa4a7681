// How HTTP failures become failure kinds.
#include "tests/unit/plugins/openai/fixture.hpp"

namespace omni::openai_upstream {
namespace {

class OpenAiErrors : public Fixture {
 protected:
  sdk::testing::CapturedError failure(uint32_t status, std::string body,
                                      std::vector<sdk::Header> headers = {}) {
    host_.answerHttp(
        {.status = status, .headers = std::move(headers), .pieces = {std::move(body)}});
    EXPECT_EQ(ask(), OMNI_FAILED);
    EXPECT_TRUE(sink_.events().empty());
    return call_.error().value_or(sdk::testing::CapturedError{});
  }
};

TEST_F(OpenAiErrors, StatusesAndCodes) {
  struct Case {
    uint32_t status;
    const char* body;
    uint32_t kind;
  };
  for (const Case& c : std::initializer_list<Case>{
           {400, R"({"error":{"message":"bad","type":"invalid_request_error"}})",
            OMNI_FAILURE_BAD_REQUEST},
           {400, R"({"error":{"message":"too long","code":"context_length_exceeded"}})",
            OMNI_FAILURE_CONTEXT_LENGTH},
           {400, R"({"error":"This model's maximum context length is 4096 tokens"})",
            OMNI_FAILURE_CONTEXT_LENGTH},
           {400, R"({"error":{"message":"model \"x\" not found"}})",
            OMNI_FAILURE_MODEL_UNAVAILABLE},
           {401, R"({"error":{"message":"Incorrect API key provided: sk-test-1234"}})",
            OMNI_FAILURE_REAUTH_REQUIRED},
           {402, "", OMNI_FAILURE_QUOTA},
           {403, "<html>", OMNI_FAILURE_NOT_AUTHORIZED},
           {404, R"({"error":{"message":"no","code":"model_not_found"}})",
            OMNI_FAILURE_MODEL_UNAVAILABLE},
           {408, "", OMNI_FAILURE_TIMEOUT},
           {413, "", OMNI_FAILURE_BAD_REQUEST},
           {429, R"({"error":{"message":"x","code":"rate_limit_exceeded"}})",
            OMNI_FAILURE_RATE_LIMITED},
           {429, R"({"error":{"message":"x","code":"insufficient_quota"}})", OMNI_FAILURE_QUOTA},
           {429, R"({"error":{"message":"The engine is currently overloaded"}})",
            OMNI_FAILURE_CAPACITY},
           {500, R"({"error":{"message":"oops"}})", OMNI_FAILURE_UPSTREAM},
           {502, "Bad Gateway", OMNI_FAILURE_UPSTREAM},
           {503, R"({"error":{"message":"Loading model"}})", OMNI_FAILURE_CAPACITY},
           {504, "", OMNI_FAILURE_TIMEOUT},
           {529, "", OMNI_FAILURE_CAPACITY},
           {301, "", OMNI_FAILURE_PROTOCOL},
           {204, "", OMNI_FAILURE_PROTOCOL}}) {
    const auto error = failure(c.status, c.body);
    EXPECT_EQ(error.kind, c.kind) << c.status << " " << c.body;
    EXPECT_EQ(error.upstream_status, c.status);
    EXPECT_FALSE(error.message.empty());
    EXPECT_FALSE(error.message.contains("sk-test-1234"));
    EXPECT_FALSE(error.detail.contains("sk-test-1234"));
  }
}

TEST_F(OpenAiErrors, DelaysInAllForms) {
  EXPECT_EQ(failure(429, R"({"error":{"message":"x","code":"rate_limit_exceeded"}})").scope,
            OMNI_SCOPE_ACCOUNT_MODEL);
  EXPECT_EQ(failure(429, "").scope, OMNI_SCOPE_DEFAULT);
  EXPECT_EQ(failure(429, "", {{"Retry-After", "7"}}).retry_after_ms, 7000);
  EXPECT_EQ(failure(429, "", {{"retry-after-ms", "250"}, {"Retry-After", "7"}}).retry_after_ms,
            250);
  EXPECT_EQ(failure(429, "", {{"x-ratelimit-reset-requests", "1m1.5s"}}).retry_after_ms, 61500);
  EXPECT_EQ(failure(429, "", {{"Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"}}).retry_after_ms,
            -1);
  for (const char* nonsense : {"nan", "inf", "-1", "1e300", "1e12h", "7 apples"})
    EXPECT_EQ(failure(429, "", {{"Retry-After", nonsense}}).retry_after_ms, -1) << nonsense;
  EXPECT_EQ(failure(503, "").retry_after_ms, -1);
}

TEST_F(OpenAiErrors, TheHostsOwnFailuresStayTheHosts) {
  host_.answerHttp({.break_with = OMNI_FAILURE_TIMEOUT, .no_response = true});
  EXPECT_EQ(ask(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_TIMEOUT);
  host_.answerHttp({.pieces = {delta(R"("content":"half")")}, .break_with = OMNI_FAILURE_NETWORK});
  EXPECT_EQ(ask(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_NETWORK);
}

TEST_F(OpenAiErrors, AnAccountWithoutItsUrlSaysSo) {
  FakeHost host;
  PluginUnderTest plugin(omni_plugin_entry_openai, host);
  FakeCall call(host);
  RequestBuilder b;
  EXPECT_EQ(plugin.complete(call, b.user("Hi").build(), sink_), OMNI_FAILED);
  EXPECT_TRUE(call.error()->message.contains("base URL"));
  host.setValue("baseUrl", "http://169.254.169.254/v1");
  EXPECT_EQ(plugin.complete(call, b.build(), sink_), OMNI_FAILED);
  EXPECT_TRUE(host.requests().empty());
}

}  // namespace
}  // namespace omni::openai_upstream
