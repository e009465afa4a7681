#include "service/admin/backup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_backups.hpp"
#include "fakes.hpp"

namespace omni::admin::testing {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

struct BackupWorld : World {
  BackupWorld() { addBackupRoutes(table, {.backups = backups, .clock = clock}); }
  FakeBackups backups;
};

TEST(Backup, IsADownloadUnderAPassphrase) {
  BackupWorld world;
  const FakeWriter answer =
      world.call("POST", "/api/backup", R"({"passphrase":"correct horse battery"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(world.backups.passphrase, "correct horse battery");
  EXPECT_THAT(answer.body, HasSubstr("omniroute-backup"));
}

TEST(Backup, WrongInputIsNamedAndNothingIsMade) {
  BackupWorld world;
  EXPECT_THAT(world.call("POST", "/api/backup", R"({"passphrase":1})").body,
              HasSubstr("passphrase"));
  EXPECT_EQ(world.call("POST", "/api/backup", R"({"pass":"x"})").status, 400);
  EXPECT_THAT(world.call("POST", "/api/restore", R"({"passphrase":"x"})").body,
              HasSubstr("backup"));
  EXPECT_TRUE(world.backups.passphrase.empty());
  EXPECT_FALSE(world.backups.waiting);
}

TEST(Backup, ARestoreWaitsForTheNextStartAndCanBeCancelled) {
  BackupWorld world;
  EXPECT_EQ(json::parse(world.call("GET", "/api/restore").body).at("staged"), false);
  EXPECT_EQ(world.call("DELETE", "/api/restore").status, 404);
  const FakeWriter staged = world.call(
      "POST", "/api/restore", R"({"passphrase":"p","backup":{"format":"omniroute-backup"}})");
  ASSERT_EQ(staged.status, 202) << staged.body;
  EXPECT_EQ(world.backups.given, R"({"format":"omniroute-backup"})");
  EXPECT_EQ(json::parse(staged.body).at("restartNeeded"), true);
  EXPECT_EQ(json::parse(staged.body).at("backup").at("connections"), 3);
  const json::value shown = json::parse(world.call("GET", "/api/restore").body);
  EXPECT_EQ(shown.at("staged"), true);
  EXPECT_EQ(shown.at("backup").at("createdAt"), "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(world.call("DELETE", "/api/restore").status, 200);
  EXPECT_FALSE(world.backups.waiting);
}

TEST(Backup, AFailureKeepsItsStatusAndField) {
  BackupWorld world;
  world.backups.failure = makeError(FailureKind::BadRequest, "Too short.", "passphrase").error();
  const FakeWriter answer = world.call("POST", "/api/backup", R"({"passphrase":"x"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("passphrase"));
  world.backups.failure = makeError(FailureKind::Conflict, "Other key.", "backup").error();
  EXPECT_EQ(world.call("POST", "/api/restore", R"({"passphrase":"x","backup":"{}"})").status, 409);
}

}  // namespace
}  // namespace omni::admin::testing
