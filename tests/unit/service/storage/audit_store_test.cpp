#include "service/storage/audit_store.hpp"

#include <gtest/gtest.h>

#include "store_fixture.hpp"

namespace omni::storage {
namespace {

AuditEntry entry(int64_t at, std::string action, std::string subject = "c1") {
  AuditEntry out;
  out.at_ms = at;
  out.actor = "admin@127.0.0.1";
  out.action = std::move(action);
  out.subject = "connection";
  out.subject_id = std::move(subject);
  out.subject_name = "kiro/dev";
  return out;
}

class AuditStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    openStore();
  }
};

TEST_F(AuditStoreTest, ListsTheNewestFirstAPageAtATime) {
  AuditStore audit(store_->sessions());
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(audit.record(entry(i, "a" + std::to_string(i))));
  ASSERT_TRUE(audit.record(entry(6, "other", "c2")));
  const auto page = audit.list("c1", 0, 2);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ((*page)[0].action, "a5");
  EXPECT_EQ((*page)[0].actor, "admin@127.0.0.1");
  EXPECT_EQ((*page)[0].subject_name, "kiro/dev");
  EXPECT_EQ((*page)[0].detail, "{}");
  const auto next = audit.list("c1", (*page)[1].id, 10);
  ASSERT_EQ(next->size(), 3u);
  EXPECT_EQ((*next)[0].action, "a3");
  EXPECT_EQ(audit.list({}, 0, 10)->size(), 6u);
}

TEST_F(AuditStoreTest, OutlivesItsConnectionAndARestart) {
  ASSERT_TRUE(store_->create(connection("c1", "dev"), {}));
  ASSERT_TRUE(AuditStore(store_->sessions()).record(entry(1, "connection.imported")));
  ASSERT_TRUE(store_->remove("c1"));
  openStore();
  EXPECT_EQ(AuditStore(store_->sessions()).list("c1", 0, 10)->size(), 1u);
}

TEST_F(AuditStoreTest, CountsWhatRepeatsWithinADay) {
  AuditStore audit(store_->sessions());
  constexpr int64_t kDay = 86'400'000;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(audit.recordRepeated(entry(i, "token.refreshed")));
  ASSERT_TRUE(audit.recordRepeated(entry(5, "token.refreshed", "c2")));
  ASSERT_TRUE(audit.record(entry(6, "connection.renamed")));
  ASSERT_TRUE(audit.recordRepeated(entry(7, "token.refreshed")));
  ASSERT_TRUE(audit.recordRepeated(entry(kDay, "token.refreshed")));
  const auto all = audit.list("c1", 0, 10);
  ASSERT_EQ(all->size(), 4u);
  EXPECT_EQ((*all)[0].at_ms, kDay);
  EXPECT_EQ((*all)[3].detail, R"({"count":3,"until":2})");
  EXPECT_EQ(audit.list("c2", 0, 10)->size(), 1u);
}

TEST_F(AuditStoreTest, KeepsABoundedNumber) {
  AuditStore audit(store_->sessions(), 100);
  for (int i = 1; i <= 1000; ++i) ASSERT_TRUE(audit.record(entry(i, "x")));
  const auto all = audit.list({}, 0, 1000);
  EXPECT_EQ(all->size(), 100u);
  EXPECT_EQ(all->front().at_ms, 1000);
}

}  // namespace
}  // namespace omni::storage
