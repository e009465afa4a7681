#include "core/access/key_ring.hpp"

#include <gtest/gtest.h>

#include "tests/unit/core/fakes.hpp"

namespace omni::access {
namespace {

class CountingRandom final : public Random {
 public:
  void fill(void* out, size_t size) override {
    for (size_t i = 0; i < size; ++i) static_cast<unsigned char*>(out)[i] = next_++;
  }

 private:
  unsigned char next_ = 1;
};

class PlainHash final : public KeyedHash {
 public:
  Result<std::string> keyedHash(std::string_view purpose, std::string_view data) override {
    return "hash(" + std::string(purpose) + "," + std::string(data) + ")";
  }
};

class MemoryKeys final : public ApiKeyStore {
 public:
  Result<std::vector<ApiKey>> listKeys() override {
    std::vector<ApiKey> out;
    for (const auto& [id, key] : rows) out.push_back(key);
    return out;
  }
  Result<> putKey(const ApiKey& key) override {
    for (const auto& [id, row] : rows)
      if (row.name == key.name && id != key.id)
        return makeError(FailureKind::Conflict, "taken", "name");
    rows[key.id] = key;
    return {};
  }
  Result<> removeKey(std::string_view id) override {
    rows.erase(std::string(id));
    return {};
  }
  Result<> addSpending(const std::vector<KeySpending>& list,
                       const std::map<std::string, int64_t>& used) override {
    if (broken) return makeError(FailureKind::Unavailable, "disk full");
    for (const auto& s : list) spending[{s.key_id, s.period}].add(s.spent);
    for (const auto& [id, at] : used) rows[id].last_used_ms = at;
    return {};
  }
  Result<std::vector<KeySpending>> spendingOf(const std::vector<std::string>& periods) override {
    std::vector<KeySpending> out;
    for (const auto& [where, spent] : spending)
      if (std::ranges::find(periods, where.second) != periods.end())
        out.push_back({where.first, where.second, spent});
    return out;
  }
  std::map<std::string, ApiKey> rows;
  std::map<std::pair<std::string, std::string>, Spent> spending;
  bool broken = false;
};

class KeyRingTest : public ::testing::Test {
 protected:
  KeyRing::Made make(std::string name, KeyPolicy policy = {}) {
    auto made = ring_.create({.name = std::move(name), .policy = std::move(policy)});
    EXPECT_TRUE(made);
    return made.value_or(KeyRing::Made{});
  }
  Result<> enter(const std::string& id, std::string_view model = "kiro/dev") {
    return ring_.enter(id, model, [](std::string_view name) { return !name.contains('/'); });
  }

  MemoryKeys store_;
  PlainHash hash_;
  omni::testing::FakeClock clock_;
  CountingRandom random_;
  KeyRing ring_{store_, hash_, clock_, random_};
};

TEST_F(KeyRingTest, AKeyIsShownOnceAndKnownByItsHash) {
  const auto made = make("laptop");
  EXPECT_TRUE(made.secret.starts_with(kKeyPrefix));
  EXPECT_EQ(made.secret.size(), kKeyPrefix.size() + 44);
  EXPECT_FALSE(made.key.shown.contains(made.secret.substr(12, 10)));
  EXPECT_NE(make("other").secret, made.secret);
  const auto known = ring_.authenticate(made.secret);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->name, "laptop");
  EXPECT_EQ(known->last_used_ms, clock_.now);
  const auto unknown = ring_.authenticate(made.secret + "x");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, FailureKind::Unauthorized);
  EXPECT_EQ(unknown.error().reason, "invalid_api_key");
}

TEST_F(KeyRingTest, SwitchedOffExpiredAndRemovedKeysAreRefused) {
  const auto made = make("laptop");
  ASSERT_TRUE(ring_.change("LAPTOP", {.enabled = false}));
  EXPECT_EQ(ring_.authenticate(made.secret).error().reason, "key_disabled");
  EXPECT_FALSE(ring_.anyUsable(false));
  ASSERT_TRUE(ring_.change(made.key.id, {.enabled = true, .expires_ms = clock_.now + 10}));
  EXPECT_TRUE(ring_.authenticate(made.secret));
  EXPECT_TRUE(ring_.anyUsable(false));
  EXPECT_FALSE(ring_.anyUsable(true));
  clock_.now += 10;
  EXPECT_EQ(ring_.authenticate(made.secret).error().reason, "key_expired");
  ASSERT_TRUE(ring_.remove("laptop"));
  EXPECT_EQ(ring_.authenticate(made.secret).error().reason, "invalid_api_key");
  EXPECT_EQ(enter(made.key.id).error().kind, FailureKind::Unauthorized);
  EXPECT_EQ(ring_.remove("laptop").error().kind, FailureKind::NotFound);
}

TEST_F(KeyRingTest, ModelsAndScopesAreEnforced) {
  KeyPolicy policy;
  policy.models = {"kiro/*"};
  const auto made = make("narrow", policy);
  EXPECT_TRUE(enter(made.key.id, "kiro/dev"));
  const auto refused = enter(made.key.id, "combo");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::Forbidden);
  EXPECT_EQ(refused.error().reason, "key_model");
  KeyPolicy admin;
  admin.inference = false;
  admin.admin = true;
  const auto boss = make("boss", admin);
  EXPECT_EQ(enter(boss.key.id).error().reason, "key_scope");
  EXPECT_TRUE(ring_.anyUsable(true));
}

TEST_F(KeyRingTest, PoliciesFollowANewName) {
  KeyPolicy policy;
  policy.models = {"kiro/dev", "kiro/dev/claude-*", "kiro/dev-2", "gpt-*"};
  policy.combos = {"team", "teams"};
  const std::string id = make("k", policy).key.id;
  make("other");
  EXPECT_EQ(ring_.renamed("kiro/dev", "kiro/work", false).value(), 1u);
  EXPECT_EQ(ring_.renamed("team", "everyone", true).value(), 1u);
  EXPECT_EQ(ring_.renamed("nobody", "x", true).value(), 0u);
  const ApiKey after = ring_.find(id).value();
  EXPECT_EQ(after.policy.models,
            (std::vector<std::string>{"kiro/work", "kiro/work/claude-*", "kiro/dev-2", "gpt-*"}));
  EXPECT_EQ(after.policy.combos, (std::vector<std::string>{"everyone", "teams"}));
  EXPECT_TRUE(ring_.mayUse(id, "everyone", true));
  EXPECT_EQ(store_.rows.at(id).policy.models, after.policy.models);
}

TEST_F(KeyRingTest, SpendingIsWrittenAndReadBack) {
  KeyPolicy policy;
  policy.budgets.credits_per_month = 2;
  const auto made = make("spender", policy);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(enter(made.key.id));
    ring_.leave(made.key.id, {1, 100, 1.0});
  }
  EXPECT_EQ(enter(made.key.id).error().reason, "key_budget");
  store_.broken = true;
  EXPECT_FALSE(ring_.flush());
  store_.broken = false;
  ASSERT_TRUE(ring_.flush());
  ASSERT_TRUE(ring_.flush());  // nothing is counted twice
  EXPECT_EQ((store_.spending[{made.key.id, monthOf(clock_.now)}].credits), 2.0);

  KeyRing again(store_, hash_, clock_, random_);
  ASSERT_TRUE(again.load());
  EXPECT_TRUE(again.authenticate(made.secret));
  EXPECT_EQ(again.use(made.key.id).this_month.tokens, 200);
  EXPECT_EQ(again.enter(made.key.id, "m", [](auto) { return true; }).error().reason, "key_budget");
}

TEST_F(KeyRingTest, AChangeKeepsSlotsAndANameStaysUnique) {
  KeyPolicy policy;
  policy.max_concurrent = 1;
  const auto made = make("one", policy);
  make("two");
  EXPECT_EQ(ring_.change("one", {.name = "two"}).error().kind, FailureKind::Conflict);
  EXPECT_TRUE(ring_.find("one"));
  ASSERT_TRUE(enter(made.key.id));
  policy.max_concurrent = 2;
  ASSERT_TRUE(ring_.change("one", {.policy = policy}));
  EXPECT_TRUE(enter(made.key.id));
  EXPECT_EQ(enter(made.key.id).error().reason, "key_concurrency");
  EXPECT_EQ(ring_.use(made.key.id).running, 2);
}

}  // namespace
}  // namespace omni::access
