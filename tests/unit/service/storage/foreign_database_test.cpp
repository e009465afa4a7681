#include "service/storage/foreign_database.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>

namespace omni::storage {
namespace {

namespace fs = std::filesystem;

class ForeignDatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "omni-foreign-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  // The bytes of a database that the statements make.
  std::string make(const std::string& sql) {
    const fs::path path = directory_ / "made.db";
    fs::remove(path);
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    char* problem = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &problem), SQLITE_OK)
        << (problem ? problem : "");
    sqlite3_close(database);
    std::ifstream in(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    in.close();
    fs::remove(path);
    return bytes;
  }
  Result<std::vector<ForeignRow>> read(const std::string& bytes) {
    SqliteForeignDatabase reader(directory_);
    auto rows = reader.read(bytes);
    EXPECT_TRUE(fs::is_empty(directory_)) << "the private copy was left behind";
    if (!rows) EXPECT_EQ(rows.error().field, "body");
    return rows;
  }

  fs::path directory_;
};

const char* const kOmniRoute =
    "CREATE TABLE provider_connections(id TEXT PRIMARY KEY, provider TEXT, auth_type TEXT, name "
    "TEXT, email TEXT, is_active INTEGER, access_token TEXT, refresh_token TEXT, api_key TEXT, "
    "expires_at TEXT, provider_specific_data TEXT);";

TEST_F(ForeignDatabaseTest, ReadsOmniRoutesTable) {
  const auto rows =
      read(make(std::string(kOmniRoute) +
                "INSERT INTO provider_connections VALUES('c1','kiro','oauth','dev',"
                "'d@x',1,'aoa','enc:v1:a:b:c',NULL,'2026-01-01','{\"region\":\"r\"}'),"
                "('c2','openai','apikey','o',NULL,0,NULL,NULL,'k',NULL,NULL);"));
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2u);
  const ForeignRow& row = rows->front();
  EXPECT_EQ(row.id, "c1");
  EXPECT_EQ(row.name, "dev");
  EXPECT_EQ(row.refresh_token, "enc:v1:a:b:c");
  EXPECT_EQ(row.expires_at, "2026-01-01");
  EXPECT_EQ(row.data, "{\"region\":\"r\"}");
  EXPECT_TRUE(row.active);
  EXPECT_FALSE(rows->back().active);
  EXPECT_EQ(rows->back().api_key, "k");
}

TEST_F(ForeignDatabaseTest, Reads9RoutersTableAlsoInWalMode) {
  const auto rows = read(make(
      "PRAGMA journal_mode=WAL; CREATE TABLE providerConnections(id TEXT PRIMARY KEY, provider "
      "TEXT, authType TEXT, name TEXT, email TEXT, priority INTEGER, isActive INTEGER, data TEXT);"
      "INSERT INTO providerConnections VALUES('c','kiro','oauth','n','e',1,1,'{\"a\":1}');"));
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->front().data, "{\"a\":1}");
}

TEST_F(ForeignDatabaseTest, WhatIsNoSuchDatabaseIsRefused) {
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read("{\"accounts\":[]}"));
  EXPECT_FALSE(read(std::string("SQLite format 3\0", 16)));
  EXPECT_FALSE(read(std::string("SQLite format 3\0", 16) + std::string(5000, 'x')));
  EXPECT_FALSE(read(make("CREATE TABLE other(x);")));
  EXPECT_FALSE(read(make("CREATE TABLE provider_connections(x);")));
}

TEST_F(ForeignDatabaseTest, AViewInTheTablesPlaceIsNotRun) {
  EXPECT_FALSE(
      read(make("CREATE TABLE t(id TEXT, provider TEXT, refresh_token TEXT);"
                "CREATE VIEW provider_connections AS SELECT * FROM t;")));
}

TEST_F(ForeignDatabaseTest, AnyDamageIsAnErrorOrRowsNeverACrash) {
  std::string sql = kOmniRoute;
  for (int i = 0; i < 60; ++i)
    sql += "INSERT INTO provider_connections VALUES('c" + std::to_string(i) + "','kiro','oauth','" +
           std::string(100, 'n') + "','e',1,'a','r',NULL,NULL,'{}');";
  const std::string good = make(sql);
  SqliteForeignDatabase reader(directory_);
  for (size_t cut = 100; cut < good.size(); cut += 997) (void)reader.read(good.substr(0, cut));
  for (size_t at = 16; at < good.size(); at += 211) {
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x5a);
    (void)reader.read(damaged);
  }
  EXPECT_TRUE(fs::is_empty(directory_));
}

}  // namespace
}  // namespace omni::storage
