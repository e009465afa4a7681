#pragma once
// Copies of the database for backups, their way back, and files that are damaged. Only file and
// SQLite work; what a backup is sealed with is not known here.
//
// Files beside the database <db>:
//   <db>.restore, <db>.restore.key    laid there by stageCopy(), taken by adoptStaged()
//   <db>.replaced-<ms>                the database that a restored one has replaced
//   <db>.damaged-<ms>                 a damaged one, as it was found
// each with its -wal where there was one.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/ports/sealer.hpp"

namespace omni::storage {

struct CopyInfo {
  int schema = 0;
  int connections = 0;
  int64_t copied_ms = 0;  // when copyDatabase() made it; 0: it does not say
};

// The bytes of a consistent copy, without the rows of the request log (the daily sums are there).
// Other sessions go on reading and writing. Needs room for the copy beside the database, and memory
// for it. Thread-safe, also between processes.
Result<std::string> copyDatabase(const std::filesystem::path& database, int64_t now_ms);

// Writes the copy, checks it (integrity, schema, that `sealer` opens its secrets) and lays it
// beside the database, durably. `key` (32 bytes) is laid beside it when it has to replace the
// installed one; empty: it has not. BadRequest (field "backup") for a copy that is no good; then
// nothing is left of it.
Result<CopyInfo> stageCopy(const std::filesystem::path& database, std::string_view bytes,
                           Sealer& sealer, std::string_view key);

// What stageCopy() has laid there; nullopt: nothing. `at_ms`: when.
struct Staged {
  CopyInfo info;
  int64_t at_ms = 0;
};
std::optional<Staged> stagedCopy(const std::filesystem::path& database);

// False when nothing was there.
Result<bool> removeStaged(const std::filesystem::path& database);

// Before the database is opened: puts a staged copy, and its key, in place. The old ones are kept
// under other names. May be repeated after a crash at any point. Returns where the old database
// went; empty: there was nothing staged.
Result<std::string> adoptStaged(const std::filesystem::path& database,
                                const std::filesystem::path& key_file, int64_t now_ms);

// Moves a damaged database, and what belongs to it, aside; returns its new name.
Result<std::string> setAside(const std::filesystem::path& database, int64_t now_ms);

// The newest one that setAside() has left, when there is no database in its place; empty: none.
std::string damagedWithoutSuccessor(const std::filesystem::path& database);

}  // namespace omni::storage
