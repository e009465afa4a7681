#include "service/storage/migrations.hpp"

#include <Poco/Data/Statement.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "service/storage/database.hpp"
#include "store_fixture.hpp"

namespace omni::storage {
namespace {

namespace fs = std::filesystem;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;
using ::testing::HasSubstr;

class MigrationsTest : public StoreTest {
 protected:
  std::vector<fs::path> copies() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      if (entry.path().filename().string().find(".before-") != std::string::npos)
        found.push_back(entry.path());
    }
    return found;
  }
  static int number(Poco::Data::Session& session, const std::string& sql) {
    int value = -1;
    session << sql, into(value), now;
    return value;
  }

  const Migration one_{1, {"CREATE TABLE t(a)", "INSERT INTO t VALUES(1)"}};
  const Migration two_{2, {"ALTER TABLE t ADD COLUMN b DEFAULT 5"}};
  const Migration bad_{2, {"INSERT INTO t VALUES(2)", "INSERT INTO nowhere VALUES(1)"}};
};

TEST_F(MigrationsTest, AnEmptyDatabaseIsBroughtFromZeroWithoutACopy) {
  ASSERT_TRUE(prepareFile(path_));
  auto session = openSession(path_);
  const std::vector<Migration> steps{one_, two_};
  ASSERT_TRUE(migrate(session, path_, steps, 9));
  EXPECT_EQ(number(session, "PRAGMA user_version"), 2);
  EXPECT_EQ(number(session, "SELECT b FROM t"), 5);
  EXPECT_TRUE(copies().empty());
  ASSERT_TRUE(migrate(session, path_, steps, 9));  // nothing left to do
  EXPECT_EQ(number(session, "SELECT COUNT(*) FROM t"), 1);
}

TEST_F(MigrationsTest, AnExistingDatabaseIsCopiedFirst) {
  ASSERT_TRUE(prepareFile(path_));
  auto session = openSession(path_);
  ASSERT_TRUE(migrate(session, path_, std::vector<Migration>{one_}, 8));
  ASSERT_TRUE(migrate(session, path_, std::vector<Migration>{one_, two_}, 9));
  EXPECT_EQ(number(session, "PRAGMA user_version"), 2);
  ASSERT_EQ(copies().size(), 1U);
  struct stat info{};
  ASSERT_EQ(::stat(copies()[0].c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  auto copy = openSession(copies()[0]);
  EXPECT_EQ(number(copy, "PRAGMA user_version"), 1);
  EXPECT_EQ(number(copy, "SELECT a FROM t"), 1);
}

TEST_F(MigrationsTest, AFailedStepIsUndoneAndNamesTheCopy) {
  ASSERT_TRUE(prepareFile(path_));
  auto session = openSession(path_);
  ASSERT_TRUE(migrate(session, path_, std::vector<Migration>{one_}, 8));
  auto failed = migrate(session, path_, std::vector<Migration>{one_, bad_}, 9);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr(".before-v2-9"));
  EXPECT_EQ(number(session, "PRAGMA user_version"), 1);
  EXPECT_EQ(number(session, "SELECT COUNT(*) FROM t"), 1);
}

TEST_F(MigrationsTest, ANewerDatabaseIsRefusedAndLeftAlone) {
  openStore();
  store_.reset();
  {
    auto session = openSession(path_);
    run(session, "PRAGMA user_version=99");
  }
  auto opened = SqliteStore::open(path_, sealer_, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "storage_newer");
  EXPECT_THAT(opened.error().message, HasSubstr("newer OmniRoute"));
  auto session = openSession(path_);
  EXPECT_EQ(number(session, "PRAGMA user_version"), 99);
  EXPECT_EQ(number(session, "SELECT COUNT(*) FROM connections"), 0);
}

TEST_F(MigrationsTest, TheSchemaIsNumberedWithoutGaps) {
  int expected = 1;
  for (const auto& step : schemaMigrations()) EXPECT_EQ(step.version, expected++);
  openStore();
  auto session = openSession(path_);
  EXPECT_EQ(number(session, "PRAGMA user_version"), expected - 1);
}

TEST_F(MigrationsTest, SessionsHaveTheDurablePragmas) {
  ASSERT_TRUE(prepareFile(path_));
  auto session = openSession(path_);
  EXPECT_EQ(number(session, "PRAGMA synchronous"), 2);
  EXPECT_EQ(number(session, "PRAGMA foreign_keys"), 1);
  EXPECT_EQ(number(session, "PRAGMA busy_timeout"), 5'000);
  EXPECT_EQ(number(session, "PRAGMA secure_delete"), 1);
}

}  // namespace
}  // namespace omni::storage
