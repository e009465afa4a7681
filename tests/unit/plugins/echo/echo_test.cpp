#include <gtest/gtest.h>
#include <omniroute/testing/fake_host.hpp>

#include <string>

#include "plugins/echo/directives.hpp"

extern "C" const omni_plugin_entry_t omni_plugin_entry_echo;

namespace omni::echo {
namespace {

using sdk::testing::FakeCall;
using sdk::testing::FakeHost;
using sdk::testing::PluginUnderTest;
using sdk::testing::RecordingSink;
using sdk::testing::RequestBuilder;

class EchoTest : public ::testing::Test {
 protected:
  omni_status_t say(std::string_view text) {
    RequestBuilder request;
    return plugin_.complete(call_, request.user(text).build(), sink_);
  }

  FakeHost host_;
  PluginUnderTest plugin_{omni_plugin_entry_echo, host_};
  FakeCall call_{host_};
  RecordingSink sink_;
};

TEST_F(EchoTest, StreamsTheTextInWordsByteForByte) {
  EXPECT_EQ(say("one  two three "), OMNI_OK);
  EXPECT_EQ(sink_.text(), "one  two three ");
  EXPECT_EQ(sink_.count(OMNI_EVENT_TEXT), 4u);
  EXPECT_EQ(sink_.events().front().kind, OMNI_EVENT_STARTED);
  EXPECT_EQ(sink_.finish(), OMNI_FINISH_STOP);
  ASSERT_TRUE(sink_.usage());
  EXPECT_EQ(sink_.usage()->output_tokens, 4);
  EXPECT_TRUE(sink_.violations().empty());
}

TEST_F(EchoTest, AnswersTheLastUserMessageWithWiderHostStructs) {
  RequestBuilder request;
  request.system("be brief")
      .user("first")
      .assistant("first")
      .user("sec")
      .text("ond")
      .widerStructs(24);
  EXPECT_EQ(plugin_.complete(call_, request.build(), sink_), OMNI_OK);
  EXPECT_EQ(sink_.text(), "second");
}

TEST_F(EchoTest, EchoesToolResults) {
  RequestBuilder request;
  request.user("/tool x {}").message(OMNI_ROLE_ASSISTANT).toolCall("1", "x", "{}");
  request.message(OMNI_ROLE_USER).toolResult("1", "42 degrees").widerStructs(8);
  EXPECT_EQ(plugin_.complete(call_, request.build(), sink_), OMNI_OK);
  EXPECT_EQ(sink_.text(), "42 degrees");
}

TEST_F(EchoTest, FailsBeforeTheFirstEvent) {
  EXPECT_EQ(say("/fail rate_limited 1500"), OMNI_FAILED);
  ASSERT_TRUE(call_.error());
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_RATE_LIMITED);
  EXPECT_EQ(call_.error()->retry_after_ms, 1500);
  EXPECT_EQ(call_.error()->reason, "ECHO_rate_limited");
  EXPECT_TRUE(sink_.events().empty());
}

TEST_F(EchoTest, EveryFailureKindHasAName) {
  uint32_t seen = 0;
  for (const char* name : {"internal", "network", "timeout", "upstream", "auth_invalid",
                           "reauth_required", "suspended", "not_authorized", "quota",
                           "rate_limited", "capacity", "context_length", "model_unavailable",
                           "bad_request", "empty_response", "protocol", "conflict", "not_found"}) {
    const auto kind = failureKindByName(name);
    ASSERT_TRUE(kind) << name;
    EXPECT_EQ(*kind, seen++) << name;
  }
  EXPECT_EQ(seen, OMNI_FAILURE_NOT_FOUND + 1);
}

TEST_F(EchoTest, UnknownFailureKindIsTheClientsFault) {
  EXPECT_EQ(say("/fail nonsense"), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_BAD_REQUEST);
}

TEST_F(EchoTest, CutsAfterContent) {
  EXPECT_EQ(say("/cut network half an answer"), OMNI_FAILED);
  EXPECT_EQ(sink_.text(), "half an answer");
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_NETWORK);
  EXPECT_FALSE(sink_.finish());
}

TEST_F(EchoTest, CallsATool) {
  EXPECT_EQ(say(R"(/tool weather {"city": "Bern"})"), OMNI_OK);
  const auto calls = sink_.toolCalls();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].name, "weather");
  EXPECT_EQ(calls[0].arguments, R"({"city": "Bern"})");
  EXPECT_TRUE(calls[0].ended);
  EXPECT_EQ(sink_.count(OMNI_EVENT_TOOL_ARGUMENTS), 2u);
  EXPECT_EQ(sink_.finish(), OMNI_FINISH_TOOL_CALLS);
  EXPECT_TRUE(sink_.violations().empty());
}

TEST_F(EchoTest, ThinksRepeatsAndFinishesAsAsked) {
  EXPECT_EQ(say("/think hm"), OMNI_OK);
  EXPECT_EQ(sink_.reasoning(), "hm");
  EXPECT_EQ(sink_.count(OMNI_EVENT_REASONING_SIGNATURE), 1u);
  RecordingSink again;
  RequestBuilder request;
  EXPECT_EQ(plugin_.complete(call_, request.user("/repeat 3 ab").build(), again), OMNI_OK);
  EXPECT_EQ(again.text(), "ababab");
  RecordingSink last;
  RequestBuilder finish;
  EXPECT_EQ(plugin_.complete(call_, finish.user("/finish length cut").build(), last), OMNI_OK);
  EXPECT_EQ(last.finish(), OMNI_FINISH_LENGTH);
}

TEST_F(EchoTest, EmptySaysNothing) {
  EXPECT_EQ(say("/empty"), OMNI_OK);
  EXPECT_EQ(sink_.text(), "");
  EXPECT_TRUE(sink_.finish());
}

TEST_F(EchoTest, AnExceptionBecomesInternalAndIsLogged) {
  EXPECT_EQ(say("/throw"), OMNI_INTERNAL);
  EXPECT_TRUE(host_.logged("echo was asked to throw"));
}

TEST_F(EchoTest, ReturnsCancelledWhenTheClientIsGone) {
  sink_.cancelAfter(2);
  EXPECT_EQ(say("one two three"), OMNI_CANCELLED);
  EXPECT_EQ(sink_.events().size(), 2u);
  EXPECT_TRUE(sink_.violations().empty());
  EXPECT_FALSE(call_.error());
}

TEST_F(EchoTest, ReturnsCancelledWhenTheCallIs) {
  call_.cancel();
  EXPECT_EQ(say("/slow 60000 never"), OMNI_CANCELLED);
  EXPECT_TRUE(sink_.events().empty());
}

TEST_F(EchoTest, FetchesThroughTheHost) {
  host_.answerHttp({.pieces = {"first ", "second"}});
  EXPECT_EQ(say("/get http://example.test/a"), OMNI_OK);
  EXPECT_EQ(sink_.text(), "first second");
  ASSERT_EQ(host_.requests().size(), 1u);
  EXPECT_EQ(host_.requests()[0].url, "http://example.test/a");
}

TEST_F(EchoTest, HostsOwnHttpFailureIsNotReportedTwice) {
  host_.answerHttp({.pieces = {"first"}, .break_with = OMNI_FAILURE_TIMEOUT});
  EXPECT_EQ(say("/get http://example.test/a"), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_TIMEOUT);
}

TEST_F(EchoTest, UpstreamErrorStopsTheTransfer) {
  host_.answerHttp({.status = 429, .pieces = {"slow down"}});
  EXPECT_EQ(say("/get http://example.test/a"), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_RATE_LIMITED);
  EXPECT_EQ(call_.error()->upstream_status, 429u);
  EXPECT_EQ(sink_.text(), "");
}

TEST_F(EchoTest, ImportSavesPlainAndSecretInOneCommit) {
  host_.setNowMs(1000);
  std::string out;
  EXPECT_EQ(
      plugin_.control(call_, "accounts.import", R"({"label":"A \"b\"","token":"s3cret"})", &out),
      OMNI_OK);
  EXPECT_EQ(out, R"({"label":"A \"b\""})");
  EXPECT_EQ(host_.commits().size(), 1u);
  EXPECT_EQ(host_.value("label")->text, "A \"b\"");
  EXPECT_EQ(host_.value("expiresAt")->text, "3601000");
  EXPECT_TRUE(host_.value("token")->secret);
  EXPECT_FALSE(host_.logged("s3cret"));
  EXPECT_EQ(out.find("s3cret"), std::string::npos);
}

TEST_F(EchoTest, ImportWithoutLabelNamesTheField) {
  for (const char* input : {"{}", R"({"label":""})", R"({"label":7})", "", "nonsense"}) {
    EXPECT_EQ(plugin_.control(call_, "accounts.import", input), OMNI_FAILED) << input;
    EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_BAD_REQUEST);
    EXPECT_EQ(call_.error()->field, "label");
  }
  EXPECT_TRUE(host_.commits().empty());
}

TEST_F(EchoTest, ImportReportsAFailedCommit) {
  host_.failCommits(OMNI_INTERNAL);
  EXPECT_EQ(plugin_.control(call_, "accounts.import", R"({"label":"a"})"), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_INTERNAL);
}

TEST_F(EchoTest, RefreshMovesTheExpiryOnlyWhenDueOrForced) {
  host_.setNowMs(5000);
  host_.setValue("expiresAt", "6000");
  std::string out;
  EXPECT_EQ(plugin_.control(call_, "accounts.refresh", R"({"force":false})", &out), OMNI_OK);
  EXPECT_EQ(out, R"({"expiresAt":6000})");
  EXPECT_TRUE(host_.commits().empty());
  out.clear();
  EXPECT_EQ(plugin_.control(call_, "accounts.refresh", R"({"force":true})", &out), OMNI_OK);
  EXPECT_EQ(out, R"({"expiresAt":3605000})");
  host_.setNowMs(3'605'000);
  out.clear();
  EXPECT_EQ(plugin_.control(call_, "accounts.refresh", "{}", &out), OMNI_OK);
  EXPECT_EQ(out, R"({"expiresAt":7205000})");
}

TEST_F(EchoTest, WhoamiTellsAccountsApart) {
  host_.setValue("label", "first", false, "a");
  host_.setValue("label", "second", false, "b");
  for (const auto& [account, label] : {std::pair{"a", "first"}, {"b", "second"}, {"c", "nobody"}}) {
    FakeCall call(host_, account);
    RecordingSink sink;
    RequestBuilder request;
    EXPECT_EQ(plugin_.complete(call, request.user("/whoami").build(), sink), OMNI_OK);
    EXPECT_EQ(sink.text(), label);
  }
}

TEST_F(EchoTest, ListsModelsAndRefusesUnknownMethods) {
  std::string out;
  EXPECT_EQ(plugin_.control(call_, "models.list", "{}", &out), OMNI_OK);
  EXPECT_NE(out.find(R"("id":"echo")"), std::string::npos);
  EXPECT_EQ(plugin_.control(call_, "accounts.fly", "{}"), OMNI_UNSUPPORTED);
  EXPECT_EQ(plugin_.extension("omni.none/1"), nullptr);
}

}  // namespace
}  // namespace omni::echo
