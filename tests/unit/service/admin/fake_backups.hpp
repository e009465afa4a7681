#pragma once
// Backups that remember what they were asked for.

#include <string>

#include "core/ports/backup.hpp"

namespace omni::admin::testing {

struct FakeBackups final : Backups {
  std::string passphrase, given;
  std::optional<BackupSummary> waiting;
  std::optional<Error> failure;

  Result<std::string> make(std::string_view secret) override {
    passphrase = secret;
    if (failure) return std::unexpected(*failure);
    return std::string(R"({"format":"omniroute-backup"})");
  }
  Result<BackupSummary> stage(std::string_view backup, std::string_view secret) override {
    given = backup;
    passphrase = secret;
    if (failure) return std::unexpected(*failure);
    waiting = BackupSummary{
        .created_ms = 1'700'000'000'000, .version = "1.2.3", .schema = 2, .connections = 3};
    return *waiting;
  }
  std::optional<BackupSummary> staged() override { return waiting; }
  Result<> unstage() override {
    if (!waiting) return makeError(FailureKind::NotFound, "Nothing waits.");
    waiting.reset();
    return {};
  }
};

}  // namespace omni::admin::testing
