#include "core/accounts/sign_ins.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "unit/core/fakes.hpp"

namespace omni {
namespace {

using testing::FakeClock;
using testing::MemoryStore;

struct CountingRandom final : Random {
  unsigned char next = 0;
  void fill(void* out, size_t size) override {
    for (size_t i = 0; i < size; ++i) static_cast<unsigned char*>(out)[i] = next++;
  }
};

// Drafts that answer by script and store what they finish.
struct DeviceProvider final : Provider {
  explicit DeviceProvider(MemoryStore& given) : store(given) {}
  MemoryStore& store;
  FakeClock* clock = nullptr;
  std::function<Result<std::string>(std::string_view method, std::string_view input,
                                    const CancelToken& cancel)>
      script;
  std::vector<std::string> calls;
  std::optional<Error> finish_error;
  int drafts = 0, alive = 0;

  struct Draft final : AccountDraft {
    Draft(DeviceProvider& given, std::string base)
        : owner(given),
          id(base.empty() ? "draft-" + std::to_string(++given.drafts) : base),
          replaces(!base.empty()) {
      ++owner.alive;
    }
    ~Draft() override { --owner.alive; }
    DeviceProvider& owner;
    std::string id;
    bool replaces;
    std::string_view connectionId() const override { return id; }
    Result<std::string> control(std::string_view method, std::string_view input,
                                const CancelToken& cancel) override {
      owner.calls.emplace_back(method);
      return owner.script(method, input, cancel);
    }
    Result<std::string> state() const override { return (replaces ? "over " : "new ") + id; }
    Result<std::string> finish(std::string_view name) override {
      owner.calls.push_back("finish " + std::string(name));
      if (owner.finish_error) return std::unexpected(*std::exchange(owner.finish_error, {}));
      if (replaces) return id;
      Connection made = testing::account("kiro", name.empty() ? "by-label" : std::string(name));
      made.id = id;
      (void)owner.store.create(made, {});
      return id;
    }
  };

  std::string_view id() const override { return "kiro"; }
  Result<> complete(std::string_view, const chat::ChatRequest&, chat::EventSink&,
                    const CancelToken&) override {
    return {};
  }
  Result<std::string> control(std::string_view, std::string_view, std::string_view,
                              const CancelToken&) override {
    return makeError(FailureKind::Unsupported, "");
  }
  Result<std::unique_ptr<AccountDraft>> draft(std::string_view base) override {
    return std::make_unique<Draft>(*this, std::string(base));
  }
  Result<std::unique_ptr<AccountDraft>> resume(std::string_view state) override {
    const bool over = state.starts_with("over ");
    auto draft = std::make_unique<Draft>(*this, over ? std::string(state.substr(5)) : "");
    if (!over) draft->id = state.substr(4);
    return draft;
  }
};

struct MemorySignIns final : SignInStore {
  std::map<std::string, std::string> states;
  bool full = false;
  Result<> put(std::string_view id, std::string_view state) override {
    if (full) return makeError(FailureKind::Unavailable, "the disk is full");
    states[std::string(id)] = state;
    return {};
  }
  Result<> remove(std::string_view id) override {
    states.erase(std::string(id));
    return {};
  }
  Result<std::map<std::string, std::string>> all() override { return states; }
};

class SignInsTest : public ::testing::Test {
 protected:
  SignInsTest() {
    provider.script = [this](std::string_view method, std::string_view,
                             const CancelToken&) -> Result<std::string> {
      if (method == "accounts.signin.start")
        return R"({"kind":"device","userCode":"ABCD","verificationUri":"https://v/","expiresAt":)" +
               std::to_string(clock.now + 600'000) + R"(,"intervalMs":5000})";
      if (poll) return *poll;
      return std::string(R"({"status":"pending","intervalMs":5000})");
    };
  }
  SignInRequest request(std::string name = {}) {
    SignInRequest out;
    out.provider = "kiro";
    out.method = "builder_id";
    out.input = R"({"method":"builder_id"})";
    out.name = std::move(name);
    out.actor = "admin@test";
    return out;
  }
  SignInView start(std::string name = {}) {
    auto view = sign_ins.start(request(std::move(name)), NeverCancelled());
    EXPECT_TRUE(view) << view.error().message;
    return *view;
  }
  // Moves the time on and runs what is due; how many jobs that were.
  int after(int64_t ms) {
    clock.now += ms;
    int jobs = 0;
    while (auto job = sign_ins.take(clock.now)) {
      job(NeverCancelled());
      ++jobs;
    }
    return jobs;
  }

  FakeClock clock;
  CountingRandom random;
  MemoryStore store;
  DeviceProvider provider{store};
  testing::OneProvider providers{provider};
  std::optional<Result<std::string>> poll;
  std::vector<SignInView> completed;
  std::vector<std::string> proxies;
  MemorySignIns kept;
  std::vector<std::string> troubles;
  SignInHooks hooks{
      .assign_proxy = [this](std::string_view id, std::string_view proxy) -> Result<> {
        proxies.push_back(std::string(id) + "=" + std::string(proxy));
        if (proxy == "gone") return makeError(FailureKind::NotFound, "no proxy");
        return {};
      },
      .forget_proxy = [this](std::string_view id) { proxies.push_back(std::string(id) + "-"); },
      .completed = [this](const SignInView& view) { completed.push_back(view); },
      .trouble = [this](std::string_view what) { troubles.emplace_back(what); }};
  SignInLimits limits{.pending = 3, .kept = 5, .keep_ms = 3'600'000};
  SignIns sign_ins{providers, store, clock, random, hooks, limits, &kept};

  // The process after a restart; its steady clock begins anew.
  struct Restarted {
    explicit Restarted(SignInsTest& test)
        : sign_ins(test.providers, test.store, test.clock, test.random, test.hooks, test.limits,
                   &test.kept) {
      EXPECT_TRUE(sign_ins.load());
    }
    SignIns sign_ins;
  };
};

TEST_F(SignInsTest, ASignInGoesOnAfterARestart) {
  SignInRequest wanted = request("kiro-dev");
  wanted.proxy_id = "p";
  const auto before = sign_ins.start(wanted, NeverCancelled());
  ASSERT_TRUE(before);
  ASSERT_EQ(kept.states.size(), 1u);
  clock.now += 60'000;
  Restarted after(*this);
  auto view = after.sign_ins.get(before->id);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->status, SignInStatus::Pending);
  EXPECT_EQ(view->user_code, before->user_code);
  EXPECT_EQ(view->verification_uri, before->verification_uri);
  EXPECT_EQ(view->expires_ms, before->expires_ms);
  EXPECT_EQ(view->actor, "admin@test");
  poll = std::string(R"({"status":"complete"})");
  clock.now += 5'000;
  auto job = after.sign_ins.take(clock.now);
  ASSERT_TRUE(job);
  job(NeverCancelled());
  view = after.sign_ins.get(before->id);
  EXPECT_EQ(view->status, SignInStatus::Complete);
  // The connection that the proxy was assigned to before the first call.
  EXPECT_EQ(proxies, std::vector<std::string>{view->connection_id + "=p"});
  EXPECT_EQ(store.get(view->connection_id)->name, "kiro-dev");
  EXPECT_TRUE(kept.states.empty());
}

TEST_F(SignInsTest, ASignInInPlaceGoesOnInPlaceAfterARestart) {
  ASSERT_TRUE(store.create(testing::account("kiro", "old"), {}));
  const std::string id = store.list()->front().id;
  SignInRequest wanted = request();
  wanted.replace_id = id;
  const auto before = sign_ins.start(wanted, NeverCancelled());
  ASSERT_TRUE(before);
  Restarted after(*this);
  const auto view = after.sign_ins.get(before->id);
  EXPECT_TRUE(view->replaces);
  EXPECT_EQ(view->connection_id, id);
}

TEST_F(SignInsTest, WhatARestartCostsIsSaid) {
  const auto expired = start("a"), damaged = start("b");
  kept.states[damaged.id].clear();
  clock.now += 600'001;
  Restarted after(*this);
  auto view = after.sign_ins.get(expired.id);
  EXPECT_EQ(view->status, SignInStatus::Expired);
  EXPECT_NE(view->error->message.find("not running"), std::string::npos);
  view = after.sign_ins.get(damaged.id);
  EXPECT_EQ(view->status, SignInStatus::Failed);
  EXPECT_NE(view->error->message.find("restarted"), std::string::npos);
  EXPECT_TRUE(kept.states.empty());
  EXPECT_FALSE(after.sign_ins.take(clock.now + 3'000'000));
}

TEST_F(SignInsTest, TheProxyOfASignInOutlivesARestartAndGoesWithItsEnd) {
  SignInRequest wanted = request("kept");
  wanted.proxy_id = "p";
  ASSERT_TRUE(sign_ins.start(wanted, NeverCancelled()));
  const auto before = sign_ins.pendingAccounts();
  ASSERT_EQ(before.size(), 1u);
  EXPECT_EQ(proxies, std::vector<std::string>{before[0] + "=p"});
  Restarted after(*this);
  EXPECT_EQ(after.sign_ins.pendingAccounts(), before);
  // The next process has not even the plugin: nothing else would forget the proxy.
  struct NoProviders final : ProviderRegistry {
    Provider* find(std::string_view) override { return nullptr; }
    std::vector<std::string> ids() const override { return {}; }
  } none;
  SignIns last(none, store, clock, random, hooks, limits, &kept);
  ASSERT_TRUE(last.load());
  EXPECT_TRUE(last.pendingAccounts().empty());
  EXPECT_EQ(proxies.back(), before[0] + "-");
}

TEST_F(SignInsTest, WhatHasEndedIsNotTakenUpAgain) {
  const auto cancelled = start();
  ASSERT_TRUE(sign_ins.cancel(cancelled.id));
  EXPECT_TRUE(kept.states.empty());
  Restarted after(*this);
  EXPECT_FALSE(after.sign_ins.get(cancelled.id));
}

TEST_F(SignInsTest, AFullDiskCostsNeitherTheSignInNorTheAccount) {
  kept.full = true;
  const auto view = start("kiro-dev");
  EXPECT_EQ(troubles.size(), 1u);
  poll = std::string(R"({"status":"complete"})");
  provider.finish_error = makeError(FailureKind::Unavailable, "the disk is full").error();
  after(5'000);
  EXPECT_EQ(sign_ins.get(view.id)->status, SignInStatus::Pending);
  EXPECT_EQ(sign_ins.get(view.id)->error->message, "the disk is full");
  after(5'000);
  EXPECT_EQ(sign_ins.get(view.id)->status, SignInStatus::Complete);
}

TEST_F(SignInsTest, PollsByItselfUntilThePersonHasAgreed) {
  const auto begun = start("mine");
  EXPECT_EQ(begun.user_code, "ABCD");
  EXPECT_EQ(begun.kind, "device");
  EXPECT_EQ(sign_ins.nextDue(clock.now), clock.now + 5000);
  EXPECT_EQ(after(4999), 0);
  EXPECT_EQ(after(1), 1);
  EXPECT_EQ(sign_ins.get(begun.id)->status, SignInStatus::Pending);
  poll = std::string(R"({"status":"complete"})");
  EXPECT_EQ(after(5000), 1);
  const auto done = *sign_ins.get(begun.id);
  EXPECT_EQ(done.status, SignInStatus::Complete);
  EXPECT_EQ(done.connection_id, "draft-1");
  EXPECT_EQ(store.get("draft-1")->name, "mine");
  ASSERT_EQ(completed.size(), 1u);
  EXPECT_EQ(completed[0].actor, "admin@test");
  EXPECT_EQ(provider.alive, 0);
  EXPECT_EQ(after(60'000), 0);
  EXPECT_EQ(after(3'600'000), 0);
  EXPECT_EQ(sign_ins.get(begun.id).error().kind, FailureKind::NotFound);
}

TEST_F(SignInsTest, TakesTheIntervalThatTheProviderAsksFor) {
  start();
  poll = std::string(R"({"status":"pending","intervalMs":10000})");
  EXPECT_EQ(after(5000), 1);
  EXPECT_EQ(after(9999), 0);
  EXPECT_EQ(after(1), 1);
}

TEST_F(SignInsTest, AFailureOnTheWaySlowsDownAndIsShownAndPasses) {
  const auto begun = start();
  poll = Result<std::string>(makeError(FailureKind::Network, "no route"));
  EXPECT_EQ(after(5000), 1);
  EXPECT_EQ(sign_ins.get(begun.id)->status, SignInStatus::Pending);
  EXPECT_EQ(sign_ins.get(begun.id)->error->message, "no route");
  EXPECT_EQ(after(9999), 0);
  poll = std::string(R"({"status":"pending","intervalMs":5000})");
  EXPECT_EQ(after(1), 1);
  EXPECT_FALSE(sign_ins.get(begun.id)->error);
}

TEST_F(SignInsTest, RefusedAndExpiredAreToldApart) {
  for (const auto& [reason, status] : {std::pair("access_denied", SignInStatus::Failed),
                                       std::pair("expired_token", SignInStatus::Expired)}) {
    poll.reset();
    const auto begun = start();
    Error error;
    error.kind = FailureKind::BadRequest;
    error.reason = reason;
    poll = Result<std::string>(std::unexpected(error));
    after(5000);
    EXPECT_EQ(sign_ins.get(begun.id)->status, status);
    EXPECT_EQ(sign_ins.get(begun.id)->error->reason, reason);
  }
  EXPECT_TRUE(store.rows.empty());
  EXPECT_EQ(provider.alive, 0);
}

TEST_F(SignInsTest, EndsWhenTheCodeHasRunOutEvenIfTheProviderNeverSaysSo) {
  const auto begun = start();
  poll = Result<std::string>(makeError(FailureKind::Network, "down"));
  for (int i = 0; i < 200 && sign_ins.get(begun.id)->status == SignInStatus::Pending; ++i)
    after(5000);
  EXPECT_EQ(sign_ins.get(begun.id)->status, SignInStatus::Expired);
  EXPECT_EQ(clock.now - begun.started_ms, 600'000);
}

TEST_F(SignInsTest, CancelDropsTheDraftAndStays) {
  const auto begun = start();
  EXPECT_EQ(sign_ins.cancel(begun.id)->status, SignInStatus::Cancelled);
  EXPECT_EQ(provider.alive, 0);
  EXPECT_EQ(sign_ins.cancel(begun.id)->status, SignInStatus::Cancelled);
  EXPECT_EQ(after(60'000), 0);
}

TEST_F(SignInsTest, CancelEndsAPollThatIsUnderWay) {
  const auto begun = start();
  std::atomic<bool> polling{false};
  provider.script = [&](std::string_view, std::string_view,
                        const CancelToken& cancel) -> Result<std::string> {
    polling = true;
    while (!cancel.cancelled()) std::this_thread::yield();
    return makeError(FailureKind::Cancelled, "");
  };
  clock.now += 5000;
  auto job = sign_ins.take(clock.now);
  ASSERT_TRUE(job);
  EXPECT_FALSE(sign_ins.take(clock.now)) << "a second poll of the same sign-in";
  std::thread worker([&] { job(NeverCancelled()); });
  while (!polling) std::this_thread::yield();
  EXPECT_EQ(sign_ins.cancel(begun.id)->status, SignInStatus::Cancelled);
  worker.join();
  EXPECT_EQ(sign_ins.get(begun.id)->status, SignInStatus::Cancelled);
}

TEST_F(SignInsTest, AStoppingServiceDecidesNothing) {
  const auto begun = start();
  poll = Result<std::string>(makeError(FailureKind::Cancelled, ""));
  EXPECT_EQ(after(5000), 1);
  EXPECT_EQ(sign_ins.get(begun.id)->status, SignInStatus::Pending);
}

TEST_F(SignInsTest, ATakenNameIsRefusedBeforeAnybodySignsIn) {
  store.rows.push_back(testing::account("kiro", "Mine"));
  const auto refused = sign_ins.start(request("mine"), NeverCancelled());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::Conflict);
  EXPECT_EQ(refused.error().conflict_id, "id-Mine");
  EXPECT_TRUE(provider.calls.empty());
}

TEST_F(SignInsTest, ANameTakenMeanwhileDoesNotCostTheAccount) {
  const auto begun = start("mine");
  provider.finish_error = makeError(FailureKind::Conflict, "taken", "name").error();
  poll = std::string(R"({"status":"complete"})");
  after(5000);
  EXPECT_EQ(sign_ins.get(begun.id)->status, SignInStatus::Complete);
  EXPECT_EQ(store.rows.at(0).name, "by-label");
}

TEST_F(SignInsTest, TheSameAccountAgainIsAFailureThatNamesIt) {
  const auto begun = start();
  Error conflict;
  conflict.kind = FailureKind::Conflict;
  conflict.conflict_id = "id-other";
  poll = Result<std::string>(std::unexpected(conflict));
  after(5000);
  EXPECT_EQ(sign_ins.get(begun.id)->status, SignInStatus::Failed);
  EXPECT_EQ(sign_ins.get(begun.id)->error->conflict_id, "id-other");
}

TEST_F(SignInsTest, SigningInAnewSupersedesAnEarlierTry) {
  store.rows.push_back(testing::account("kiro", "one"));
  auto wanted = request();
  wanted.replace_id = "id-one";
  const auto first = sign_ins.start(wanted, NeverCancelled());
  const auto second = sign_ins.start(wanted, NeverCancelled());
  EXPECT_TRUE(second->replaces);
  EXPECT_EQ(second->connection_id, "id-one");
  EXPECT_EQ(sign_ins.get(first->id)->status, SignInStatus::Cancelled);
  poll = std::string(R"({"status":"complete"})");
  after(5000);
  EXPECT_EQ(sign_ins.get(second->id)->status, SignInStatus::Complete);
  EXPECT_EQ(sign_ins.get(second->id)->connection_id, "id-one");
}

TEST_F(SignInsTest, TheProxyIsThereBeforeTheFirstCallAndGoesWithAFailure) {
  auto wanted = request();
  wanted.proxy_id = "p1";
  provider.script = [this, old = provider.script](auto method, auto input, const auto& cancel) {
    EXPECT_FALSE(proxies.empty());
    return old(method, input, cancel);
  };
  const auto begun = sign_ins.start(wanted, NeverCancelled());
  ASSERT_TRUE(begun);
  EXPECT_EQ(proxies, std::vector<std::string>{"draft-1=p1"});
  (void)sign_ins.cancel(begun->id);
  EXPECT_EQ(proxies.back(), "draft-1-");
  wanted.proxy_id = "gone";
  const size_t calls = provider.calls.size();
  EXPECT_EQ(sign_ins.start(wanted, NeverCancelled()).error().kind, FailureKind::NotFound);
  EXPECT_EQ(provider.calls.size(), calls) << "a call went out without the proxy";
}

TEST_F(SignInsTest, ThereIsALimit) {
  for (int i = 0; i < 3; ++i) start();
  EXPECT_EQ(sign_ins.start(request(), NeverCancelled()).error().kind, FailureKind::RateLimited);
}

TEST_F(SignInsTest, TheOldestEndedOnesMakeRoom) {
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) {
    ids.push_back(start().id);
    (void)sign_ins.cancel(ids.back());
    clock.now += 1000;
  }
  EXPECT_FALSE(sign_ins.get(ids.front()));
  EXPECT_TRUE(sign_ins.get(ids.back()));
}

TEST_F(SignInsTest, ABrowserSignInIsFinishedWithTheAddress) {
  std::string seen;
  std::optional<Error> refuse = makeError(FailureKind::BadRequest, "state").error();
  provider.script = [&](std::string_view method, std::string_view input,
                        const CancelToken&) -> Result<std::string> {
    if (method == "accounts.signin.start")
      return R"({"kind":"browser","url":"https://login/","expiresAt":)" +
             std::to_string(clock.now + 600'000) + "}";
    seen = input;
    if (refuse) return std::unexpected(*refuse);
    return std::string(R"({"status":"complete"})");
  };
  const auto begun = start();
  EXPECT_EQ(begun.url, "https://login/");
  EXPECT_EQ(after(60'000), 0) << "nothing to poll";
  EXPECT_EQ(sign_ins.finish(begun.id, "http://localhost/?x", NeverCancelled()).error().kind,
            FailureKind::BadRequest);
  EXPECT_EQ(sign_ins.get(begun.id)->status, SignInStatus::Pending);
  refuse.reset();
  EXPECT_EQ(sign_ins.finish(begun.id, "http://localhost/?y", NeverCancelled())->status,
            SignInStatus::Complete);
  EXPECT_EQ(seen, R"({"callbackUrl":"http://localhost/?y"})");
  const auto device = sign_ins.finish("nobody", "x", NeverCancelled());
  EXPECT_EQ(device.error().kind, FailureKind::NotFound);
}

TEST_F(SignInsTest, AnAnswerThatSaysNothingIsTheProvidersFault) {
  for (const char* answer : {"no json", "{}", R"({"kind":"device","expiresAt":1})"}) {
    provider.script = [&](auto, auto, const auto&) -> Result<std::string> {
      return std::string(answer);
    };
    EXPECT_EQ(sign_ins.start(request(), NeverCancelled()).error().kind, FailureKind::Protocol);
  }
  EXPECT_EQ(provider.alive, 0);
}

TEST_F(SignInsTest, AWatcherHearsOfAChange) {
  const auto begun = start();
  std::optional<Result<SignInView>> seen;
  std::thread watcher([&] { seen = sign_ins.wait(begun.id, begun.version, 60'000); });
  (void)sign_ins.cancel(begun.id);
  watcher.join();
  EXPECT_EQ((*seen)->status, SignInStatus::Cancelled);
}

}  // namespace
}  // namespace omni
