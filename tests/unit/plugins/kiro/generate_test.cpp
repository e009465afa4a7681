// One completion through the plugin's entry: the second tries, the model list, the headers.

#include <gtest/gtest.h>

#include <omniroute/testing/fake_host.hpp>

#include "plugins/kiro/models.hpp"
#include "tests/unit/plugins/kiro/wire_kit.hpp"

extern "C" const omni_plugin_entry_t omni_plugin_entry_kiro;

namespace omni::kiro::wire {
namespace {

using namespace sdk::testing;

const std::string kArn = "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK";
const std::string kGood = kInitial + say("Hello") + kTail;

ScriptedAnswer answer(uint32_t status, std::string body) {
  ScriptedAnswer out;
  out.status = status;
  out.pieces = {std::move(body)};
  return out;
}

class KiroGenerate : public ::testing::Test {
 protected:
  void SetUp() override {
    host_.setValue("refreshToken", "aor" + std::string(200, 'r'), true);
    host_.setValue("accessToken", "aoaTOKEN", true);
    host_.setValue("expiresAt", std::to_string(host_.nowMs() + 3'600'000));
    host_.setValue("refreshRoute", "social");
    host_.setValue("region", "us-east-1");
    host_.setValue("profileArn", kArn);
  }
  omni_status_t complete(RequestBuilder& request) {
    call_.emplace(host_);
    sink_ = std::make_unique<RecordingSink>();
    return plugin_.complete(*call_, request.build(), *sink_);
  }
  // The body of the n-th request upstream.
  json::value body(size_t n) { return json::parse(host_.requests().at(n).body); }
  CapturedError error() { return call_->error().value_or(CapturedError{}); }
  static RequestBuilder& hello(RequestBuilder& r) {
    return r.model("claude-sonnet-4.5").user("Hi");
  }

  FakeHost host_;
  PluginUnderTest plugin_{omni_plugin_entry_kiro, host_};
  std::optional<FakeCall> call_;
  std::unique_ptr<RecordingSink> sink_;
};

TEST_F(KiroGenerate, HeadersOfTheThreeGenerations) {
  struct Row {
    const char *wire, *url, *target;
    bool mode_in_body;
  };
  for (const Row& row :
       {Row{"kiro", "https://runtime.us-east-1.kiro.dev/",
            "KiroRuntimeService.GenerateAssistantResponse", true},
        Row{"codewhisperer", "https://runtime.us-east-1.kiro.dev/",
            "AmazonCodeWhispererStreamingService.GenerateAssistantResponse", true},
        Row{"legacy", "https://q.us-east-1.amazonaws.com/generateAssistantResponse", "", false}}) {
    SCOPED_TRACE(row.wire);
    host_.setSetting("wire", row.wire);
    host_.answerHttp(answer(200, kGood));
    RequestBuilder r;
    ASSERT_EQ(complete(hello(r)), OMNI_OK);
    const auto sent = host_.requests().back();
    EXPECT_EQ(sent.url, row.url);
    EXPECT_EQ(sent.header("x-amz-target"), row.target);
    EXPECT_EQ(sent.header("authorization"), "Bearer aoaTOKEN");
    EXPECT_EQ(sent.header("x-amzn-codewhisperer-optout"), "true");
    EXPECT_EQ(sent.header("amz-sdk-request"), "attempt=1; max=3");
    EXPECT_EQ(sent.header("amz-sdk-invocation-id").size(), 36u);
    EXPECT_EQ(sent.header("x-amzn-kiro-agent-mode"), row.mode_in_body ? "" : "vibe");
    EXPECT_EQ(json::parse(sent.body).as_object().contains("agentMode"), row.mode_in_body);
  }
}

TEST_F(KiroGenerate, SilenceIsLimitedAndTheWholeIsNot) {
  host_.answerHttp(answer(200, kGood));
  host_.answerHttp(answer(200, kGood));
  RequestBuilder r, other;
  ASSERT_EQ(complete(hello(r)), OMNI_OK);
  EXPECT_EQ(host_.requests()[0].first_byte_timeout_ms, 120'000);
  EXPECT_EQ(host_.requests()[0].idle_timeout_ms, 300'000);
  host_.setSetting("timeout.firstByteMs", "9000");
  host_.setSetting("timeout.idleMs", "soon");  // what is no number changes nothing
  ASSERT_EQ(complete(hello(other)), OMNI_OK);
  EXPECT_EQ(host_.requests()[1].first_byte_timeout_ms, 9'000);
  EXPECT_EQ(host_.requests()[1].idle_timeout_ms, 300'000);
}

TEST_F(KiroGenerate, TheRequestIsGivenUpWhenKiroAnswers) {
  host_.answerHttp(
      answer(400, R"({"message":"Invalid signature","reason":"THINKING_SIGNATURE_INVALID"})"));
  host_.answerHttp(answer(200, kGood));
  RequestBuilder thinking, forced;
  thinking.model("claude-sonnet-4.5").user("Hi").message(OMNI_ROLE_ASSISTANT);
  thinking.reasoning("thoughts", "forged").text("y").user("z");
  ASSERT_EQ(complete(thinking), OMNI_OK);
  EXPECT_EQ(sink_->eventsAtRequestDone(), std::vector<size_t>{0});  // not at the refusal

  // It may have to be put once more: kept to the end.
  host_.answerHttp(answer(200, kGood));
  host_.answerHttp(answer(200, kGood));
  hello(forced).tool("t", "d", "{}").toolChoice(OMNI_TOOL_CHOICE_REQUIRED);
  complete(forced);
  ASSERT_EQ(host_.requests().size(), 4u);
  EXPECT_EQ(sink_->eventsAtRequestDone(), std::vector<size_t>{1});  // not when the first began
}

TEST_F(KiroGenerate, ARefusedSignatureIsStrippedOnce) {
  const auto ask = [](RequestBuilder& r) -> RequestBuilder& {
    r.model("claude-sonnet-4.5").user("Hi").message(OMNI_ROLE_ASSISTANT);
    return r.reasoning("thoughts", "forged").text("y").user("z");
  };
  const auto refusal =
      answer(400, R"({"message":"Invalid signature","reason":"THINKING_SIGNATURE_INVALID"})");
  host_.answerHttp(refusal);
  host_.answerHttp(answer(200, kGood));
  RequestBuilder r;
  ASSERT_EQ(complete(ask(r)), OMNI_OK);
  ASSERT_EQ(host_.requests().size(), 2u);
  EXPECT_NE(host_.requests()[0].body.find("forged"), std::string::npos);
  EXPECT_EQ(host_.requests()[1].body.find("reasoningContent"), std::string::npos);
  EXPECT_EQ(host_.requests()[0].header("amz-sdk-invocation-id"),
            host_.requests()[1].header("amz-sdk-invocation-id"));
  EXPECT_EQ(sink_->text(), "Hello");
  // Not for ever: the second refusal is the client's.
  host_.answerHttp(refusal);
  host_.answerHttp(refusal);
  RequestBuilder again;
  EXPECT_EQ(complete(ask(again)), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_BAD_REQUEST);
  EXPECT_EQ(host_.requests().size(), 4u);
}

std::string modelPage(const char* id, const char* effort, const char* next) {
  std::string out = std::string(R"({"defaultModel":{"modelId":"auto"},"models":[{"modelId":")") +
                    id +
                    R"(","modelName":"N","supportedInputTypes":["TEXT"],"rateMultiplier":1.5,)" +
                    R"("tokenLimits":{"maxInputTokens":50000,"maxOutputTokens":8000})";
  if (*effort)
    out += std::string(R"(,"additionalModelRequestFieldsSchema":{"type":"object","properties":{)") +
           R"("output_config":{"properties":{"effort":{"enum":[)" + effort + R"(]}}},)" +
           R"("thinking":{"properties":{"type":{"enum":["adaptive"]}}}}})";
  out += "}]";
  if (*next) out += std::string(R"(,"nextToken":")") + next + '"';
  return out + "}";
}

TEST_F(KiroGenerate, RefusedFieldsAreStrippedOnce) {
  host_.answerHttp(answer(200, modelPage("new-model", R"("low","high")", "")));
  host_.answerHttp(
      answer(400, R"({"message":"additionalModelRequestFields is not supported for this model"})"));
  host_.answerHttp(answer(200, kGood));
  RequestBuilder r;
  r.model("new-model").user("x").reasoningEffort("max");
  ASSERT_EQ(complete(r), OMNI_OK);
  ASSERT_EQ(host_.requests().size(), 3u);
  EXPECT_EQ(json::serialize(body(1).at("additionalModelRequestFields")),
            R"({"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}})");
  EXPECT_FALSE(body(2).as_object().contains("additionalModelRequestFields"));
}

TEST_F(KiroGenerate, TheModelsAreAskedForOnceAndOnlyWhenTheyMatter) {
  host_.answerHttp(answer(200, kGood));
  RequestBuilder plain;
  ASSERT_EQ(complete(hello(plain)), OMNI_OK);
  EXPECT_EQ(host_.requests().size(), 1u);

  host_.answerHttp(answer(200, modelPage("first", "", "page 2")));
  host_.answerHttp(answer(200, modelPage("second", R"("medium")", "")));
  host_.answerHttp(answer(200, kGood));
  RequestBuilder r;
  r.model("second").user("x").reasoningEffort("minimal");
  ASSERT_EQ(complete(r), OMNI_OK);
  EXPECT_EQ(host_.requests()[1].header("x-amz-target"),
            "AmazonCodeWhispererService.ListAvailableModels");
  EXPECT_EQ(body(2).at("nextToken").as_string(), "page 2");
  EXPECT_EQ(body(3).at_pointer("/additionalModelRequestFields/output_config/effort").as_string(),
            "medium");
  // The window of the account's own list is what percentages are of.
  EXPECT_EQ(sink_->usage()->input_tokens + sink_->usage()->output_tokens, 5000);

  host_.answerHttp(answer(200, kGood));
  RequestBuilder next;
  next.model("second").user("x").reasoningEffort("low");
  ASSERT_EQ(complete(next), OMNI_OK);
  EXPECT_EQ(host_.requests().size(), 5u);

  const auto kept = parseCatalogue(host_.value("models")->text);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->models.size(), 2u);
  EXPECT_FALSE(kept->models[0].images);
  EXPECT_EQ(kept->models[1].efforts, std::vector<std::string>{"medium"});
}

TEST_F(KiroGenerate, WithoutAnAnswerTheTableServes) {
  host_.answerHttp(answer(500, "{}"));
  host_.answerHttp(answer(200, kGood));
  host_.answerHttp(answer(200, kGood));
  for (int i = 0; i < 2; ++i) {
    RequestBuilder r;
    r.model("claude-opus-4.7").user("x").reasoningEffort("high");
    ASSERT_EQ(complete(r), OMNI_OK);
  }
  ASSERT_EQ(host_.requests().size(), 3u);  // it is not asked again at once
  EXPECT_EQ(body(2).at_pointer("/additionalModelRequestFields/output_config/effort").as_string(),
            "high");
}

TEST_F(KiroGenerate, ModelsList) {
  host_.answerHttp(answer(200, modelPage("first", R"("low","high")", "")));
  call_.emplace(host_);
  std::string text;
  ASSERT_EQ(plugin_.control(*call_, "models.list", "{}", &text), OMNI_OK);
  const auto out = json::parse(text);
  EXPECT_EQ(out.at("defaultModel").as_string(), "auto");
  const auto& model = out.at("models").at(0);
  EXPECT_EQ(model.at("id").as_string(), "first");
  EXPECT_EQ(model.at("contextWindow").as_int64(), 50'000);
  EXPECT_EQ(model.at("maxOutput").as_int64(), 8'000);
  EXPECT_EQ(json::serialize(model.at("inputTypes")), R"(["TEXT"])");
  EXPECT_EQ(json::serialize(model.at("effortLevels")), R"(["low","high"])");
  // Kept for five minutes, then asked for again; served from what is kept while upstream is down.
  call_.emplace(host_);
  ASSERT_EQ(plugin_.control(*call_, "models.list", "{}"), OMNI_OK);
  EXPECT_EQ(host_.requests().size(), 1u);
  host_.advanceMs(300'001);
  host_.answerHttp(answer(503, "{}"));
  call_.emplace(host_);
  ASSERT_EQ(plugin_.control(*call_, "models.list", "{}"), OMNI_OK);
  EXPECT_EQ(host_.requests().size(), 2u);
}

TEST_F(KiroGenerate, AnUnknownOperationMovesToTheOtherHostsAndStaysThere) {
  host_.answerHttp(
      answer(404, R"({"__type":"com.amazon.coral.service#UnknownOperationException"})"));
  host_.answerHttp(answer(200, kGood));
  RequestBuilder r, again;
  ASSERT_EQ(complete(hello(r)), OMNI_OK);
  ASSERT_EQ(host_.requests().size(), 2u);
  EXPECT_EQ(host_.requests()[1].url, "https://q.us-east-1.amazonaws.com/generateAssistantResponse");
  EXPECT_FALSE(body(1).as_object().contains("agentMode"));
  host_.answerHttp(answer(200, kGood));
  ASSERT_EQ(complete(hello(again)), OMNI_OK);
  EXPECT_EQ(host_.requests()[2].url, "https://q.us-east-1.amazonaws.com/generateAssistantResponse");
  // Whoever has chosen a generation gets that one.
  host_.setSetting("wire", "kiro");
  host_.answerHttp(answer(404, R"({"__type":"x#UnknownOperationException"})"));
  RequestBuilder chosen;
  EXPECT_EQ(complete(hello(chosen)), OMNI_FAILED);
  EXPECT_EQ(host_.requests().size(), 4u);
}

TEST_F(KiroGenerate, AWithheldAnswerIsAskedForOnceMore) {
  host_.answerHttp(answer(200, kInitial + say("No.") + kTail));
  host_.answerHttp(answer(200, kInitial + say(R"({"a":1})") + kTail));
  RequestBuilder r;
  hello(r).responseFormat(R"({"type":"json_object"})");
  ASSERT_EQ(complete(r), OMNI_OK);
  EXPECT_EQ(sink_->text(), R"({"a":1})");
  EXPECT_TRUE(sink_->violations().empty());
  EXPECT_NE(host_.requests()[1].body.find("was thrown away"), std::string::npos);
  EXPECT_EQ(host_.requests()[0].body.find("was thrown away"), std::string::npos);
}

TEST_F(KiroGenerate, AStopSequenceEndsTheTransfer) {
  ScriptedAnswer streamed;
  streamed.pieces = {kInitial + say("one EN"), say("D two"), say("three") + kTail};
  size_t handed = 0;
  streamed.before_piece = [&](size_t piece) { handed = piece; };
  host_.answerHttp(streamed);
  RequestBuilder r;
  hello(r).stop("END");
  ASSERT_EQ(complete(r), OMNI_OK);
  EXPECT_EQ(sink_->text(), "one ");
  EXPECT_EQ(sink_->finish(), OMNI_FINISH_STOP);
  EXPECT_EQ(handed, 1u);
  // What was said to the client, not what came: "one " is one token.
  EXPECT_EQ(sink_->usage()->output_tokens, 1);
}

TEST_F(KiroGenerate, NothingThatTellsWhoTheAccountIsReachesTheClient) {
  host_.answerHttp(answer(
      403, R"({"message":"Your User ID (123456789012) temporarily is suspended. a@b.example",)"
           R"("reason":"TEMPORARILY_SUSPENDED"})"));
  RequestBuilder r, other;
  EXPECT_EQ(complete(hello(r)), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_SUSPENDED);
  EXPECT_EQ(error().message.find("123456789012"), std::string::npos);
  host_.answerHttp(
      answer(400, R"({"message":"Bad thing for )" + kArn + R"( of a@b.example, 123456789012"})"));
  EXPECT_EQ(complete(hello(other)), OMNI_FAILED);
  EXPECT_EQ(error().message, "Kiro answered 400: Bad thing for [hidden] of [hidden], [hidden]");
  EXPECT_EQ(error().detail.find("699475941385"), std::string::npos);
}

TEST_F(KiroGenerate, ABrokenTransferIsNotSentTwice) {
  ScriptedAnswer broken;
  broken.pieces = {kInitial + say("part")};
  broken.break_with = OMNI_FAILURE_NETWORK;
  host_.answerHttp(broken);
  RequestBuilder r;
  EXPECT_EQ(complete(hello(r)), OMNI_FAILED);
  EXPECT_EQ(host_.requests().size(), 1u);
  EXPECT_FALSE(sink_->finish());
}

TEST_F(KiroGenerate, ARefusedTokenIsRefreshedOnce) {  // 98
  const char* body = R"({"message":"The bearer token included in the request is invalid."})";
  host_.answerHttp(answer(403, body));
  host_.answerHttp(answer(200, R"({"accessToken":"aoaNEW","expiresIn":3600})"));
  host_.answerHttp(answer(200, kGood));
  RequestBuilder r, other;
  ASSERT_EQ(complete(hello(r)), OMNI_OK);
  const auto sent = host_.requests();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[2].header("authorization"), "Bearer aoaNEW");
  EXPECT_EQ(sent[2].header("amz-sdk-request"), "attempt=2; max=3");
  EXPECT_EQ(sent[2].header("user-agent").substr(0, 10), "OmniRoute/");
  // In the middle of an answer it is too late: nothing is sent twice.
  host_.answerHttp(
      answer(200, kInitial + say("a") + frame("AccessDeniedException", body, "exception")));
  EXPECT_EQ(complete(hello(other)), OMNI_FAILED);
  EXPECT_EQ(host_.requests().size(), 4u);
}

TEST_F(KiroGenerate, HttpErrors) {  // G.3, G.5; 99, 100, 101
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
    RequestBuilder r;
    EXPECT_EQ(complete(hello(r)), OMNI_FAILED);
    EXPECT_EQ(error().kind, row.kind);
    EXPECT_EQ(error().retry_after_ms, row.retry);
    EXPECT_EQ(sink_->events().size(), 0u);
  }
}

TEST_F(KiroGenerate, ARefusedModelIsNamed) {
  host_.answerHttp(answer(400, R"({"message":"Invalid model.","reason":"INVALID_MODEL_ID"})"));
  RequestBuilder r;
  hello(r).model("claude-sonnet-4.5");
  EXPECT_EQ(complete(r), OMNI_FAILED);
  EXPECT_EQ(error().kind, OMNI_FAILURE_MODEL_UNAVAILABLE);
  EXPECT_NE(error().message.find("\"claude-sonnet-4.5\""), std::string::npos) << error().message;
}

TEST_F(KiroGenerate, AModelThatTheListLacksIsRefusedBeforeAnythingIsSent) {
  const auto ask = [&](const char* model) {
    RequestBuilder r;
    r.model(model).user("x");
    return complete(r);
  };
  const auto sent = [&] { return host_.requests().size(); };
  host_.answerHttp(answer(200, modelPage("claude-sonnet-9.5", "", "")));
  for (const char* name : {"claude-sonet-9.5", "claude-sonnet-9.4", "claude-sonnet-9.5-thinkin"}) {
    EXPECT_EQ(ask(name), OMNI_FAILED) << name;
    EXPECT_EQ(error().kind, OMNI_FAILURE_MODEL_UNAVAILABLE);
    EXPECT_NE(error().message.find(std::string("\"") + name + '"'), std::string::npos);
    EXPECT_NE(error().message.find("did you mean \"claude-sonnet-9.5\"?"), std::string::npos)
        << error().message;
  }
  EXPECT_EQ(ask("qq"), OMNI_FAILED);
  EXPECT_NE(error().message.find("GET /v1/models"), std::string::npos) << error().message;
  EXPECT_EQ(sent(), 1u);  // the list, and nothing else
  // What is spelled otherwise, what this side knows and what old clients send is no mistake.
  for (const char* name : {"Claude-Sonnet-9-5", "auto-kiro", "claude-opus-4.7",
                           "CLAUDE_SONNET_4_20250514_V1_0", "claude-3.7-sonnet"}) {
    host_.answerHttp(answer(200, kGood));
    EXPECT_EQ(ask(name), OMNI_OK) << name;
  }
  EXPECT_EQ(sent(), 6u);
  // A list of a while ago may lack what is new.
  host_.advanceMs(300'001);
  host_.answerHttp(answer(200, modelPage("newest", "", "")));
  host_.answerHttp(answer(200, kGood));
  EXPECT_EQ(ask("newest"), OMNI_OK);
  EXPECT_EQ(sent(), 8u);
  // Without a list to go by upstream decides; it is not asked for the list again at once.
  host_.advanceMs(300'001);
  host_.answerHttp(answer(503, "{}"));
  for (int i = 0; i < 2; ++i) {
    host_.answerHttp(answer(200, kGood));
    EXPECT_EQ(ask("unheard-of"), OMNI_OK);
  }
  EXPECT_EQ(sent(), 11u);
}

TEST_F(KiroGenerate, UnknownModelsPassWhenThatIsWanted) {
  host_.setSetting("models.unknown", "pass");
  host_.answerHttp(answer(200, modelPage("claude-sonnet-9.5", "", "")));
  host_.answerHttp(answer(200, kGood));
  RequestBuilder r;
  r.model("claude-sonet-9.5").user("x");
  EXPECT_EQ(complete(r), OMNI_OK);
  EXPECT_EQ(
      body(1).at_pointer("/conversationState/currentMessage/userInputMessage/modelId").as_string(),
      "claude-sonet-9.5");
}

TEST_F(KiroGenerate, TheStopSequenceThatMatchedIsTold) {
  for (const auto& [text, matched] :
       {std::pair("one END two", "END"), {"a STOP", "STOP"}, {"b", ""}}) {
    host_.answerHttp(answer(200, kInitial + say(text) + kTail));
    RequestBuilder r;
    hello(r).stop("END").stop("STOP");
    ASSERT_EQ(complete(r), OMNI_OK);
    EXPECT_EQ(sink_->events().back().text, matched);
  }
}

}  // namespace
}  // namespace omni::kiro::wire
