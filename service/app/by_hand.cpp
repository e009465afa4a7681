#include "service/app/by_hand.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "service/app/backup_life.hpp"
#include "service/app/system.hpp"
#include "service/platform/folder_lock.hpp"
#include "service/storage/backup.hpp"
#include "service/storage/database.hpp"

namespace omni::app {

namespace fs = std::filesystem;

Result<std::string> restoreByHand(const config::Config& config, const fs::path& file,
                                  std::istream& input) {
  std::ifstream in(file, std::ios::binary);
  const std::string backup((std::istreambuf_iterator<char>(in)), {});
  if (!in.is_open() || in.bad())
    return makeError(FailureKind::BadRequest, fmt::format("{} cannot be read.", file.string()),
                     "restore");
  std::string passphrase;
  std::getline(input, passphrase);
  if (passphrase.ends_with('\r')) passphrase.pop_back();
  std::error_code code;
  fs::create_directories(config.data_dir, code);
  const auto lock = platform::FolderLock::take(config.data_dir);
  if (!lock) return std::unexpected(lock.error());
  SystemClock clock;
  BackupLife backups(config, {}, clock);
  auto staged = backups.stage(backup, passphrase);
  if (!staged) return std::unexpected(std::move(staged.error()));
  return fmt::format(
      "The backup ({} accounts) is laid ready: the next start puts it in place and keeps what was "
      "there before.",
      staged->connections);
}

Result<std::string> beginAnew(const config::Config& config) {
  const auto lock = platform::FolderLock::take(config.data_dir);
  if (!lock) return std::unexpected(lock.error());
  const fs::path database = fs::absolute(databaseFile(config));
  std::error_code code;
  if (fs::exists(database, code))
    return makeError(FailureKind::Conflict,
                     fmt::format("There is a database, {}: nothing to begin anew. Move it away "
                                 "first if you mean that.",
                                 database.string()),
                     "begin-anew");
  const std::string damaged = storage::damagedWithoutSuccessor(database);
  if (auto made = storage::prepareFile(database); !made)
    return std::unexpected(std::move(made.error()));
  return damaged.empty()
             ? std::string("The next start begins with an empty database.")
             : fmt::format(
                   "The next start begins with an empty database. The damaged one stays {}.",
                   damaged);
}

}  // namespace omni::app
