// What survives: a killed process, a damaged file, a disk that takes nothing more.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "store_fixture.hpp"

namespace omni::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class DurabilityTest : public StoreTest {};

TEST_F(DurabilityTest, CommitsOfAKilledProcessAreThereAndWhole) {
  int channel[2];
  ASSERT_EQ(::pipe(channel), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto opened = SqliteStore::open(path_, sealer_, clock_);
    if (!opened || !(*opened)->create(connection("id-1", "one"), {})) ::_exit(1);
    for (int n = 1;; ++n) {
      const auto text = std::to_string(n);
      if (!(*opened)->commit("id-1", {{"a", text, true}, {"b", text, false}})) ::_exit(2);
      if (::write(channel[1], &n, sizeof n) != sizeof n) ::_exit(3);
    }
  }
  ::close(channel[1]);
  int reported = 0;
  while (reported < 20 && ::read(channel[0], &reported, sizeof reported) == sizeof reported) {
  }
  ::kill(child, SIGKILL);  // somewhere in a later commit
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "child ended with " << WEXITSTATUS(status);
  ::close(channel[0]);

  openStore();
  const auto a = store_->value("id-1", "a").value();
  const auto b = store_->value("id-1", "b").value();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(*a, *b);
  EXPECT_GE(std::stoi(*a), reported);
}

TEST_F(DurabilityTest, ACommitBeforeAnExitWithoutClosingIsThere) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto opened = SqliteStore::open(path_, sealer_, clock_);
    const bool ok =
        opened && (*opened)->create(connection("id-1", "one"), {{"token", "rotated", true}});
    ::_exit(ok ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(SqliteStore::hasSealedData(path_).value());
  openStore();
  EXPECT_EQ(store_->value("id-1", "token").value(), "rotated");
}

TEST_F(DurabilityTest, AFileThatIsNoDatabaseIsRefusedAndKept) {
  const std::string content(8'192, 'x');
  std::ofstream(path_, std::ios::binary) << content;
  auto opened = SqliteStore::open(path_, sealer_, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "storage_damaged") << opened.error().detail;
  EXPECT_THAT(opened.error().message, HasSubstr("restore a backup"));
  EXPECT_EQ(SqliteStore::hasSealedData(path_).error().reason, "storage_damaged");
  EXPECT_EQ(fileText(path_), content);
}

TEST_F(DurabilityTest, ADamagedDatabaseIsRefusedAndKept) {
  openStore();
  for (int i = 0; i < 60; ++i) {
    const auto id = std::to_string(i);
    ASSERT_TRUE(
        store_->create(connection(id, "name-" + id), {{"note", std::string(500, 'n'), false}}));
  }
  store_.reset();
  auto content = fileText(path_);
  ASSERT_GT(content.size(), 5 * 4'096U);
  content.replace(4'096, content.size() - 4'096, std::string(content.size() - 4'096, '\x5a'));
  std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  auto opened = SqliteStore::open(path_, sealer_, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "storage_damaged") << opened.error().detail;
  EXPECT_EQ(fileText(path_), content);
}

TEST_F(DurabilityTest, AMissingDirectoryIsAnError) {
  auto opened = SqliteStore::open(directory_ / "absent" / "x.db", sealer_, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "storage_io");
}

// A file-size limit stands for the full disk: writing fails, for root as well.
TEST_F(DurabilityTest, AFullDiskIsAnErrorAndTheOldValueStays) {
  openStore();
  ASSERT_TRUE(store_->create(connection("id-1", "one"), {{"token", "old", true}}));
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit tight = before;
  tight.rlim_cur = fs::file_size(path_.string() + "-wal") + 4'096;
  auto* const handler = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  auto refused = store_->commit("id-1", {{"token", std::string(200'000, 't'), true}});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().reason, ::testing::AnyOf("storage_full", "storage_io"))
      << refused.error().detail;
  EXPECT_EQ(store_->value("id-1", "token").value(), "old");
  EXPECT_TRUE(store_->commit("id-1", {{"token", "new", true}}));
  EXPECT_EQ(store_->value("id-1", "token").value(), "new");
}

}  // namespace
}  // namespace omni::storage
