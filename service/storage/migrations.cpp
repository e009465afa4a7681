#include "service/storage/migrations.hpp"

#include <Poco/Data/Statement.h>
#include <fmt/format.h>

#include "service/storage/database.hpp"

namespace omni::storage {
namespace {

namespace fs = std::filesystem;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

int userVersion(Poco::Data::Session& session) {
  int version = 0;
  session << "PRAGMA user_version", into(version), now;
  return version;
}

// The copy is made by SQLite, so it holds what is still in the write-ahead log.
Result<> copyDatabase(Poco::Data::Session& session, const fs::path& target) {
  std::error_code code;
  if (fs::exists(target, code)) {
    return makeError(FailureKind::Unavailable,
                     fmt::format("The safety copy {} exists already: move it away and start again.",
                                 target.string()));
  }
  if (auto ok = prepareFile(target); !ok)
    return ok;  // VACUUM INTO takes an empty file and keeps its mode
  session << "VACUUM INTO ?", bind(target.string()), now;
  return {};
}

void apply(Poco::Data::Session& session, const Migration& migration) {
  run(session, "BEGIN IMMEDIATE");
  for (const auto& statement : migration.statements) run(session, statement);
  run(session, fmt::format("PRAGMA user_version={}", migration.version));
  run(session, "COMMIT");
}

}  // namespace

std::span<const Migration> schemaMigrations() {
  // NOCASE in the unique indexes: two names that differ only in case would be told apart by nobody.
  static const std::vector<Migration> migrations{
      {1,
       {
           "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",

           "CREATE TABLE connections("
           " id TEXT PRIMARY KEY, provider TEXT NOT NULL, name TEXT NOT NULL,"
           " fingerprint TEXT NOT NULL DEFAULT '',"
           " state TEXT NOT NULL, state_reason TEXT NOT NULL, state_since_ms INTEGER NOT NULL,"
           " state_until_ms INTEGER NOT NULL, next_probe_ms INTEGER NOT NULL,"
           " created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL)",
           "CREATE UNIQUE INDEX connections_name ON connections(provider, name COLLATE NOCASE)",
           "CREATE UNIQUE INDEX connections_fingerprint ON connections(provider, fingerprint)"
           " WHERE fingerprint <> ''",

           "CREATE TABLE connection_values("
           " connection_id TEXT NOT NULL REFERENCES connections(id) ON DELETE CASCADE,"
           " key TEXT NOT NULL, value TEXT NOT NULL, is_secret INTEGER NOT NULL,"
           " PRIMARY KEY(connection_id, key)) WITHOUT ROWID",

           "CREATE TABLE combos("
           " id TEXT PRIMARY KEY, name TEXT NOT NULL, strategy TEXT NOT NULL, targets TEXT NOT "
           "NULL,"
           " created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL)",
           "CREATE UNIQUE INDEX combos_name ON combos(name COLLATE NOCASE)",
       }},
  };
  return migrations;
}

Result<> migrate(Poco::Data::Session& session, const fs::path& path,
                 std::span<const Migration> migrations, int64_t now_ms) {
  fs::path copy;
  try {
    const int last = migrations.empty() ? 0 : migrations.back().version;
    const int version = userVersion(session);
    if (version > last) {
      auto error = makeError(
          FailureKind::Unavailable,
          fmt::format("The database {} was written by a newer OmniRoute (schema {}, this one knows "
                      "{}). Install that "
                      "version again, or restore the copy that it made before its upgrade.",
                      path.string(), version, last));
      error.error().reason = "storage_newer";
      return error;
    }
    if (version == last) return {};
    int tables = 0;
    session << "SELECT COUNT(*) FROM sqlite_master", into(tables), now;
    if (tables > 0) {
      copy = path;
      copy += fmt::format(".before-v{}-{}", last, now_ms);
      if (auto ok = copyDatabase(session, copy); !ok) return ok;
    }
    for (const auto& migration : migrations) {
      if (migration.version > version) apply(session, migration);
    }
    return {};
  } catch (const Poco::Exception& cause) {
    rollback(session);
    auto error = databaseError(path, "cannot be brought to the current schema", cause);
    if (!copy.empty()) error.message += fmt::format(" A copy from before is in {}.", copy.string());
    return std::unexpected(std::move(error));
  }
}

}  // namespace omni::storage
