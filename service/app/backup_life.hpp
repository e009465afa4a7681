#pragma once
// Backups: the database's copy and the master key, sealed under a passphrase; and what happens to
// the database's files before it is opened.

#include <filesystem>
#include <functional>
#include <string>

#include "core/ports/backup.hpp"
#include "core/ports/clock.hpp"
#include "service/config/config.hpp"
#include "service/secrets/bundle.hpp"
#include "service/secrets/master_key.hpp"

namespace omni::app {

std::filesystem::path databaseFile(const config::Config& config);

// Thread-safe. The clock outlives it.
class BackupLife final : public Backups {
 public:
  // `current`: the key in use; empty when the service does not run (a restore by hand).
  BackupLife(const config::Config& config, std::string current, Clock& clock);
  ~BackupLife() override;

  Result<std::string> make(std::string_view passphrase) override;
  Result<BackupSummary> stage(std::string_view backup, std::string_view passphrase) override;
  std::optional<BackupSummary> staged() override;
  Result<> unstage() override;

 private:
  std::filesystem::path database_;
  std::filesystem::path key_file_;
  std::string current_;  // wiped at the end
  Clock& clock_;
  secrets::ScryptBundleCipher cipher_{secrets::kBackupKind};
};

// Before the database is opened. A staged restore is put in place. When the last start has moved a
// damaged database aside and nothing took its place, that is an error: an empty service would hide
// the loss. `say` hears what was done.
Result<> prepareDatabase(const config::Config& config, Clock& clock,
                         const std::function<void(const std::string&)>& say);

// After opening failed: a damaged database is moved aside, and the error says where it is.
Error keepDamaged(Error error, const config::Config& config, Clock& clock);

}  // namespace omni::app
