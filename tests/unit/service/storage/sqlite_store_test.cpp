#include "service/storage/sqlite_store.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "store_fixture.hpp"

namespace omni::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class SqliteStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    openStore();
  }
};

// Runs SQL of the test's own on the file.
void execute(const fs::path& path, const char* sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
}

TEST_F(SqliteStoreTest, ANewStoreIsEmptyAndForItsOwnerOnly) {
  EXPECT_TRUE(store_->list().value().empty());
  EXPECT_TRUE(store_->listCombos().value().empty());
  int files = 0;
  for (const auto& entry : fs::directory_iterator(directory_)) {
    struct stat info{};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U) << entry.path().filename();
    ++files;
  }
  EXPECT_EQ(files, 3);  // the database, -wal, -shm
}

TEST_F(SqliteStoreTest, RightsOfOthersAreTakenFromAnExistingFile) {
  store_.reset();
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  openStore();
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(SqliteStoreTest, ListAndGetGiveEverythingButSecrets) {
  auto made = connection("id-1", "dev");
  made.state = {AccountState::Cooling, "throttled", 5, 6, 7};
  made.created_ms = 77;
  made.values["region"] = "eu-central-1";
  ASSERT_TRUE(
      store_->create(made, {{"refreshToken", "aor-secret", true}, {"authMethod", "idc", false}}));

  auto got = store_->get("id-1");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->provider, "kiro");
  EXPECT_EQ(got->name, "dev");
  EXPECT_EQ(got->state.state, AccountState::Cooling);
  EXPECT_EQ(got->state.reason, "throttled");
  EXPECT_EQ(got->state.since_ms, 5);
  EXPECT_EQ(got->state.until_ms, 6);
  EXPECT_EQ(got->state.next_probe_ms, 7);
  EXPECT_EQ(got->created_ms, 77);
  EXPECT_EQ(got->updated_ms, 1'000);
  EXPECT_THAT(got->values, ElementsAre(Pair("authMethod", "idc"), Pair("region", "eu-central-1")));
  EXPECT_THAT(got->secret_keys, ElementsAre("refreshToken"));

  auto listed = store_->list();
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(listed->front().values, got->values);
  EXPECT_EQ(listed->front().secret_keys, got->secret_keys);
}

TEST_F(SqliteStoreTest, ValueGivesSecretsAndPlainValues) {
  const std::string binary("a\0b", 3);
  ASSERT_TRUE(
      store_->create(connection("id-1", "dev"), {{"token", binary, true}, {"empty", "", false}}));
  EXPECT_EQ(store_->value("id-1", "token").value(), binary);
  EXPECT_EQ(store_->value("id-1", "empty").value(), "");
  EXPECT_EQ(store_->value("id-1", "absent").value(), std::nullopt);
  EXPECT_EQ(store_->value("id-2", "token").error().kind, FailureKind::NotFound);
}

TEST_F(SqliteStoreTest, CommitSetsReplacesAndRemoves) {
  ASSERT_TRUE(store_->create(connection("id-1", "dev"),
                             {{"a", "1", false}, {"b", "2", true}, {"c", "3", false}}));
  clock_.now = 2'000;
  ASSERT_TRUE(store_->commit(
      "id-1",
      {{"a", std::nullopt, false}, {"b", "22", true}, {"c", "33", true}, {"d", "4", false}}));
  EXPECT_EQ(store_->value("id-1", "a").value(), std::nullopt);
  EXPECT_EQ(store_->value("id-1", "b").value(), "22");
  EXPECT_EQ(store_->value("id-1", "c").value(), "33");
  auto got = store_->get("id-1").value();
  EXPECT_THAT(got.values, ElementsAre(Pair("d", "4")));
  EXPECT_THAT(got.secret_keys, ElementsAre("b", "c"));
  EXPECT_EQ(got.updated_ms, 2'000);
  EXPECT_EQ(store_->commit("id-2", {{"a", "1", false}}).error().kind, FailureKind::NotFound);
}

TEST_F(SqliteStoreTest, ARefusedCommitChangesNothing) {
  ASSERT_TRUE(store_->create(connection("id-1", "one"), {{"fingerprint", "f1", false}}));
  ASSERT_TRUE(store_->create(connection("id-2", "two"), {{"token", "old", true}}));
  auto refused = store_->commit("id-2", {{"token", "new", true}, {"fingerprint", "f1", false}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::Conflict);
  EXPECT_EQ(refused.error().conflict_id, "id-1");
  EXPECT_EQ(store_->value("id-2", "token").value(), "old");
  EXPECT_FALSE(
      store_->commit("id-2", {{"token", "new", true}, {"plain", std::string("a\0b", 3), false}}));
  EXPECT_EQ(store_->value("id-2", "token").value(), "old");
}

TEST_F(SqliteStoreTest, ATakenNameIsAConflictAlsoInAnotherCase) {
  ASSERT_TRUE(store_->create(connection("id-1", "Dev"), {}));
  for (const char* name : {"Dev", "dev", "DEV"}) {
    auto refused = store_->create(connection("id-2", name), {{"token", "x", true}});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().kind, FailureKind::Conflict);
    EXPECT_EQ(refused.error().field, "name");
    EXPECT_EQ(refused.error().conflict_id, "id-1");
  }
  EXPECT_EQ(store_->list().value().size(), 1U);
  EXPECT_TRUE(store_->create(connection("id-2", "dev", "openai"), {}));
  auto same_id = store_->create(connection("id-1", "other"), {});
  ASSERT_FALSE(same_id);
  EXPECT_EQ(same_id.error().conflict_id, "id-1");
}

TEST_F(SqliteStoreTest, RenameKeepsNamesUnique) {
  ASSERT_TRUE(store_->create(connection("id-1", "one"), {}));
  ASSERT_TRUE(store_->create(connection("id-2", "two"), {}));
  auto refused = store_->rename("id-2", "ONE");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().conflict_id, "id-1");
  EXPECT_TRUE(store_->rename("id-2", "Two"));  // another case of its own name
  EXPECT_EQ(store_->get("id-2").value().name, "Two");
  EXPECT_TRUE(store_->rename("id-2", "three"));
  EXPECT_TRUE(store_->create(connection("id-3", "two"), {}));
  EXPECT_EQ(store_->rename("id-9", "x").error().kind, FailureKind::NotFound);
  EXPECT_EQ(store_->rename("id-1", "").error().kind, FailureKind::BadRequest);
}

TEST_F(SqliteStoreTest, AFingerprintIsUniquePerProvider) {
  ASSERT_TRUE(store_->create(connection("id-1", "one"), {{"fingerprint", "f1", false}}));
  auto refused = store_->create(connection("id-2", "two"), {{"fingerprint", "f1", false}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::Conflict);
  EXPECT_EQ(refused.error().field, "fingerprint");
  EXPECT_EQ(refused.error().conflict_id, "id-1");
  EXPECT_TRUE(store_->create(connection("id-3", "two", "openai"), {{"fingerprint", "f1", false}}));
  EXPECT_TRUE(store_->create(connection("id-4", "none"), {}));
  EXPECT_TRUE(store_->create(connection("id-5", "none too"), {}));

  EXPECT_EQ(store_->findByFingerprint("kiro", "f1").value(), "id-1");
  EXPECT_EQ(store_->findByFingerprint("openai", "f1").value(), "id-3");
  EXPECT_EQ(store_->findByFingerprint("kiro", "f2").value(), std::nullopt);
  EXPECT_EQ(store_->findByFingerprint("kiro", "").value(), std::nullopt);

  EXPECT_TRUE(store_->commit("id-1", {{"fingerprint", "f1", false}}));  // its own
  EXPECT_TRUE(store_->commit("id-1", {{"fingerprint", std::nullopt, false}}));
  EXPECT_EQ(store_->findByFingerprint("kiro", "f1").value(), std::nullopt);
}

TEST_F(SqliteStoreTest, SetStateIsReadBackInEveryState) {
  ASSERT_TRUE(store_->create(connection("id-1", "one"), {}));
  for (const auto state :
       {AccountState::Active, AccountState::Cooling, AccountState::Exhausted,
        AccountState::Suspended, AccountState::ReauthRequired, AccountState::Disabled}) {
    ASSERT_TRUE(store_->setState("id-1", {state, "why", 1'700'000'000'000, 2, 3}));
    EXPECT_EQ(store_->get("id-1").value().state.state, state);
    EXPECT_EQ(store_->get("id-1").value().state.since_ms, 1'700'000'000'000);
  }
  EXPECT_EQ(store_->setState("id-2", {}).error().kind, FailureKind::NotFound);
}

TEST_F(SqliteStoreTest, RemoveTakesTheSecretsToo) {
  ASSERT_TRUE(store_->create(connection("id-1", "one"),
                             {{"token", "x", true}, {"fingerprint", "f", false}}));
  ASSERT_TRUE(store_->remove("id-1"));
  EXPECT_EQ(store_->get("id-1").error().kind, FailureKind::NotFound);
  EXPECT_EQ(store_->remove("id-1").error().kind, FailureKind::NotFound);
  EXPECT_FALSE(SqliteStore::hasSealedData(path_).value());
  EXPECT_TRUE(store_->create(connection("id-1", "one"), {{"fingerprint", "f", false}}));
  EXPECT_EQ(store_->value("id-1", "token").value(), std::nullopt);
}

TEST_F(SqliteStoreTest, CombosAreInsertedReplacedAndRemoved) {
  routing::Combo combo{
      "c-1", "fast", routing::Strategy::RoundRobin, {{"kiro/dev"}, {"kiro/\"x\"/ü"}}, 10, 20};
  ASSERT_TRUE(store_->putCombo(combo));
  auto listed = store_->listCombos().value();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].name, "fast");
  EXPECT_EQ(listed[0].strategy, routing::Strategy::RoundRobin);
  ASSERT_EQ(listed[0].targets.size(), 2U);
  EXPECT_EQ(listed[0].targets[1].text, "kiro/\"x\"/ü");
  EXPECT_EQ(listed[0].created_ms, 10);
  EXPECT_EQ(listed[0].updated_ms, 20);

  combo.name = "Fast";
  combo.strategy = routing::Strategy::Priority;
  combo.targets.clear();
  combo.created_ms = combo.updated_ms = 0;
  clock_.now = 30;
  ASSERT_TRUE(store_->putCombo(combo));
  listed = store_->listCombos().value();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].name, "Fast");
  EXPECT_TRUE(listed[0].targets.empty());
  EXPECT_EQ(listed[0].created_ms, 10);
  EXPECT_EQ(listed[0].updated_ms, 30);

  auto refused = store_->putCombo({"c-2", "FAST", routing::Strategy::Priority, {}, 0, 0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::Conflict);
  EXPECT_EQ(refused.error().conflict_id, "c-1");
  EXPECT_EQ(store_->removeCombo("c-2").error().kind, FailureKind::NotFound);
  EXPECT_TRUE(store_->removeCombo("c-1"));
  EXPECT_TRUE(store_->listCombos().value().empty());
}

TEST_F(SqliteStoreTest, AComboKeepsTargetsAndOptionsInFull) {
  routing::Combo combo;
  combo.id = "c-1";
  combo.name = "full";
  combo.strategy = routing::Strategy::ResetSoonest;
  combo.targets = {{.text = "kiro/a/m",
                    .combo_id = {},
                    .accounts = {{"id-1", "a"}, {"id-2", "b"}},
                    .model = "m",
                    .pin = routing::Pin::Soft,
                    .weight = 40},
                   {.text = "inner", .combo_id = "c-2", .accounts = {}, .model = {}, .weight = 0},
                   {.text = "kiro", .combo_id = {}, .accounts = {}, .model = {}}};
  combo.options = {
      .sticky = false, .session_ttl_ms = 60000, .max_attempts = 3, .retries = 0, .max_wait_ms = 0};
  ASSERT_TRUE(store_->putCombo(combo));
  const auto back = store_->listCombos().value().at(0);
  EXPECT_EQ(back.strategy, combo.strategy);
  EXPECT_EQ(back.targets, combo.targets);
  EXPECT_EQ(back.options, combo.options);
}

TEST_F(SqliteStoreTest, ComboRowsOfTheFirstSchemaAreRead) {
  execute(path_,
          "INSERT INTO combos(id, name, strategy, targets, created_ms, updated_ms) VALUES('old', "
          "'old', 'round_robin', '[\"kiro/a\"]', 1, 1)");
  const auto combo = store_->listCombos().value().at(0);
  EXPECT_EQ(combo.strategy, routing::Strategy::RoundRobin);
  EXPECT_EQ(combo.targets.at(0).text, "kiro/a");
  EXPECT_EQ(combo.options, routing::ComboOptions{});
}

TEST_F(SqliteStoreTest, EverythingIsThereAfterReopening) {
  ASSERT_TRUE(store_->create(connection("id-1", "one"),
                             {{"token", "secret", true}, {"region", "x", false}}));
  ASSERT_TRUE(store_->putCombo({"c-1", "fast", routing::Strategy::Priority, {{"kiro/one"}}, 1, 1}));
  openStore();
  EXPECT_EQ(store_->value("id-1", "token").value(), "secret");
  EXPECT_EQ(store_->get("id-1").value().values.at("region"), "x");
  EXPECT_EQ(store_->listCombos().value().at(0).targets.at(0).text, "kiro/one");
}

TEST_F(SqliteStoreTest, TextThatLooksLikeSqlIsOnlyText) {
  const std::string evil = "x'); DROP TABLE connections; --";
  ASSERT_TRUE(store_->create(connection(evil, evil), {{evil, evil, false}}));
  EXPECT_EQ(store_->value(evil, evil).value(), evil);
  EXPECT_EQ(store_->list().value().size(), 1U);
}

TEST_F(SqliteStoreTest, NoSecretIsInTheFilesInPlain) {
  ASSERT_TRUE(
      store_->create(connection("id-1", "plain-name"), {{"token", "aorVERYSECRET1", true}}));
  ASSERT_TRUE(store_->commit("id-1", {{"token", "aorVERYSECRET2", true}}));
  const auto files = fileText(path_) + fileText(path_.string() + "-wal");
  EXPECT_THAT(files, HasSubstr("plain-name"));  // the look would find a plain text
  EXPECT_EQ(files.find("VERYSECRET"), std::string::npos);
  store_.reset();
  EXPECT_EQ(fileText(path_).find("VERYSECRET"), std::string::npos);
}

TEST_F(SqliteStoreTest, ASealedValueCannotBeMovedToAnotherConnection) {
  ASSERT_TRUE(store_->create(connection("id-1", "one"), {{"token", "one's", true}}));
  ASSERT_TRUE(store_->create(connection("id-2", "two"), {{"token", "two's", true}}));
  execute(path_,
          "UPDATE connection_values SET value=(SELECT value FROM connection_values WHERE "
          "connection_id='id-1')"
          " WHERE connection_id='id-2'");
  auto moved = store_->value("id-2", "token");
  ASSERT_FALSE(moved);
  EXPECT_THAT(moved.error().message, HasSubstr("cannot be decrypted"));
  EXPECT_EQ(moved.error().message.find("one's"), std::string::npos);
}

TEST_F(SqliteStoreTest, HasSealedDataTellsWhetherAKeyIsNeeded) {
  EXPECT_FALSE(SqliteStore::hasSealedData(directory_ / "absent.db").value());
  EXPECT_FALSE(fs::exists(directory_ / "absent.db"));
  EXPECT_FALSE(SqliteStore::hasSealedData(path_).value());
  ASSERT_TRUE(store_->create(connection("id-1", "one"), {{"plain", "x", false}}));
  EXPECT_FALSE(SqliteStore::hasSealedData(path_).value());
  ASSERT_TRUE(store_->commit("id-1", {{"token", "x", true}}));
  EXPECT_TRUE(SqliteStore::hasSealedData(path_).value());
}

TEST_F(SqliteStoreTest, AWrongKeyIsRefusedAtOpen) {
  ASSERT_TRUE(store_->create(connection("id-1", "one"), {{"token", "x", true}}));
  store_.reset();
  auto other = sealerOf(2);
  auto opened = SqliteStore::open(path_, other, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "wrong_master_key");
  openStore();  // the right one still opens it
  EXPECT_EQ(store_->value("id-1", "token").value(), "x");
}

TEST_F(SqliteStoreTest, WithoutSecretsANewKeyIsTakenOver) {
  store_.reset();
  auto other = sealerOf(2);
  auto opened = SqliteStore::open(path_, other, clock_);
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE((*opened)->create(connection("id-1", "one"), {{"token", "x", true}}));
  opened->reset();
  EXPECT_FALSE(SqliteStore::open(path_, sealer_, clock_));
  EXPECT_TRUE(SqliteStore::open(path_, other, clock_));
}

TEST_F(SqliteStoreTest, WritesThatTheDatabaseRefusesAreErrorsAndChangeNothing) {
  ASSERT_TRUE(store_->create(connection("id-1", "one"), {{"token", "old", true}}));
  execute(path_,
          "CREATE TRIGGER full BEFORE UPDATE ON connections BEGIN SELECT RAISE(ABORT, 'no'); END");
  auto refused = store_->commit("id-1", {{"token", "new", true}});
  ASSERT_FALSE(refused);
  EXPECT_FALSE(refused.error().message.empty());
  EXPECT_EQ(store_->value("id-1", "token").value(), "old");
  execute(path_, "DROP TRIGGER full");
  EXPECT_TRUE(store_->commit(
      "id-1", {{"token", "new", true}}));  // the session is not stuck in a transaction
}

TEST_F(SqliteStoreTest, EightThreadsCommitAndReadWholeRecords) {
  constexpr int kThreads = 8;
  constexpr int kCommits = 20;
  for (int i = 0; i < kThreads; ++i) {
    const auto id = std::to_string(i);
    ASSERT_TRUE(
        store_->create(connection(id, "name-" + id), {{"a", "0", true}, {"b", "0", false}}));
  }
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, id = std::to_string(i)] {
      for (int n = 1; n <= kCommits; ++n) {
        const auto text = std::to_string(n);
        if (!store_->commit(id, {{"a", text, true}, {"b", text, false}})) ++failures;
        const auto mine = store_->value(id, "a");
        if (!mine || *mine != text) ++failures;  // a thread reads its own last commit
        const auto all = store_->list();
        if (!all || all->size() != kThreads) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  for (int i = 0; i < kThreads; ++i) {
    EXPECT_EQ(store_->value(std::to_string(i), "a").value(), std::to_string(kCommits));
    EXPECT_EQ(store_->value(std::to_string(i), "b").value(), std::to_string(kCommits));
  }
}

TEST_F(SqliteStoreTest, AThousandConnectionsAreListedWithTheirValues) {
  execute(path_,
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1000)"
          " INSERT INTO connections SELECT 'id-'||i, 'kiro', 'name-'||i, '', 'active', '', 0, 0, "
          "0, i, i FROM n;"
          "INSERT INTO connection_values SELECT id, 'region', name, 0 FROM connections");
  auto listed = store_->list();
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1'000U);
  for (const auto& one : *listed) EXPECT_EQ(one.values.at("region"), one.name);
}

}  // namespace
}  // namespace omni::storage
