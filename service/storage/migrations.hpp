#pragma once
// The database's schema, as numbered steps. PRAGMA user_version holds the number of the last one
// taken. To change the schema: append a migration; never edit one that was released.

#include <Poco/Data/Session.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/base/error.hpp"

namespace omni::storage {

struct Migration {
  int version;  // 1, 2, 3 …
  std::vector<std::string> statements;
};

std::span<const Migration> schemaMigrations();

// Takes the steps that are missing, each in a transaction of its own. A database with content is
// first copied to
// "<file>.before-v<last>-<now_ms>". Errors: the database is newer than this build (reason
// "storage_newer"; nothing was changed), or a step fails (that step is undone, the message names
// the copy). Never throws.
Result<> migrate(Poco::Data::Session& session, const std::filesystem::path& path,
                 std::span<const Migration> migrations, int64_t now_ms);

}  // namespace omni::storage
