#include "service/storage/backup.hpp"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>

#include "service/storage/database.hpp"
#include "service/storage/file_moves.hpp"
#include "service/storage/migrations.hpp"

namespace omni::storage {
namespace {

namespace fs = std::filesystem;
using Poco::Data::Session;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

constexpr uintmax_t kMaxBytes = 256u << 20;

fs::path beside(const fs::path& database, std::string_view suffix) {
  fs::path out = database;
  out += suffix;
  return out;
}

// Removes a file of ours, and what SQLite may have put beside it, with the scope.
class Scratch {
 public:
  explicit Scratch(fs::path path) : path_(std::move(path)) { clear(); }
  ~Scratch() {
    if (!path_.empty()) clear();
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  void clear() const {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
      fs::remove(beside(path_, suffix), ignored);
  }
  fs::path path_;
};

std::unexpected<Error> noBackup(std::string_view why) {
  return makeError(FailureKind::BadRequest,
                   fmt::format("This backup cannot be restored: {}. Nothing was changed.", why),
                   "backup");
}

std::unexpected<Error> ioError(std::string message) {
  auto error = makeError(FailureKind::Unavailable, std::move(message));
  error.error().reason = "storage_io";
  return error;
}

// Not openSession(): a copy keeps no write-ahead log, so that it is one file.
Session openCopy(const fs::path& path) {
  Poco::Data::SQLite::Connector::registerConnector();
  Session session(Poco::Data::SQLite::Connector::KEY, path.string());
  run(session, "PRAGMA trusted_schema=OFF");
  run(session, "PRAGMA secure_delete=ON");
  std::string mode;
  session << "PRAGMA journal_mode=DELETE", into(mode), now;
  return session;
}

int number(Session& session, const std::string& query) {
  int value = 0;
  session << query, into(value), now;
  return value;
}

Result<CopyInfo> examine(const fs::path& file, Sealer* sealer) {
  try {
    Session session = openCopy(file);
    std::string verdict;
    session << "PRAGMA integrity_check(1)", into(verdict), now;
    if (verdict != "ok") return noBackup("its database is damaged");
    CopyInfo info;
    info.schema = number(session, "PRAGMA user_version");
    const int known = schemaMigrations().empty() ? 0 : schemaMigrations().back().version;
    if (info.schema > known)
      return noBackup(fmt::format("a newer OmniRoute made it (schema {}, this one knows {})",
                                  info.schema, known));
    if (info.schema < 1 ||
        number(session, "SELECT COUNT(*) FROM sqlite_master WHERE name='connections'") == 0)
      return noBackup("it holds no database of this service");
    info.connections = number(session, "SELECT COUNT(*) FROM connections");
    std::vector<std::string> checks;
    session << "SELECT value FROM meta WHERE key='key_check'", into(checks), now;
    std::vector<std::string> copied;
    session << "SELECT value FROM meta WHERE key='copied_ms'", into(copied), now;
    if (!copied.empty())
      std::from_chars(copied[0].data(), copied[0].data() + copied[0].size(), info.copied_ms);
    if (sealer != nullptr && !checks.empty() && !sealer->open(checks.front(), "meta/key_check"))
      return noBackup("its secrets were sealed under another key than the one it carries");
    return info;
  } catch (const Poco::Exception&) {
    return noBackup("it holds no SQLite database, or a damaged one");
  }
}

}  // namespace

Result<std::string> copyDatabase(const fs::path& database, int64_t now_ms) {
  const Scratch scratch(beside(database, fmt::format(".backup-{}", now_ms)));
  if (auto ok = prepareFile(scratch.path()); !ok) return std::unexpected(ok.error());
  try {
    {
      Session session = openSession(database);
      session << "VACUUM INTO ?", bind(scratch.path().string()), now;
    }
    Session copy = openCopy(scratch.path());
    if (number(copy, "SELECT COUNT(*) FROM sqlite_master WHERE type='table' AND name='requests'")) {
      run(copy, "DELETE FROM request_contents");
      run(copy, "DELETE FROM requests");
      run(copy, "VACUUM");
    }
    copy << "INSERT OR REPLACE INTO meta(key, value) VALUES('copied_ms', ?)",
        bind(std::to_string(now_ms)), now;
  } catch (const Poco::Exception& cause) {
    return std::unexpected(databaseError(database, "cannot be copied", cause));
  }
  std::error_code code;
  const uintmax_t size = fs::file_size(scratch.path(), code);
  if (!code && size > kMaxBytes)
    return makeError(
        FailureKind::Unsupported,
        fmt::format("The database is larger than {} MiB: stop the service and copy {} and the "
                    "master key instead.",
                    kMaxBytes >> 20, database.string()));
  std::ifstream in(scratch.path(), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  if (code || !in || bytes.size() != size)
    return ioError(fmt::format("The copy {} cannot be read back.", scratch.path().string()));
  return bytes;
}

Result<CopyInfo> stageCopy(const fs::path& database, std::string_view bytes, Sealer& sealer,
                           std::string_view key) {
  Scratch scratch(beside(database, ".restore.part"));
  if (auto ok = writeFileDurably(scratch.path(), bytes); !ok) return std::unexpected(ok.error());
  auto info = examine(scratch.path(), &sealer);
  if (!info) return info;
  // The key first: a staged database means that all of it is there.
  if (auto gone = removeStaged(database); !gone) return std::unexpected(gone.error());
  if (!key.empty()) {
    if (auto ok = writeFileDurably(beside(database, ".restore.key"), key); !ok)
      return std::unexpected(ok.error());
  }
  if (auto ok = moveFile(scratch.path(), beside(database, ".restore")); !ok)
    return std::unexpected(ok.error());
  scratch.keep();
  return info;
}

std::optional<Staged> stagedCopy(const fs::path& database) {
  const fs::path file = beside(database, ".restore");
  std::error_code code;
  if (!fs::is_regular_file(file, code)) return std::nullopt;
  Staged out;
  if (auto info = examine(file, nullptr)) out.info = *info;
  const auto written = fs::last_write_time(file, code);
  if (!code)
    out.at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                    std::chrono::file_clock::to_sys(written).time_since_epoch())
                    .count();
  return out;
}

Result<bool> removeStaged(const fs::path& database) {
  bool found = false;
  // The database first: a key alone means nothing.
  for (const char* suffix : {".restore", ".restore.key"}) {
    std::error_code code;
    found |= fs::remove(beside(database, suffix), code);
    if (code)
      return ioError(fmt::format("{} cannot be removed: {}.", beside(database, suffix).string(),
                                 code.message()));
  }
  return found;
}

Result<std::string> adoptStaged(const fs::path& database, const fs::path& key_file,
                                int64_t now_ms) {
  const fs::path staged = beside(database, ".restore");
  const fs::path staged_key = beside(database, ".restore.key");
  std::error_code code;
  if (!fs::is_regular_file(staged, code)) return std::string();
  if (auto fine = examine(staged, nullptr); !fine) {
    fine.error().message +=
        fmt::format(" Remove {} to start with what was there before.", staged.string());
    fine.error().kind = FailureKind::Unavailable;
    fine.error().reason = "storage_damaged";
    return std::unexpected(fine.error());
  }
  const std::string mark = fmt::format(".replaced-{}", now_ms);
  // The write-ahead log goes before the new database comes: SQLite must not find it beside that.
  for (const char* side : {"", "-wal", "-shm"}) {
    const fs::path from = beside(database, side);
    if (!fs::exists(from, code)) continue;
    if (auto ok = moveFile(from, beside(database, mark + side)); !ok)
      return std::unexpected(ok.error());
  }
  if (fs::exists(staged_key, code)) {
    if (fs::exists(key_file, code)) {
      if (auto ok = moveFile(key_file, beside(key_file, mark)); !ok)
        return std::unexpected(ok.error());
    }
    if (auto ok = moveFile(staged_key, key_file); !ok) return std::unexpected(ok.error());
  }
  if (auto ok = moveFile(staged, database); !ok) return std::unexpected(ok.error());
  return beside(database, mark).string();
}

Result<std::string> setAside(const fs::path& database, int64_t now_ms) {
  const std::string mark = fmt::format(".damaged-{}", now_ms);
  std::error_code code;
  // The log belongs to the database: it goes first, so that a crash in between leaves a database
  // that is still found damaged.
  for (const char* side : {"-wal", "-shm", ""}) {
    const fs::path from = beside(database, side);
    if (!fs::exists(from, code)) continue;
    if (auto ok = moveFile(from, beside(database, mark + side)); !ok)
      return std::unexpected(ok.error());
  }
  return beside(database, mark).string();
}

std::string damagedWithoutSuccessor(const fs::path& database) {
  std::error_code code;
  if (fs::exists(database, code)) return {};
  const std::string prefix = database.filename().string() + ".damaged-";
  std::string newest;
  for (fs::directory_iterator it(database.parent_path(), code), end; !code && it != end;
       it.increment(code)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(prefix) && !name.ends_with("-wal") && !name.ends_with("-shm"))
      newest = std::max(newest, it->path().string());
  }
  return newest;
}

}  // namespace omni::storage
