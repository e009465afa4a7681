#include "service/storage/webhook_store.hpp"

#include "store_fixture.hpp"

namespace omni::storage {
namespace {

class WebhookStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    openStore();
    hooks_.emplace(store_->sessions(), sealer_);
  }
  void TearDown() override {
    hooks_.reset();
    StoreTest::TearDown();
  }
  static Webhook webhook(std::string id, std::string name) {
    return {
        std::move(id), std::move(name), "https://example.com/x", {"account.active"}, true, 5, 6};
  }
  static WebhookDelivery delivery(std::string webhook_id, DeliveryState state) {
    WebhookDelivery out;
    out.webhook_id = std::move(webhook_id);
    out.event_id = "evt_1";
    out.type = "account.active";
    out.body = R"({"a":"ü"})";
    out.state = state;
    out.next_ms = 77;
    return out;
  }
  std::optional<SqliteWebhookStore> hooks_;
};

TEST_F(WebhookStoreTest, KeepsWhatWasPutAndTheSecretSealed) {
  ASSERT_TRUE(hooks_->putWebhook(webhook("h1", "alarm"), "whsec_plainly_visible"));
  auto all = hooks_->listWebhooks();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ((*all)[0].name, "alarm");
  EXPECT_EQ((*all)[0].events, std::vector<std::string>{"account.active"});
  EXPECT_EQ((*all)[0].created_ms, 5);
  EXPECT_EQ(hooks_->webhookSecret("h1").value_or(""), "whsec_plainly_visible");
  auto changed = webhook("h1", "siren");
  changed.events.clear();
  changed.enabled = false;
  ASSERT_TRUE(hooks_->putWebhook(changed, std::nullopt));
  all = hooks_->listWebhooks();
  EXPECT_EQ((*all)[0].name, "siren");
  EXPECT_FALSE((*all)[0].enabled);
  EXPECT_TRUE((*all)[0].events.empty());
  EXPECT_EQ(hooks_->webhookSecret("h1").value_or(""), "whsec_plainly_visible") << "it stays";
  ASSERT_TRUE(hooks_->putWebhook(changed, "whsec_another"));
  EXPECT_EQ(hooks_->webhookSecret("h1").value_or(""), "whsec_another");
  hooks_.reset();
  store_.reset();
  EXPECT_EQ(fileText(path_).find("whsec_"), std::string::npos);
}

TEST_F(WebhookStoreTest, NamesAreUniqueAndASecretBelongsToItsRow) {
  ASSERT_TRUE(hooks_->putWebhook(webhook("h1", "alarm"), "one"));
  const auto taken = hooks_->putWebhook(webhook("h2", "ALARM"), "two");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, FailureKind::Conflict);
  EXPECT_EQ(taken.error().conflict_id, "h1");
  ASSERT_TRUE(hooks_->putWebhook(webhook("h2", "other"), "two"));
  ASSERT_TRUE(store_->sessions()->write([](Poco::Data::Session& session) -> Result<> {
    run(session, "UPDATE webhooks SET secret=(SELECT secret FROM webhooks WHERE id='h1')");
    return {};
  }));
  EXPECT_TRUE(hooks_->webhookSecret("h1"));
  EXPECT_FALSE(hooks_->webhookSecret("h2"));
}

TEST_F(WebhookStoreTest, DeliveriesAreKeptUpdatedAndPaged) {
  ASSERT_TRUE(hooks_->putWebhook(webhook("h1", "alarm"), "s"));
  auto made = hooks_->addDeliveries({delivery("h1", DeliveryState::Pending),
                                     delivery("gone", DeliveryState::Pending),
                                     delivery("h1", DeliveryState::Delivered)});
  ASSERT_TRUE(made);
  ASSERT_EQ(made->size(), 2u) << "one is to a webhook that is gone";
  auto pending = hooks_->pendingDeliveries();
  ASSERT_EQ(pending->size(), 1u);
  WebhookDelivery one = pending->front();
  EXPECT_EQ(one.body, R"({"a":"ü"})");
  EXPECT_EQ(one.next_ms, 77);
  one.state = DeliveryState::Failed;
  one.attempts = 8;
  one.status = 503;
  one.error = "no";
  one.done_ms = 99;
  ASSERT_TRUE(hooks_->updateDelivery(one));
  EXPECT_TRUE(hooks_->pendingDeliveries()->empty());
  auto page = hooks_->listDeliveries("h1", 0, 1);
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().state, DeliveryState::Delivered);
  page = hooks_->listDeliveries("h1", page->front().id, 10);
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().attempts, 8);
  EXPECT_EQ(page->front().error, "no");
  ASSERT_TRUE(hooks_->removeWebhook("h1"));
  EXPECT_TRUE(hooks_->listDeliveries("h1", 0, 10)->empty());
  EXPECT_EQ(hooks_->removeWebhook("h1").error().kind, FailureKind::NotFound);
}

TEST_F(WebhookStoreTest, OnlyTheNewestFinishedOnesStayAndNoPendingOneGoes) {
  ASSERT_TRUE(hooks_->putWebhook(webhook("h1", "alarm"), "s"));
  ASSERT_TRUE(hooks_->addDeliveries({delivery("h1", DeliveryState::Pending)}));
  std::vector<WebhookDelivery> many(SqliteWebhookStore::kKeptDeliveries + 5,
                                    delivery("h1", DeliveryState::Delivered));
  ASSERT_TRUE(hooks_->addDeliveries(many));
  EXPECT_EQ(hooks_->listDeliveries("h1", 0, 1000)->size(),
            static_cast<size_t>(SqliteWebhookStore::kKeptDeliveries) + 1);
  EXPECT_EQ(hooks_->pendingDeliveries()->size(), 1u);
}

}  // namespace
}  // namespace omni::storage
