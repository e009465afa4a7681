// The C++ wrapper between a provider and the C contract: exceptions, failures, strides, HTTP,
// locks.

#include <gtest/gtest.h>
#include <omniroute/testing/fake_host.hpp>

#include <functional>
#include <stdexcept>
#include <thread>

namespace omni::sdk {
namespace {

using testing::FakeCall;
using testing::FakeHost;
using testing::PluginUnderTest;
using testing::RecordingSink;
using testing::RequestBuilder;

// What the provider under test does; set by each test before the call.
std::function<Result<>(Call&, const omni_request_t&, EventSink&)> on_complete;
std::function<Result<std::optional<std::string>>(Call&)> on_control;
bool constructor_throws = false;

class ScriptedProvider final : public Provider {
 public:
  explicit ScriptedProvider(Host) {
    if (constructor_throws) throw std::runtime_error("no configuration");
  }
  Result<> complete(Call& call, const omni_request_t& request, EventSink& sink) override {
    return on_complete(call, request, sink);
  }
  Result<std::optional<std::string>> control(Call& call, std::string_view,
                                             std::string_view) override {
    return on_control(call);
  }
  const void* extension(std::string_view name) override {
    if (name == "throw") throw 1;
    return nullptr;
  }
};

HttpRequest get(std::string url) {
  HttpRequest request;
  request.method = "GET";
  request.url = std::move(url);
  return request;
}

constexpr omni_plugin_entry_t kEntry = detail::makeEntry<ScriptedProvider>("scripted", "1.0.0");

class SdkTest : public ::testing::Test {
 protected:
  // Not SetUp: the plugin of the next test is made before that.
  void TearDown() override { constructor_throws = false; }
  omni_status_t complete() { return plugin_.complete(call_, request_.build(), sink_); }

  FakeHost host_;
  PluginUnderTest plugin_{kEntry, host_};
  FakeCall call_{host_};
  RecordingSink sink_;
  RequestBuilder request_;
};

TEST_F(SdkTest, ConstructorExceptionRefusesThePlugin) {
  constructor_throws = true;
  PluginUnderTest plugin(kEntry, host_);
  EXPECT_EQ(plugin.initStatus(), OMNI_INTERNAL);
  EXPECT_EQ(plugin.raw(), nullptr);
  EXPECT_TRUE(host_.logged("no configuration"));
}

TEST_F(SdkTest, ExceptionsOfEveryKindStopAtTheBoundary) {
  on_complete = [](Call&, const omni_request_t&, EventSink&) -> Result<> {
    throw std::runtime_error("boom");
  };
  EXPECT_EQ(complete(), OMNI_INTERNAL);
  EXPECT_TRUE(host_.logged("boom"));
  on_complete = [](Call&, const omni_request_t&, EventSink&) -> Result<> { throw 42; };
  EXPECT_EQ(complete(), OMNI_INTERNAL);
  EXPECT_TRUE(host_.logged("unknown exception"));
  on_control = [](Call&) -> Result<std::optional<std::string>> { throw std::bad_alloc(); };
  EXPECT_EQ(plugin_.control(call_, "m", "{}"), OMNI_INTERNAL);
  EXPECT_EQ(plugin_.extension("throw"), nullptr);
}

TEST_F(SdkTest, FailureReachesTheHostWithAllItsMembers) {
  on_complete = [](Call&, const omni_request_t&, EventSink&) -> Result<> {
    Failure failure;
    failure.kind = OMNI_FAILURE_QUOTA;
    failure.message = "message";
    failure.detail = "detail";
    failure.reason = "REASON";
    failure.field = "field";
    failure.upstream_status = 402;
    failure.retry_after_ms = 7;
    failure.reset_at_ms = 8;
    return std::unexpected(failure);
  };
  EXPECT_EQ(complete(), OMNI_FAILED);
  const auto error = call_.error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, OMNI_FAILURE_QUOTA);
  EXPECT_EQ(error->message, "message");
  EXPECT_EQ(error->detail, "detail");
  EXPECT_EQ(error->reason, "REASON");
  EXPECT_EQ(error->field, "field");
  EXPECT_EQ(error->upstream_status, 402u);
  EXPECT_EQ(error->retry_after_ms, 7);
  EXPECT_EQ(error->reset_at_ms, 8);
}

TEST_F(SdkTest, CancelledFailureIsNoError) {
  on_complete = [](Call&, const omni_request_t&, EventSink&) -> Result<> {
    return std::unexpected(Failure::cancelledCall());
  };
  EXPECT_EQ(complete(), OMNI_CANCELLED);
  EXPECT_FALSE(call_.error());
}

TEST_F(SdkTest, UnsupportedMethodWritesNothing) {
  on_control = [](Call&) { return Result<std::optional<std::string>>(std::nullopt); };
  std::string out;
  EXPECT_EQ(plugin_.control(call_, "m", "{}", &out), OMNI_UNSUPPORTED);
  EXPECT_EQ(out, "");
}

TEST_F(SdkTest, ArgumentsThatBreakTheContractAreInvalid) {
  const omni_request_t& request = request_.build();
  omni_request_t shorter = request;
  shorter.struct_size -= 1;
  EXPECT_EQ(kEntry.complete(nullptr, call_.raw(), &request, sink_.raw()), OMNI_INVALID);
  EXPECT_EQ(kEntry.complete(plugin_.raw(), nullptr, &request, sink_.raw()), OMNI_INVALID);
  EXPECT_EQ(kEntry.complete(plugin_.raw(), call_.raw(), nullptr, sink_.raw()), OMNI_INVALID);
  EXPECT_EQ(kEntry.complete(plugin_.raw(), call_.raw(), &request, nullptr), OMNI_INVALID);
  EXPECT_EQ(kEntry.complete(plugin_.raw(), call_.raw(), &shorter, sink_.raw()), OMNI_INVALID);
  EXPECT_EQ(kEntry.control(plugin_.raw(), call_.raw(), {}, {}, nullptr), OMNI_INVALID);
  EXPECT_EQ(kEntry.init(nullptr, nullptr), OMNI_INVALID);
}

TEST_F(SdkTest, StrideReaderStepsOverWhatANewerHostAdds) {
  for (const uint32_t extra : {0u, 8u, 40u}) {
    RequestBuilder builder;
    builder.user("a").text("b").message(OMNI_ROLE_USER).toolResult("id", "c").widerStructs(extra);
    builder.tool("t1", "", "{}").tool("t2", "", "{}");
    const omni_request_t& request = builder.build();
    ASSERT_EQ(request.message_count, 2u);
    const omni_message_t& first = at(request.messages, 0, request.message_size);
    const omni_message_t& second = at(request.messages, 1, request.message_size);
    EXPECT_EQ(toView(at(first.parts, 1, request.part_size).text), "b") << extra;
    const omni_part_t& result = at(second.parts, 0, request.part_size);
    EXPECT_EQ(toView(at(result.children, 0, request.part_size).text), "c") << extra;
    EXPECT_EQ(toView(at(request.tools, 1, request.tool_size).name), "t2") << extra;
  }
}

TEST_F(SdkTest, HttpDeliversPiecesInOrderAndCallbacksCanStopIt) {
  host_.answerHttp({.status = 201, .headers = {{"X-A", "1"}}, .pieces = {"a", "b", "c"}});
  on_complete = [](Call& call, const omni_request_t&, EventSink&) -> Result<> {
    HttpRequest request;
    request.url = "http://example.test/";
    return call.http(
        request,
        [](const HttpResponse& head) -> Result<> {
          EXPECT_EQ(head.status, 201u);
          EXPECT_EQ(head.header("x-a"), "1");
          return {};
        },
        [](std::string_view bytes) -> Result<> {
          EXPECT_NE(bytes, "c");
          if (bytes == "b") return fail(OMNI_FAILURE_PROTOCOL, "stop here");
          return {};
        });
  };
  EXPECT_EQ(complete(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->message, "stop here");
}

TEST_F(SdkTest, HostsOwnHttpFailureStays) {
  host_.answerHttp({.break_with = OMNI_FAILURE_TIMEOUT, .no_response = true});
  on_complete = [](Call& call, const omni_request_t&, EventSink&) -> Result<> {
    auto response = call.fetch(get("http://example.test/"));
    if (!response) return std::unexpected(response.error());
    return {};
  };
  EXPECT_EQ(complete(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_TIMEOUT);
}

TEST_F(SdkTest, ExceptionInAnHttpCallbackStopsAtTheBoundary) {
  host_.answerHttp({.pieces = {"a"}});
  on_complete = [](Call& call, const omni_request_t&, EventSink&) -> Result<> {
    return call.http(
        get("http://example.test/"), [](const HttpResponse&) -> Result<> { return {}; },
        [](std::string_view) -> Result<> { throw std::runtime_error("in callback"); });
  };
  EXPECT_EQ(complete(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_INTERNAL);
}

TEST_F(SdkTest, FetchRefusesABodyThatIsTooLarge) {
  host_.answerHttp({.pieces = {"12345", "67890"}});
  on_complete = [](Call& call, const omni_request_t&, EventSink&) -> Result<> {
    auto response = call.fetch(get("http://example.test/"), 8);
    EXPECT_FALSE(response);
    return std::unexpected(response.error());
  };
  EXPECT_EQ(complete(), OMNI_FAILED);
  EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_PROTOCOL);
}

TEST_F(SdkTest, CommitDistinguishesEmptyFromRemoved) {
  host_.setValue("gone", "x");
  on_control = [](Call& call) -> Result<std::optional<std::string>> {
    EXPECT_TRUE(
        call.commit({{"empty", "", false}, {"gone", std::nullopt, false}, {"key", "v", true}}));
    EXPECT_EQ(call.value("empty"), "");
    EXPECT_EQ(call.value("gone"), std::nullopt);
    return "{}";
  };
  EXPECT_EQ(plugin_.control(call_, "m", "{}"), OMNI_OK);
  EXPECT_TRUE(host_.value("key")->secret);
}

TEST_F(SdkTest, LockIsSingleFlightPerAccountAndFreedAtTheEndOfTheScope) {
  on_control = [this](Call& call) -> Result<std::optional<std::string>> {
    FakeCall waiting(host_);
    FakeCall other(host_, "other");
    {
      auto held = call.lock("refresh");
      EXPECT_TRUE(held);
      EXPECT_TRUE(Call(host_.raw(), other.raw()).lock("refresh"));
      std::thread cancel([&] { waiting.cancel(); });
      auto refused = Call(host_.raw(), waiting.raw()).lock("refresh");
      cancel.join();
      EXPECT_FALSE(refused);
      EXPECT_TRUE(refused.error().cancelled);
    }
    FakeCall next(host_);
    EXPECT_TRUE(Call(host_.raw(), next.raw()).lock("refresh"));
    return "{}";
  };
  EXPECT_EQ(plugin_.control(call_, "m", "{}"), OMNI_OK);
}

TEST_F(SdkTest, FakeHostCountsUsesFromAWrongThread) {
  on_control = [](Call& call) -> Result<std::optional<std::string>> {
    std::thread([&] { (void)call.cancelled(); }).join();
    return "{}";
  };
  EXPECT_EQ(plugin_.control(call_, "m", "{}"), OMNI_OK);
  EXPECT_EQ(host_.wrongThreadUses(), 1u);
}

TEST_F(SdkTest, TheEndOfReadingIsToldToHostsThatKnowIt) {
  int told = 0;
  omni_sink_t sink = *sink_.raw();
  sink.context = &told;
  sink.request_done = [](void* context) noexcept { ++*static_cast<int*>(context); };
  EventSink(&sink).requestDone();
  EXPECT_EQ(told, 1);
  sink.struct_size = offsetof(omni_sink_t, request_done);  // a host of 1.0: what follows is not its
  EventSink(&sink).requestDone();
  EXPECT_EQ(told, 1);
  sink.struct_size = sizeof(sink);
  sink.request_done = nullptr;
  EventSink(&sink).requestDone();
  EXPECT_EQ(told, 1);
}

TEST_F(SdkTest, RecordingSinkSeesBrokenStreams) {
  on_complete = [](Call&, const omni_request_t&, EventSink& sink) -> Result<> {
    sink.toolArguments("x", "{}");
    sink.finish(OMNI_FINISH_STOP);
    sink.text("late");
    return {};
  };
  EXPECT_EQ(complete(), OMNI_OK);
  EXPECT_EQ(sink_.violations().size(), 2u);
}

}  // namespace
}  // namespace omni::sdk
