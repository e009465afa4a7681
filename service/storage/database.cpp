#include "service/storage/database.hpp"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/Statement.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <mutex>
#include <system_error>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace omni::storage {
namespace {

namespace fs = std::filesystem;
namespace sql = Poco::Data::SQLite;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

void registerConnector() {
  static std::once_flag once;
  std::call_once(once, [] { sql::Connector::registerConnector(); });
}

#ifndef _WIN32
std::unexpected<Error> fileError(const fs::path& path, std::string_view doing, int code) {
  auto error = makeError(
      FailureKind::Unavailable,
      fmt::format("The database file {} cannot be {}: {}. It and its directory must belong to the "
                  "service's user.",
                  path.string(), doing, std::generic_category().message(code)));
  error.error().reason = "storage_io";
  return error;
}
#endif

}  // namespace

Result<> prepareFile(const fs::path& path) {
#ifdef _WIN32
  (void)path;  // the installer's ACL on the directory guards the files
#else
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
  if (fd < 0) return fileError(path, "opened", errno);
  struct stat info{};
  const bool known = ::fstat(fd, &info) == 0;
  const bool regular = known && S_ISREG(info.st_mode);
  const bool open_to_others = known && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0;
  const bool closed_now = !regular || !open_to_others || ::fchmod(fd, 0600) == 0;
  const int code = errno;
  ::close(fd);
  if (!known || !closed_now) return fileError(path, "protected", code);
  if (!regular) return fileError(path, "used", EINVAL);
  for (const char* suffix : {"-wal", "-shm"}) {
    fs::path side = path;
    side += suffix;
    if (::chmod(side.c_str(), 0600) != 0 && errno != ENOENT)
      return fileError(side, "protected", errno);
  }
#endif
  return {};
}

Poco::Data::Session openSession(const fs::path& path) {
  registerConnector();
  Poco::Data::Session session(sql::Connector::KEY, path.string());
  run(session, "PRAGMA busy_timeout=5000");
  std::string mode;
  session << "PRAGMA journal_mode=WAL", into(mode), now;
  if (mode != "wal")
    throw sql::OSFeaturesMissingException("no write-ahead log, journal mode is " + mode);
  // FULL, not NORMAL: in WAL mode NORMAL may lose the last commits in a power cut, and with them a
  // rotated token.
  run(session, "PRAGMA synchronous=FULL");
  run(session, "PRAGMA foreign_keys=ON");
  run(session, "PRAGMA secure_delete=ON");
  return session;
}

void run(Poco::Data::Session& session, const std::string& statement) {
  Poco::Data::Statement prepared(session);
  prepared << statement;
  prepared.execute();
}

void rollback(Poco::Data::Session& session) noexcept {
  try {
    run(session, "ROLLBACK");
  } catch (...) {  // SQLite has rolled back by itself, or does when the file is opened next
  }
}

Error databaseError(const fs::path& path, std::string_view doing, const Poco::Exception& cause) {
  Error error;
  error.kind = FailureKind::Unavailable;
  error.detail = cause.displayText();
  std::string_view remedy;
  if (dynamic_cast<const sql::DatabaseFullException*>(&cause) != nullptr) {
    error.reason = "storage_full";
    remedy = "The disk is full: free some space; nothing was changed.";
  } else if (dynamic_cast<const sql::ReadOnlyException*>(&cause) != nullptr ||
             dynamic_cast<const sql::AuthorizationDeniedException*>(&cause) != nullptr ||
             dynamic_cast<const sql::DBAccessDeniedException*>(&cause) != nullptr) {
    error.reason = "storage_readonly";
    remedy = "It is read-only: the file and its directory must be writable for the service's user.";
  } else if (dynamic_cast<const sql::DBLockedException*>(&cause) != nullptr ||
             dynamic_cast<const sql::TableLockedException*>(&cause) != nullptr) {
    error.reason = "storage_locked";
    remedy = "Another process holds it: only one service may use a database.";
  } else if (dynamic_cast<const sql::CorruptImageException*>(&cause) != nullptr ||
             error.detail.find("not a database") != std::string::npos ||
             error.detail.find("malformed") != std::string::npos) {
    error.reason = "storage_damaged";
    remedy =
        "The file is damaged or not an SQLite database. It was left as it is: restore a backup in "
        "its place, or "
        "move it away to start anew.";
  } else if (dynamic_cast<const sql::CantOpenDBFileException*>(&cause) != nullptr) {
    error.reason = "storage_io";
    remedy = "The file and its directory must belong to the service's user.";
  } else if (dynamic_cast<const sql::IOErrorException*>(&cause) != nullptr) {
    error.reason = "storage_io";
    remedy = "The disk reports an error, or is full.";
  } else {
    error.kind = FailureKind::Internal;
    error.reason = "storage_error";
    remedy = "The log has SQLite's own words.";
  }
  error.message = fmt::format("The database {} {}. {}", path.string(), doing, remedy);
  return error;
}

}  // namespace omni::storage
