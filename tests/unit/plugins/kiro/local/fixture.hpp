#pragma once
// A temporary folder and databases as the tools write them.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace omni::kiro::local {

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "omni-local-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    path = name;
  }
  void TearDown() override { std::filesystem::remove_all(path); }

  std::string write(const std::string& name, const std::string& bytes) {
    const auto file = path / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file.string();
  }

  std::filesystem::path path;
};

class Owner {  // the tool's own connection
 public:
  explicit Owner(const std::filesystem::path& file, bool wal = false) {
    std::filesystem::create_directories(file.parent_path());
    EXPECT_EQ(sqlite3_open(file.c_str(), &handle_), SQLITE_OK);
    if (wal) run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
  }
  ~Owner() { sqlite3_close(handle_); }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  void run(const std::string& sql) {
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << (message ? message : "");
    sqlite3_free(message);
  }
  void schema() {
    run("CREATE TABLE auth_kv(key TEXT PRIMARY KEY, value TEXT); CREATE TABLE state(key TEXT "
        "PRIMARY KEY, value BLOB); "
        "CREATE TABLE conversations(key TEXT PRIMARY KEY, value TEXT)");
  }
  void social(const std::string& refresh) {
    run("INSERT OR REPLACE INTO auth_kv VALUES('kirocli:social:token', "
        "'{\"access_token\":\"a\",\"refresh_token\":\"" +
        refresh + "\",\"provider\":\"google\"}')");
  }

 private:
  sqlite3* handle_ = nullptr;
};

}  // namespace omni::kiro::local
