#include "service/storage/backup.hpp"

#include <Poco/Data/Statement.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <set>
#include <thread>

#include "service/storage/database.hpp"
#include "store_fixture.hpp"

namespace omni::storage {
namespace {

namespace fs = std::filesystem;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class BackupTest : public StoreTest {
 protected:
  fs::path with(std::string_view suffix) const {
    fs::path out = path_;
    out += suffix;
    return out;
  }
  std::set<std::string> files() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_))
      found.insert(entry.path().filename().string());
    return found;
  }
  void add(const std::string& id, const std::string& secret) {
    ASSERT_TRUE(store_->create(connection(id, id), {{"refreshToken", secret, true}}));
  }
  std::string copy() {
    auto bytes = copyDatabase(path_, 77);
    EXPECT_TRUE(bytes) << bytes.error().message;
    return bytes ? *bytes : std::string();
  }
  // What an administrator's stop does.
  void closeStore() { store_.reset(); }
  fs::path key_file() const { return directory_ / "master.key"; }
};

TEST_F(BackupTest, ACopyOfARunningDatabaseComesBackWhole) {
  openStore();
  add("a", "token-a");
  const std::string bytes = copy();
  add("b", "token-b");  // after the copy
  auto info = stageCopy(path_, bytes, sealer_, {});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->connections, 1);
  EXPECT_EQ(store_->list()->size(), 2U) << "staging must not touch what is in use";
  ASSERT_TRUE(stagedCopy(path_));
  EXPECT_EQ(stagedCopy(path_)->info.connections, 1);
  EXPECT_EQ(stagedCopy(path_)->info.copied_ms, 77)
      << "when it was made, not when it was laid there";
  closeStore();
  auto kept = adoptStaged(path_, key_file(), 99);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_THAT(*kept, HasSubstr(".replaced-99"));
  openStore();
  ASSERT_EQ(store_->list()->size(), 1U);
  EXPECT_EQ(**store_->value("a", "refreshToken"), "token-a");
  EXPECT_FALSE(stagedCopy(path_));
  EXPECT_EQ(*adoptStaged(path_, key_file(), 100), "");  // once only
  // The replaced one still opens, with both.
  path_ = *kept;
  openStore();
  EXPECT_EQ(store_->list()->size(), 2U);
}

TEST_F(BackupTest, ACopyHoldsNoRowsOfTheRequestLogAndLeavesNoFile) {
  openStore();
  {
    auto session = openSession(path_);
    run(session,
        "INSERT INTO requests(request_id, trace_id, at_ms, api, model, served_model, connection_id,"
        " connection_name, provider, attempts, status, error, streamed, first_byte_ms, duration_ms,"
        " input_tokens, output_tokens, cache_read_tokens, credits, caller)"
        " VALUES('NEEDLE-REQUEST','',1,'','','','','','','',200,'',0,0,0,0,0,0,0,'')");
  }
  const auto before = files();
  const std::string bytes = copy();
  EXPECT_EQ(bytes.find("NEEDLE-REQUEST"), std::string::npos);
  EXPECT_THAT(bytes, StartsWith("SQLite format 3"));
  EXPECT_EQ(files(), before);
}

TEST_F(BackupTest, CopiesTakenWhileOthersWriteAreConsistent) {
  openStore();
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    // Two values that a consistent copy never shows apart.
    for (int i = 0; !stop; ++i)
      ASSERT_TRUE(store_->create(connection("c" + std::to_string(i), "c" + std::to_string(i)),
                                 {{"one", "1", false}, {"two", "2", true}}));
  });
  for (int i = 0; i < 5; ++i) {
    const std::string bytes = copy();
    auto info = stageCopy(path_, bytes, sealer_, {});
    ASSERT_TRUE(info) << info.error().message;
    auto session = openSession(with(".restore"));
    int halves = -1;
    session << "SELECT COUNT(*) FROM connections c WHERE 2<>(SELECT COUNT(*) FROM "
               "connection_values v WHERE v.connection_id=c.id)",
        into(halves), now;
    EXPECT_EQ(halves, 0);
  }
  stop = true;
  writer.join();
}

TEST_F(BackupTest, WhatIsNoGoodIsRefusedAndNothingIsLeft) {
  openStore();
  add("a", "token-a");
  const std::string good = copy();
  const auto before = files();
  std::string cut = good.substr(0, good.size() / 2);
  std::string torn = good;
  torn.replace(4096, 4096, std::string(4096, 'x'));
  for (const std::string& bytes :
       {std::string(), std::string("nonsense"), cut, torn, std::string(8192, '\0')}) {
    auto info = stageCopy(path_, bytes, sealer_, {});
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().field, "backup");
    EXPECT_EQ(info.error().kind, FailureKind::BadRequest);
    EXPECT_EQ(files(), before);
  }
  auto other = sealerOf(2);
  auto wrong = stageCopy(path_, good, other, {});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("another key"));
  {
    ASSERT_TRUE(stageCopy(path_, good, sealer_, {}));
    auto session = openSession(with(".restore"));
    run(session, "PRAGMA user_version=99");
  }
  const std::string newer = fileText(with(".restore"));
  ASSERT_TRUE(*removeStaged(path_));
  auto refused = stageCopy(path_, newer, sealer_, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("newer OmniRoute"));
}

TEST_F(BackupTest, AnotherKeyComesWithItsDatabaseAndTheOldOneIsKept) {
  openStore();
  add("a", "token-a");
  const std::string bytes = copy();
  closeStore();
  fs::remove(path_);
  std::ofstream(key_file(), std::ios::binary) << std::string(32, '\2');
  ASSERT_TRUE(stageCopy(path_, bytes, sealer_, std::string(32, '\1')));
  struct stat info{};
  ASSERT_EQ(::stat(with(".restore.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_TRUE(adoptStaged(path_, key_file(), 5));
  EXPECT_EQ(fileText(key_file()), std::string(32, '\1'));
  EXPECT_EQ(fileText(directory_ / "master.key.replaced-5"), std::string(32, '\2'));
  EXPECT_FALSE(fs::exists(with(".restore.key")));
  openStore();
  EXPECT_EQ(**store_->value("a", "refreshToken"), "token-a");
}

TEST_F(BackupTest, ACrashInTheMiddleOfARestoreIsGoneOnWith) {
  openStore();
  add("a", "token-a");
  const std::string bytes = copy();
  add("b", "token-b");
  closeStore();
  std::ofstream(key_file(), std::ios::binary) << std::string(32, '\2');
  ASSERT_TRUE(stageCopy(path_, bytes, sealer_, std::string(32, '\1')));
  // The machine died after the first two moves.
  fs::rename(path_, with(".replaced-4"));
  fs::rename(key_file(), directory_ / "master.key.replaced-4");
  ASSERT_TRUE(adoptStaged(path_, key_file(), 5));
  EXPECT_EQ(fileText(key_file()), std::string(32, '\1'));
  EXPECT_EQ(fileText(directory_ / "master.key.replaced-4"), std::string(32, '\2'));
  openStore();
  EXPECT_EQ(store_->list()->size(), 1U);
}

TEST_F(BackupTest, AStaleWriteAheadLogIsNeverReplayedIntoTheRestoredDatabase) {
  openStore();
  add("a", "token-a");
  const std::string bytes = copy();
  add("b", "token-b");
  // As after a crash: the log is still there.
  fs::copy_file(with("-wal"), with(".saved-wal"));
  closeStore();
  fs::rename(with(".saved-wal"), with("-wal"));
  ASSERT_TRUE(stageCopy(path_, bytes, sealer_, {}));
  ASSERT_TRUE(adoptStaged(path_, key_file(), 5));
  EXPECT_FALSE(fs::exists(with("-wal")));
  EXPECT_TRUE(fs::exists(with(".replaced-5-wal")));
  openStore();
  EXPECT_EQ(store_->list()->size(), 1U);
}

TEST_F(BackupTest, ADamagedDatabaseIsMovedAsideByteForByte) {
  openStore();
  closeStore();
  std::string text = fileText(path_);
  text.replace(4096, 4096, std::string(4096, 'x'));
  std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
  auto opened = SqliteStore::open(path_, sealer_, clock_);
  ASSERT_FALSE(opened);
  ASSERT_EQ(opened.error().reason, "storage_damaged") << opened.error().message;
  EXPECT_EQ(damagedWithoutSuccessor(path_), "");
  auto moved = setAside(path_, 123);
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(*moved, with(".damaged-123").string());
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_EQ(fileText(*moved), text);
  EXPECT_EQ(damagedWithoutSuccessor(path_), *moved);
  openStore();
  EXPECT_EQ(damagedWithoutSuccessor(path_), "");
}

}  // namespace
}  // namespace omni::storage
