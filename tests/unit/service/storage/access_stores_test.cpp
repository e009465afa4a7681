// Keys, settings and the request log in a real database.
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <set>

#include "service/storage/key_store.hpp"
#include "service/storage/request_log_store.hpp"
#include "service/storage/settings_store.hpp"
#include "store_fixture.hpp"

namespace omni::storage {
namespace {

class AccessStoresTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    openStore();
  }
  static ApiKey key(std::string id, std::string name) {
    ApiKey out;
    out.id = std::move(id);
    out.name = std::move(name);
    out.hash = "hash-" + out.id;
    out.shown = "sk-omni-AbCd…wxyz";
    out.policy.models = {"kiro/*"};
    out.policy.budgets.credits_per_day = 1.5;
    out.created_ms = 5;
    return out;
  }
  static RequestEntry request(std::string id, int64_t at, int status = 200) {
    RequestEntry out;
    out.request_id = std::move(id);
    out.at_ms = at;
    out.api = "chat";
    out.model = "combo";
    out.served_model = "claude";
    out.connection_id = "c1";
    out.connection_name = "kiro-dev";
    out.provider = "kiro";
    out.status = status;
    out.input_tokens = 10;
    out.output_tokens = 5;
    out.credits = 0.5;
    out.caller = "key:laptop";
    return out;
  }
  static RequestEntry said(const std::string& id, int64_t at_ms, const std::string& answer) {
    RequestEntry out = request(id, at_ms);
    out.content = std::make_shared<RequestContent>(RequestContent{
        .request = "asked " + id, .answer = answer, .request_bytes = 70, .answer_bytes = 90});
    return out;
  }
};

constexpr int64_t kDay = 86'400'000;

TEST_F(AccessStoresTest, KeysComeBackAsTheyWerePut) {
  {
    KeyStore keys(store_->sessions());
    ASSERT_TRUE(keys.putKey(key("1", "laptop")));
    auto other = keys.putKey(key("2", "LAPTOP"));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, FailureKind::Conflict);
    EXPECT_EQ(other.error().field, "name");
    auto changed = key("1", "phone");
    changed.enabled = false;
    changed.expires_ms = 99;
    changed.hash = "must not change";
    ASSERT_TRUE(keys.putKey(changed));
    ASSERT_TRUE(keys.putKey(key("2", "laptop")));
  }
  openStore();
  KeyStore keys(store_->sessions());
  const auto list = keys.listKeys();
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 2u);
  const ApiKey& phone = list->at(1);
  EXPECT_EQ(phone.name, "phone");
  EXPECT_EQ(phone.hash, "hash-1");
  EXPECT_FALSE(phone.enabled);
  EXPECT_EQ(phone.expires_ms, 99);
  EXPECT_EQ(phone.policy.models, std::vector<std::string>{"kiro/*"});
  EXPECT_EQ(phone.policy.budgets.credits_per_day, 1.5);
  ASSERT_TRUE(keys.removeKey("1"));
  EXPECT_EQ(keys.removeKey("1").error().kind, FailureKind::NotFound);
}

TEST_F(AccessStoresTest, SpendingAddsUpAndGoesWithItsKey) {
  KeyStore keys(store_->sessions());
  ASSERT_TRUE(keys.putKey(key("1", "laptop")));
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(keys.addSpending({{"1", "2026-11", {1, 100, 0.25}}, {"gone", "2026-11", {1, 1, 1}}},
                                 {{"1", 7000 + i}, {"gone", 1}}));
  auto spent = keys.spendingOf({"2026-11", "2026-11-24"});
  ASSERT_TRUE(spent);
  ASSERT_EQ(spent->size(), 1u);
  EXPECT_EQ(spent->at(0).spent.tokens, 200);
  EXPECT_EQ(spent->at(0).spent.credits, 0.5);
  EXPECT_EQ(keys.listKeys()->at(0).last_used_ms, 7001);
  ASSERT_TRUE(keys.removeKey("1"));
  EXPECT_TRUE(keys.spendingOf({"2026-11"})->empty());
}

TEST_F(AccessStoresTest, SettingsAreReplaced) {
  SettingsTable settings(store_->sessions());
  EXPECT_EQ(settings.setting("a").value(), "");
  ASSERT_TRUE(settings.putSetting("a", "1"));
  ASSERT_TRUE(settings.putSetting("a", "2"));
  EXPECT_EQ(settings.setting("a").value(), "2");
}

TEST_F(AccessStoresTest, RequestsAreFilteredNewestFirst) {
  RequestTable log(store_->sessions(), sealer_);
  auto failed = request("r2", 2000, 429);
  failed.error = "rate_limit_exceeded: slow down";
  failed.connection_name = "kiro-pro";
  failed.trace_id = "abc";
  ASSERT_TRUE(log.append({request("r1", 1000), failed}));
  ASSERT_TRUE(log.append({request("r3", 3000)}));
  const auto all = log.requests({});
  ASSERT_TRUE(all) << all.error().detail;
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all->at(0).request_id, "r3");
  EXPECT_EQ(all->at(1).trace_id, "abc");
  EXPECT_EQ(all->at(1).error, "rate_limit_exceeded: slow down");
  EXPECT_EQ(all->at(2).credits, 0.5);
  EXPECT_EQ(all->at(2).first_byte_ms, -1);
  EXPECT_EQ(log.requests({.before_id = all->at(1).id}).value().size(), 1u);
  EXPECT_EQ(log.requests({.limit = 2}).value().size(), 2u);
  EXPECT_EQ(log.requests({.connection = "kiro-pro"}).value().size(), 1u);
  EXPECT_EQ(log.requests({.connection = "c1"}).value().size(), 3u);
  EXPECT_EQ(log.requests({.caller = "key:other"}).value().size(), 0u);
  EXPECT_EQ(log.requests({.model = "claude"}).value().size(), 3u);
  EXPECT_EQ(log.requests({.status_from = 400, .status_to = 499}).value().size(), 1u);
}

TEST_F(AccessStoresTest, WhatWasSaidIsSealedAndStaysWithItsRequest) {
  RequestTable log(store_->sessions(), sealer_);
  ASSERT_TRUE(log.append({request("r1", 1000)}));
  ASSERT_TRUE(log.append({said("r2", 2000, "MARKER-2"), request("r3", 3000),
                          said("r4", 4000, std::string("MARK\0ER-4", 9))}));
  const auto all = log.requests({}).value();  // newest first
  ASSERT_EQ(all.size(), 4u);
  for (const auto& entry : all) EXPECT_FALSE(entry.content);
  EXPECT_FALSE(log.content(all[1]).value());
  EXPECT_FALSE(log.content(all[3]).value());
  const auto two = log.content(all[2]).value();
  ASSERT_TRUE(two);
  EXPECT_EQ(two->request, "asked r2");
  EXPECT_EQ(two->answer, "MARKER-2");
  EXPECT_EQ(two->request_bytes, 70);
  EXPECT_EQ(two->answer_bytes, 90);
  EXPECT_EQ(log.content(all[0]).value()->answer, std::string("MARK\0ER-4", 9));
  for (const char* file : {"omniroute.db", "omniroute.db-wal"})
    EXPECT_EQ(fileText(directory_ / file).find("MARKER"), std::string::npos) << file;
  // A row that was put to another request does not open.
  auto other = all[2];
  other.request_id = "r9";
  EXPECT_FALSE(log.content(other));
}

TEST_F(AccessStoresTest, OneRequestIsFoundByItsNumberOrItsId) {
  RequestTable log(store_->sessions(), sealer_);
  ASSERT_TRUE(log.append({request("same", 1000), request("r2", 2000), request("same", 3000)}));
  const auto newest = log.requests({.limit = 1, .request_id = "same"}).value();
  ASSERT_EQ(newest.size(), 1u);
  EXPECT_EQ(newest[0].at_ms, 3000);
  const auto second = log.requests({.id = newest[0].id - 1}).value();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].request_id, "r2");
  EXPECT_TRUE(log.requests({.id = 99}).value().empty());
}

TEST_F(AccessStoresTest, WhatWasSaidGoesByAgeNumberAndWithItsRequest) {
  RequestTable log(store_->sessions(), sealer_);
  const auto left = [&] {
    std::string out;
    const auto all = log.requests({.limit = 1000}).value();
    for (const auto& entry : all)
      if (log.content(entry).value()) out += entry.request_id + " ";
    return out;
  };
  ASSERT_TRUE(log.append({said("a", 1000, "1"), said("b", 2000, "2"), request("c", 3000),
                          said("d", 4000, "4"), said("e", 5000, "5"), said("f", 6000, "6")}));
  EXPECT_FALSE(log.trimContents(1500, 100).value());
  EXPECT_EQ(left(), "f e d b ");
  EXPECT_FALSE(log.trimContents(0, 3).value());
  EXPECT_EQ(left(), "f e d ");
  ASSERT_TRUE(log.trim(4500, 100, "1970-01-01"));
  EXPECT_EQ(left(), "f e ");
  EXPECT_EQ(log.requests({}).value().size(), 2u);
  std::vector<RequestEntry> many;
  for (int i = 0; i < 250; ++i) many.push_back(said("m", 7000, "x"));
  ASSERT_TRUE(log.append(many));
  EXPECT_TRUE(log.trimContents(std::numeric_limits<int64_t>::max(), 0).value());
  EXPECT_FALSE(log.trimContents(std::numeric_limits<int64_t>::max(), 0).value());
  EXPECT_EQ(left(), "");
  EXPECT_EQ(log.requests({.limit = 1000}).value().size(), 252u);
}

TEST_F(AccessStoresTest, NothingGrowsForEver) {
  RequestTable log(store_->sessions(), sealer_);
  std::vector<RequestEntry> many(2'500, request("r", 1'000));
  ASSERT_TRUE(log.append(many));
  EXPECT_TRUE(log.trim(0, 100, "1970-01-01").value()) << "a portion, and there is more";
  EXPECT_FALSE(log.trim(0, 100, "1970-01-01").value());
  EXPECT_EQ(log.requests({.limit = 1000}).value().size(), 100u);
  // What clients make up for a model's name is not kept for a year.
  auto made_up = request("m", kDay * 5, 404);
  made_up.served_model = "nonsense-1";
  auto failed = request("f", kDay * 5, 500);
  failed.served_model = "claude";
  ASSERT_TRUE(log.append({made_up, failed}));
  std::set<std::string> models;
  for (const UsageRow& row : log.usageSince("1970-01-06").value()) models.insert(row.model);
  EXPECT_EQ(models, (std::set<std::string>{"", "claude"}));
  KeyStore keys(store_->sessions());
  ApiKey key;
  key.id = "1";
  key.name = key.hash = "k";
  ASSERT_TRUE(keys.putKey(key));
  for (const char* period : {"1970-01", "1970-01-31", "1970-02", "1970-02-01"})
    ASSERT_TRUE(keys.addSpending({{"1", period, {1, 1, 1}}}, {}));
  ASSERT_TRUE(log.trim(0, 100, "1970-02-15"));
  EXPECT_TRUE(keys.spendingOf({"1970-01", "1970-01-31"})->empty());
  EXPECT_EQ(keys.spendingOf({"1970-02", "1970-02-01"})->size(), 2u);
}

TEST_F(AccessStoresTest, SumsOutliveTheRows) {
  RequestTable log(store_->sessions(), sealer_);
  std::vector<RequestEntry> many;
  for (int i = 0; i < 10; ++i)
    many.push_back(request("r", kDay * (i < 4 ? 1 : 3) + i, i == 9 ? 500 : 200));
  ASSERT_TRUE(log.append(many));
  ASSERT_TRUE(log.trim(kDay * 2, 100, "1970-01-01"));
  EXPECT_EQ(log.requests({}).value().size(), 6u);
  ASSERT_TRUE(log.trim(0, 2, "1970-01-01"));
  EXPECT_EQ(log.requests({}).value().size(), 2u);
  auto usage = log.usageSince("1970-01-01");
  ASSERT_TRUE(usage);
  ASSERT_EQ(usage->size(), 2u);
  EXPECT_EQ(usage->at(0).day, "1970-01-02");
  EXPECT_EQ(usage->at(0).requests, 4);
  EXPECT_EQ(usage->at(1).requests, 6);
  EXPECT_EQ(usage->at(1).failures, 1);
  EXPECT_EQ(usage->at(1).credits, 3.0);
  EXPECT_EQ(usage->at(1).output_tokens, 30);
  ASSERT_TRUE(log.trim(0, 2, "1970-01-03"));
  EXPECT_EQ(log.usageSince("1970-01-01").value().size(), 1u);
}

}  // namespace
}  // namespace omni::storage
