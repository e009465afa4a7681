// Delivery of events with a clock that stands still: what is sent, when again, and when no more.

#include "core/webhooks/dispatcher.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/webhooks/target_url.hpp"
#include "unit/core/fakes.hpp"

namespace omni::webhooks {
namespace {

using omni::testing::FakeClock;
using omni::testing::FakeRandom;

class MemoryWebhooks final : public WebhookStore {
 public:
  Result<std::vector<Webhook>> listWebhooks() override {
    if (broken) return makeError(FailureKind::Unavailable, "disk full");
    return webhooks;
  }
  Result<> putWebhook(const Webhook& webhook, const std::optional<std::string>&) override {
    webhooks.push_back(webhook);
    return {};
  }
  Result<> removeWebhook(std::string_view) override { return {}; }
  Result<std::string> webhookSecret(std::string_view id) override {
    if (sealed) return makeError(FailureKind::Internal, "cannot be opened");
    return "secret of " + std::string(id);
  }
  Result<std::vector<WebhookDelivery>> addDeliveries(std::vector<WebhookDelivery> made) override {
    if (webhooks.empty()) return std::vector<WebhookDelivery>();
    for (WebhookDelivery& one : made) {
      one.id = static_cast<int64_t>(rows.size()) + 1;
      rows.push_back(one);
    }
    return made;
  }
  Result<> updateDelivery(const WebhookDelivery& delivery) override {
    rows.at(static_cast<size_t>(delivery.id) - 1) = delivery;
    return {};
  }
  Result<std::vector<WebhookDelivery>> pendingDeliveries() override {
    auto out = rows;
    std::erase_if(out, [](const auto& row) { return row.state != DeliveryState::Pending; });
    return out;
  }
  Result<std::vector<WebhookDelivery>> listDeliveries(std::string_view, int64_t, int) override {
    return rows;
  }
  std::vector<Webhook> webhooks;
  std::vector<WebhookDelivery> rows;
  bool broken = false;
  bool sealed = false;
};

class PlainSigner final : public MessageSigner {
 public:
  Result<std::string> newSecret() override { return "s"; }
  Result<std::string> sign(std::string_view secret, std::string_view id, int64_t seconds,
                           std::string_view body) override {
    return std::string(secret) + "|" + std::string(id) + "|" + std::to_string(seconds) + "|" +
           std::string(body);
  }
};

struct Sent {
  std::string url, id, timestamp, signature, body, account;
};

class Receiver final : public UpstreamClient {
 public:
  Result<> call(std::string_view account_key, const HttpCall& request,
                const OnResponse& on_response, const OnBody& on_body, const CancelToken&) override {
    Sent one;
    one.url = request.url;
    one.body = request.body;
    one.account = account_key;
    for (const HttpHeader& header : request.headers) {
      if (header.name == "webhook-id") one.id = header.value;
      if (header.name == "webhook-timestamp") one.timestamp = header.value;
      if (header.name == "webhook-signature") one.signature = header.value;
    }
    sent.push_back(std::move(one));
    if (status == 0) return makeError(FailureKind::Network, "the host is not reached");
    if (auto taken = on_response(status, {}); !taken) return taken;
    return on_body(answer);
  }
  int status = 200;
  std::string answer = "thanks";
  std::vector<Sent> sent;
};

class DispatcherTest : public ::testing::Test {
 protected:
  void SetUp() override { add("h1"); }
  void add(std::string id, std::vector<std::string> events = {}) {
    Webhook webhook;
    webhook.id = id;
    webhook.name = "name of " + id;
    webhook.url = "https://" + id + ".example/hook";
    webhook.events = std::move(events);
    store_.webhooks.push_back(webhook);
  }
  // All that is due now, on this thread; returns how many jobs ran.
  int run() {
    int jobs = 0;
    while (auto job = dispatcher_.take(clock_.steadyMs())) {
      job(never_);
      ++jobs;
    }
    return jobs;
  }
  const WebhookDelivery& row(size_t index = 0) { return store_.rows.at(index); }

  MemoryWebhooks store_;
  PlainSigner signer_;
  Receiver receiver_;
  FakeClock clock_;
  FakeRandom random_;
  Dispatcher dispatcher_{{store_, signer_, receiver_, clock_, random_}};
  NeverCancelled never_;
};

TEST_F(DispatcherTest, AnEventIsSignedSentAndWrittenDown) {
  EXPECT_EQ(dispatcher_.nextDue(clock_.steadyMs()), kNeverDue);
  dispatcher_.raise({"account.suspended", R"({"x":1})"});
  EXPECT_TRUE(receiver_.sent.empty()) << "raise() itself calls nobody";
  EXPECT_TRUE(store_.rows.empty()) << "and writes nothing";
  EXPECT_LE(dispatcher_.nextDue(clock_.steadyMs()), clock_.steadyMs());
  EXPECT_EQ(run(), 2);
  ASSERT_EQ(receiver_.sent.size(), 1u);
  const Sent& sent = receiver_.sent[0];
  EXPECT_EQ(sent.url, "https://h1.example/hook");
  EXPECT_EQ(sent.account, "webhooks/h1");
  EXPECT_EQ(sent.timestamp, std::to_string(clock_.now / 1000));
  EXPECT_EQ(
      sent.body,
      R"({"type":"account.suspended","timestamp":"2023-11-14T22:13:20.000Z","data":{"x":1}})");
  EXPECT_TRUE(sent.id.starts_with("evt_"));
  EXPECT_EQ(sent.signature, "secret of h1|" + sent.id + "|" + sent.timestamp + "|" + sent.body);
  EXPECT_EQ(row().state, DeliveryState::Delivered);
  EXPECT_EQ(row().status, 200);
  EXPECT_EQ(row().attempts, 1);
  EXPECT_EQ(dispatcher_.counts().delivered, 1u);
  EXPECT_EQ(run(), 0);
}

TEST_F(DispatcherTest, OnlyThoseWhoAskedForItAreTold) {
  add("h2", {"account.active"});
  add("h3", {"account.suspended", "account.active"});
  store_.webhooks[0].enabled = false;
  dispatcher_.raise({"account.suspended", "{}"});
  run();
  ASSERT_EQ(receiver_.sent.size(), 1u);
  EXPECT_EQ(receiver_.sent[0].url, "https://h3.example/hook");
}

TEST_F(DispatcherTest, AFailureIsRepeatedLaterAndLaterAndThenGivenUp) {
  receiver_.status = 503;
  dispatcher_.raise({"account.cooling", "{}"});
  run();
  std::vector<int64_t> waits;
  while (row().state == DeliveryState::Pending) {
    const int64_t due = dispatcher_.nextDue(clock_.steadyMs());
    ASSERT_NE(due, kNeverDue);
    ASSERT_GT(due, clock_.steadyMs());
    waits.push_back(due - clock_.steadyMs());
    clock_.now = due - 1;
    EXPECT_EQ(run(), 0) << "too soon";
    clock_.now = due;
    EXPECT_EQ(run(), 1);
  }
  EXPECT_EQ(receiver_.sent.size(), 8u);
  EXPECT_EQ(waits.size(), 7u);
  for (size_t i = 1; i < waits.size(); ++i) EXPECT_GT(waits[i], 2 * waits[i - 1]);
  EXPECT_NEAR(static_cast<double>(waits.front()), 1000, 200);
  EXPECT_EQ(row().state, DeliveryState::Failed);
  EXPECT_EQ(row().error, "the receiver answered 503");
  EXPECT_EQ(dispatcher_.nextDue(clock_.steadyMs()), kNeverDue);
  EXPECT_EQ(dispatcher_.counts().failed_attempts, 8u);
  EXPECT_EQ(dispatcher_.counts().given_up, 1u);
  for (const Sent& sent : receiver_.sent)
    EXPECT_EQ(sent.id, receiver_.sent[0].id) << "the receiver can tell a repetition";
  EXPECT_NE(receiver_.sent.back().timestamp, receiver_.sent[0].timestamp)
      << "each attempt is signed anew";
}

TEST_F(DispatcherTest, JitterKeepsReceiversFromBeingAskedAllAtOnce) {
  int64_t low = retryDelayMs(3, 0), high = low;
  for (uint32_t random = 0; random < 100'000; random += 7) {
    const int64_t delay = retryDelayMs(3, random * 2654435761u);
    low = std::min(low, delay);
    high = std::max(high, delay);
  }
  EXPECT_GE(low, 24'000);
  EXPECT_LE(high, 36'000);
  EXPECT_GT(high - low, 10'000);
  EXPECT_EQ(retryDelayMs(0, 5), -1);
  EXPECT_EQ(retryDelayMs(8, 5), -1);
}

TEST_F(DispatcherTest, NoAnswerARedirectAndAGoneReceiver) {
  receiver_.status = 0;
  dispatcher_.raise({"account.active", "{}"});
  run();
  EXPECT_EQ(row().error, "the host is not reached");
  EXPECT_EQ(row().state, DeliveryState::Pending);
  receiver_.status = 302;
  clock_.now += 2000;
  run();
  EXPECT_NE(row().error.find("redirects are not followed"), std::string::npos);
  receiver_.status = 410;
  clock_.now += 10'000;
  run();
  EXPECT_EQ(row().state, DeliveryState::Failed) << "410: the receiver wants no more";
  EXPECT_EQ(row().attempts, 3);
}

TEST_F(DispatcherTest, AReceiverThatTalksForeverHasTakenItAllTheSame) {
  receiver_.answer = std::string(1u << 20, 'x');
  dispatcher_.raise({"account.active", "{}"});
  run();
  EXPECT_EQ(row().state, DeliveryState::Delivered);
}

TEST_F(DispatcherTest, NothingIsEverSentUnsigned) {
  store_.sealed = true;
  dispatcher_.raise({"account.active", "{}"});
  run();
  EXPECT_TRUE(receiver_.sent.empty());
  EXPECT_EQ(row().state, DeliveryState::Pending);
  EXPECT_EQ(row().error, "cannot be opened");
}

TEST_F(DispatcherTest, WhatIsUnderWaySurvivesARestartAndWhatIsRemovedIsNotSent) {
  receiver_.status = 500;
  dispatcher_.raise({"account.active", "{}"});
  run();
  Dispatcher later({store_, signer_, receiver_, clock_, random_});
  ASSERT_TRUE(later.load());
  receiver_.status = 204;
  EXPECT_FALSE(later.take(clock_.steadyMs()));
  clock_.now += 1500;
  auto job = later.take(clock_.steadyMs());
  ASSERT_TRUE(job);
  EXPECT_FALSE(later.take(clock_.steadyMs())) << "one at a time";
  job(never_);
  EXPECT_EQ(row().state, DeliveryState::Delivered);
  EXPECT_EQ(row().attempts, 2);

  dispatcher_.forget("h1");
  EXPECT_EQ(dispatcher_.nextDue(clock_.steadyMs()), kNeverDue);
}

TEST_F(DispatcherTest, AStoreThatFailsLosesNothing) {
  store_.broken = true;
  dispatcher_.raise({"account.active", "{}"});
  EXPECT_EQ(run(), 1);
  store_.broken = false;
  EXPECT_EQ(run(), 0) << "not at once";
  clock_.now = dispatcher_.nextDue(clock_.steadyMs());
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(receiver_.sent.size(), 1u);
}

TEST_F(DispatcherTest, TooManyAreDroppedAndCounted) {
  for (int i = 0; i < 10'005; ++i) dispatcher_.raise({"account.active", "{}"});
  EXPECT_EQ(dispatcher_.counts().dropped, 5u);
  EXPECT_EQ(dispatcher_.counts().waiting, 10'000u);
}

TEST_F(DispatcherTest, APingTellsHowItWentAndIsNotRepeated) {
  receiver_.status = 500;
  auto failed = dispatcher_.ping(store_.webhooks[0], never_);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->state, DeliveryState::Failed);
  EXPECT_EQ(failed->status, 500);
  EXPECT_EQ(run(), 0);
  receiver_.status = 200;
  auto fine = dispatcher_.ping(store_.webhooks[0], never_);
  ASSERT_TRUE(fine);
  EXPECT_EQ(fine->state, DeliveryState::Delivered);
  EXPECT_NE(receiver_.sent.back().body.find("\"type\":\"ping\""), std::string::npos);
}

TEST_F(DispatcherTest, APingOfAWebhookThatIsRemovedMeanwhileSaysSo) {
  const Webhook webhook = store_.webhooks[0];
  store_.webhooks.clear();
  const auto ping = dispatcher_.ping(webhook, never_);
  ASSERT_FALSE(ping);
  EXPECT_EQ(ping.error().kind, FailureKind::NotFound);
}

TEST(TargetUrl, WhatIsAllowed) {
  for (const char* url :
       {"https://example.com", "https://example.com/hook?x=1", "HTTPS://Example.COM:8443/x",
        "http://localhost:8080/hook", "http://127.0.0.1:1", "http://192.168.1.5/x",
        "http://10.0.0.1", "http://172.31.0.1", "http://[::1]:80/", "http://[fd12:3456::1]/",
        "https://[2a01:4f8::1]/x", "http://nas/hook", "http://printer.local/", "http://ha.lan"})
    EXPECT_TRUE(checkTargetUrl(url)) << url;
}

TEST(TargetUrl, WhatIsRefusedNamesTheField) {
  for (const char* url : {"",
                          "example.com",
                          "ftp://example.com",
                          "file:///etc/passwd",
                          "https://",
                          "https://user@example.com",
                          "https://user:pw@example.com/",
                          "https://example.com/#x",
                          "https://exa mple.com",
                          "https://example.com\\@evil.example",
                          "https://example.com:0",
                          "https://example.com:99999",
                          "https://example.com:x",
                          "http://example.com/in-clear",
                          "http://8.8.8.8/",
                          "http://169.254.169.254/latest",
                          "https://169.254.169.254/",
                          "https://[fe80::1]/",
                          "https://[::ffff:169.254.169.254]/",
                          "https://[::ffff:a9fe:a9fe]/",
                          "https://[0:0:0:0:0:ffff:a9fe:a9fe]/",
                          "https://[64:ff9b::a9fe:a9fe]/",
                          "https://[fd00:ec2::254]/",
                          "https://[::]/",
                          "https://[ff02::1]/",
                          "https://[::1",
                          "https://0.0.0.0/",
                          "https://224.0.0.1/",
                          "https://100.100.100.200/",
                          "https://2852039166/",
                          "https://0xa9fea9fe/",
                          "https://169.254.43518/",
                          "https://0251.0376.0251.0376/",
                          "https://metadata.google.internal/",
                          "https://.example/"}) {
    const auto checked = checkTargetUrl(url);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().kind, FailureKind::BadRequest) << url;
    EXPECT_EQ(checked.error().field, "url") << url;
  }
}

}  // namespace
}  // namespace omni::webhooks
