#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "plugins/kiro/local/files.hpp"
#include "tests/unit/plugins/kiro/local/fixture.hpp"

namespace omni::kiro::local {
namespace {

using testing::HasSubstr;
using DatabaseFile = Folder;

std::set<std::string> namesIn(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.insert(entry.path().filename());
  return names;
}

TEST_F(DatabaseFile, ReadsARolledBackDatabaseWithoutATrace) {
  {
    Owner owner(path / "d" / "data.sqlite3");
    owner.schema();
    owner.social("r");
  }
  const auto rows = readDatabase((path / "d" / "data.sqlite3").string());
  ASSERT_TRUE(rows) << rows.error();
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ((*rows)[0].key, "kirocli:social:token");
  EXPECT_EQ(namesIn(path / "d"), std::set<std::string>{"data.sqlite3"});
}

TEST_F(DatabaseFile, SeesWhatOnlyTheWriteAheadLogHolds) {
  const auto file = path / "d" / "data.sqlite3";
  Owner owner(file, true);
  owner.schema();
  owner.social("only-in-the-log");
  ASSERT_GT(std::filesystem::file_size(file.string() + "-wal"), 0u);
  const auto before = namesIn(path / "d");
  const auto rows = readDatabase(file.string());
  ASSERT_TRUE(rows) << rows.error();
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_THAT((*rows)[0].value, HasSubstr("only-in-the-log"));
  EXPECT_EQ(namesIn(path / "d"), before);
  owner.social("next");  // the owner is not in its way
}

TEST_F(DatabaseFile, ReadsAWriteAheadDatabaseThatWasClosed) {
  const auto file = path / "data.sqlite3";
  {
    Owner owner(file, true);
    owner.schema();
    owner.social("r");
  }
  const auto rows = readDatabase(file.string());
  ASSERT_TRUE(rows) << rows.error();
  EXPECT_EQ(rows->size(), 1u);
  EXPECT_EQ(namesIn(path), std::set<std::string>{"data.sqlite3"});
}

TEST_F(DatabaseFile, AnExclusiveOwnerIsNeitherBlockedNorInTheWay) {
  const auto file = path / "data.sqlite3";
  Owner owner(file);
  owner.schema();
  owner.social("r");
  owner.run("BEGIN EXCLUSIVE");
  const auto rows = readDatabase(file.string());
  ASSERT_TRUE(rows) << rows.error();
  EXPECT_EQ(rows->size(), 1u);
  owner.social("written while we were there");
  // Now a journal with a header lies there: half a transaction must not be read.
  owner.run("INSERT INTO conversations VALUES('k', hex(randomblob(1000000)))");
  owner.run("PRAGMA cache_size=1; PRAGMA cache_spill=ON");
  const auto during =
      readDatabase(file.string(), {.copy_bytes = 1 << 30, .attempts = 2, .temporary_folder = ""});
  if (!during) {
    EXPECT_THAT(during.error(), HasSubstr("in the middle of a write"));
  }
  owner.run("COMMIT");
  EXPECT_EQ(readDatabase(file.string())->size(), 1u);
}

TEST_F(DatabaseFile, AHotJournalIsSaid) {
  const auto file = path / "data.sqlite3";
  {
    Owner owner(file);
    owner.schema();
  }
  write("data.sqlite3-journal",
        std::string("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8) + std::string(504, '\0'));
  const auto rows =
      readDatabase(file.string(), {.copy_bytes = 1 << 20, .attempts = 1, .temporary_folder = ""});
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error(), HasSubstr("in the middle of a write"));
}

TEST_F(DatabaseFile, SaysWhatIsWrongWithAFile) {
  auto rows = readDatabase(write("text.sqlite3", std::string(4096, 'x')));
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error(), HasSubstr("no SQLite database"));
  rows = readDatabase(
      write("torn.sqlite3", std::string("SQLite format 3\0", 16) + std::string(5000, '\x7f')));
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error(), HasSubstr("damaged"));
  rows = readDatabase(write("new.sqlite3", ""));
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->empty());
  EXPECT_FALSE(readDatabase((path / "none").string()));
}

TEST_F(DatabaseFile, AFileOfAnotherUserIsSaid) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const std::string file = write("data.sqlite3", "x");
  chmod(file.c_str(), 0);
  EXPECT_THAT(readDatabase(file).error(), HasSubstr("user who owns it"));
}

TEST_F(DatabaseFile, ATooLargeCopyIsRefusedWithAWayOut) {
  const auto file = path / "data.sqlite3";
  Owner owner(file, true);
  owner.schema();
  owner.social("r");
  const auto rows =
      readDatabase(file.string(), {.copy_bytes = 100, .attempts = 1, .temporary_folder = ""});
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error(), HasSubstr("close the tool"));
}

TEST_F(DatabaseFile, AHugeOneIsReadInPlaceAndQuickly) {
  const auto file = path / "data.sqlite3";
  {
    Owner owner(file);
    owner.schema();
    owner.social("r");
  }
  std::filesystem::resize_file(file, 8ull << 30);  // sparse
  const auto rows = readDatabase(file.string());
  // Pages beyond those that the header counts are not looked at.
  ASSERT_TRUE(rows) << rows.error();
  EXPECT_EQ(rows->size(), 1u);
}

TEST_F(DatabaseFile, AnEndlessViewEnds) {
  const auto file = path / "data.sqlite3";
  {
    Owner owner(file);
    owner.run(
        "CREATE VIEW auth_kv AS WITH RECURSIVE c(key, value) AS (SELECT 'x', 'y' UNION ALL SELECT "
        "key, value FROM c) "
        "SELECT key, value FROM c");
  }
  const auto rows = readDatabase(file.string());
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error(), HasSubstr("too long"));
}

TEST_F(DatabaseFile, OddNamesAreNoOptions) {
  const auto file = path / "a?mode=memory#%41" / "data.sqlite3";
  {
    Owner owner(file);
    owner.schema();
    owner.social("r");
  }
  EXPECT_EQ(readDatabase(file.string())->size(), 1u);
}

}  // namespace
}  // namespace omni::kiro::local
