#pragma once
// The SQLite plumbing under the store: opening a session with the right pragmas, and SQLite's
// failures as our errors. Nothing here knows a table.

#include <Poco/Data/Session.h>
#include <Poco/Exception.h>

#include <filesystem>
#include <string_view>

#include "core/base/error.hpp"

namespace omni::storage {

// Makes the file, empty and for its owner only, when it is missing, and takes the rights of others
// from an existing one and its -wal and -shm. SQLite gives those two the mode of the database, so
// no umask (which is process-wide) is touched.
Result<> prepareFile(const std::filesystem::path& path);

// Opens a session with WAL, synchronous=FULL, foreign keys, secure delete and a busy time-out of 5
// s. Throws Poco::Exception. A session is used by one thread at a time.
Poco::Data::Session openSession(const std::filesystem::path& path);

// Runs one statement without parameters. Throws Poco::Exception.
void run(Poco::Data::Session& session, const std::string& sql);

// Undoes the open transaction. Never throws: SQLite has often rolled back by itself after the
// failure that led here.
void rollback(Poco::Data::Session& session) noexcept;

// What to tell about a failed database call. `doing` reads on from "the database": "cannot be
// written". The detail carries SQLite's own text, which names tables and columns, never bound
// values.
Error databaseError(const std::filesystem::path& path, std::string_view doing,
                    const Poco::Exception& cause);

}  // namespace omni::storage
