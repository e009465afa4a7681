#include "service/secrets/master_key.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

namespace omni::secrets {
namespace {

namespace fs = std::filesystem;

class MasterKeyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "omni-key-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ / "master.key";
  }
  void TearDown() override { fs::remove_all(directory_); }

  void writeFile(size_t size, mode_t mode = 0600) {
    std::ofstream(path_, std::ios::binary) << std::string(size, 'k');
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }

  fs::path directory_;
  fs::path path_;
};

TEST_F(MasterKeyTest, CreatesTheFileForTheOwnerOnlyAndReadsItBack) {
  auto made = loadOrCreateMasterKey(path_, false);
  ASSERT_TRUE(made) << made.error().message;
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(info.st_size, 32);
  auto again = loadOrCreateMasterKey(path_, true);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(std::ranges::equal(made->bytes(), again->bytes()));
}

TEST_F(MasterKeyTest, TwoKeysDiffer) {
  auto one = loadOrCreateMasterKey(path_, false);
  auto two = loadOrCreateMasterKey(directory_ / "other.key", false);
  ASSERT_TRUE(one && two);
  EXPECT_FALSE(std::ranges::equal(one->bytes(), two->bytes()));
}

TEST_F(MasterKeyTest, AMissingFileIsNotReplacedWhileSealedDataExist) {
  auto key = loadOrCreateMasterKey(path_, true);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().reason, "master_key_missing");
  EXPECT_NE(key.error().message.find("Restore"), std::string::npos);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(MasterKeyTest, AWrongSizeIsRefusedAndTheFileKept) {
  for (const size_t size : {0U, 31U, 33U, 64U}) {
    writeFile(size);
    auto key = loadOrCreateMasterKey(path_, false);
    ASSERT_FALSE(key) << size;
    EXPECT_EQ(key.error().reason, "master_key_size");
    EXPECT_EQ(fs::file_size(path_), size);
  }
}

TEST_F(MasterKeyTest, AFileOpenToOthersIsRefused) {
  for (const mode_t mode : {0640U, 0620U, 0604U, 0602U, 0644U}) {
    writeFile(32, mode);
    auto key = loadOrCreateMasterKey(path_, true);
    ASSERT_FALSE(key) << mode;
    EXPECT_EQ(key.error().reason, "master_key_permissions");
    EXPECT_NE(key.error().message.find("chmod 600"), std::string::npos);
  }
}

TEST_F(MasterKeyTest, ASystemdCredentialMayShowItsAclMask) {
  writeFile(32, 0440);
  ::setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
  auto key = loadOrCreateMasterKey(path_, true);
  writeFile(32, 0644);
  auto open_to_all = loadOrCreateMasterKey(path_, true);
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_TRUE(key);
  EXPECT_FALSE(open_to_all);
}

TEST_F(MasterKeyTest, ADirectoryOrAFifoIsRefused) {
  fs::create_directory(path_);
  EXPECT_FALSE(loadOrCreateMasterKey(path_, false));
  fs::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  auto key = loadOrCreateMasterKey(path_, false);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().reason, "master_key_type");
}

TEST_F(MasterKeyTest, AMissingDirectoryIsAnError) {
  auto key = loadOrCreateMasterKey(directory_ / "absent" / "master.key", false);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().reason, "master_key_io");
}

}  // namespace
}  // namespace omni::secrets
