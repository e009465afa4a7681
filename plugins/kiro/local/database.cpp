// The only file that calls SQLite.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

#include "plugins/kiro/local/files.hpp"

#if !defined(_WIN32)
#include <sys/stat.h>
#endif

namespace omni::kiro::local {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr const char* kTables[] = {"auth_kv", "state", "ItemTable", "storage"};
constexpr int kMostRows = 2000;
constexpr int kLargestValue = 1 << 20;
// A table may be a view with an endless query in a file that somebody prepared.
constexpr int kStepsPerCheck = 10'000;
constexpr int kMostChecks = 500;

struct Stamp {
  uint64_t size = 0;
  fs::file_time_type time{};
  std::string head;  // the first 100 bytes: holds the change counter
  bool operator==(const Stamp&) const = default;
};

Read<Stamp> stampOf(const fs::path& path) {
  std::error_code code;
  Stamp stamp;
  stamp.size = fs::file_size(path, code);
  if (!code) stamp.time = fs::last_write_time(path, code);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (code || !in) {
    const std::string why = code ? code.message() : std::strerror(errno);
    return std::unexpected(
        fmt::format("it cannot be read ({}); run this as the user who owns it", why));
  }
  stamp.head.resize(100);
  in.read(stamp.head.data(), 100);
  stamp.head.resize(static_cast<size_t>(in.gcount()));
  return stamp;
}

uint64_t sizeOf(const fs::path& path) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  return code ? 0 : size;
}

// A rollback journal with a header: a transaction is under way, or died.
bool hotJournal(const fs::path& database) {
  std::ifstream in(fs::path(database).concat("-journal"), std::ios::binary);
  char head[8] = {};
  in.read(head, 8);
  return in.gcount() == 8 && static_cast<unsigned char>(head[0]) == 0xd9 &&
         static_cast<unsigned char>(head[1]) == 0xd5;
}

std::string uriOf(const fs::path& path, std::string_view query) {
  std::string uri = "file:";
  const std::string text = path.generic_string();
  if (text.size() > 1 && text[1] == ':') uri += '/';
  for (unsigned char c : text) {
    if (c == '%' || c == '?' || c == '#' || c < 0x20)
      uri += fmt::format("%{:02X}", c);
    else
      uri += static_cast<char>(c);
  }
  return uri.append("?").append(query);
}

using Handle = std::unique_ptr<sqlite3, decltype(&sqlite3_close_v2)>;

std::string said(sqlite3* handle, int code) {
  const int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
    return "the database is damaged; sign in again in the tool, or with omniroute login kiro";
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
    return "the database is locked by its tool; close the tool or try again in a moment";
  if (primary == SQLITE_INTERRUPT)
    return "reading it takes far too long; it is not what a tool of Kiro writes";
  return fmt::format("the database cannot be read ({})",
                     handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
}

Read<void> readTable(sqlite3* handle, const char* table, std::vector<Row>& rows) {
  const std::string sql = fmt::format(
      "SELECT key, value FROM \"{}\" WHERE length(value) <= {} AND (key LIKE '%token%' OR key LIKE "
      "'%device-registration' OR key IN ('api.codewhisperer.profile', 'auth.idc.start-url', "
      "'auth.idc.region')) "
      "LIMIT {}",
      table, kLargestValue, kMostRows);
  sqlite3_stmt* raw = nullptr;
  if (const int code = sqlite3_prepare_v2(handle, sql.c_str(), -1, &raw, nullptr);
      code != SQLITE_OK) {
    // Not this kind of database: a table or a column is missing.
    return code == SQLITE_ERROR ? Read<void>() : Read<void>(std::unexpected(said(handle, code)));
  }
  const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(raw,
                                                                             &sqlite3_finalize);
  int code;
  while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    const auto column = [&](int index) {
      const auto* text = static_cast<const char*>(sqlite3_column_blob(raw, index));
      return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(raw, index)))
                  : std::string();
    };
    rows.push_back({table, column(0), column(1)});
  }
  if (code != SQLITE_DONE) return std::unexpected(said(handle, code));
  return {};
}

Read<std::vector<Row>> query(const fs::path& path, std::string_view mode) {
  sqlite3* raw = nullptr;
  const int opened =
      sqlite3_open_v2(uriOf(path, mode).c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  const Handle handle(raw, &sqlite3_close_v2);
  if (opened != SQLITE_OK) return std::unexpected(said(raw, opened));
  int checks = 0;
  sqlite3_progress_handler(
      raw, kStepsPerCheck,
      [](void* count) { return ++*static_cast<int*>(count) > kMostChecks ? 1 : 0; }, &checks);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  std::vector<Row> rows;
  for (const char* table : kTables)
    if (auto read = readTable(raw, table, rows); !read) return std::unexpected(read.error());
  return rows;
}

// A folder that only this user can enter, removed at the end.
class PrivateFolder {
 public:
  static Read<std::unique_ptr<PrivateFolder>> make(const std::string& parent) {
    std::error_code code;
    const fs::path base = parent.empty() ? fs::temp_directory_path(code) : fs::path(parent);
    std::random_device random;
    for (int i = 0; !code && i < 20; ++i) {
      const fs::path path = base / fmt::format("omniroute-scan-{:08x}{:08x}", random(), random());
#if defined(_WIN32)
      const bool made = fs::create_directory(path, code);
#else
      const bool made = mkdir(path.c_str(), 0700) == 0;
#endif
      if (made) return std::unique_ptr<PrivateFolder>(new PrivateFolder(path));
    }
    return std::unexpected(
        fmt::format("no temporary folder can be made for a copy of it ({})", code.message()));
  }
  ~PrivateFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  const fs::path path;

 private:
  explicit PrivateFolder(fs::path made) : path(std::move(made)) {}
};

Read<std::vector<Row>> readCopy(const fs::path& database, const fs::path& log,
                                const DatabaseLimits& limits) {
  const uint64_t size = sizeOf(database) + sizeOf(log);
  if (size > limits.copy_bytes)
    return std::unexpected(
        fmt::format("it is {} MiB large and its tool has not closed its write-ahead log, so it "
                    "would have to be copied; "
                    "close the tool (that ends the log) and try again",
                    size >> 20));
  auto folder = PrivateFolder::make(limits.temporary_folder);
  if (!folder) return std::unexpected(folder.error());
  const fs::path copy = (*folder)->path / "copy.sqlite3";
  std::error_code code;
  fs::copy_file(database, copy, code);
  if (!code && fs::exists(log)) fs::copy_file(log, fs::path(copy).concat("-wal"), code);
  if (code)
    return std::unexpected(fmt::format("it cannot be copied for reading ({})", code.message()));
  fs::permissions(copy, fs::perms::owner_read | fs::perms::owner_write, code);
  // Read-write on the copy only: SQLite has to build the index of the log's copy.
  return query(copy, "mode=rw");
}

}  // namespace

Read<std::vector<Row>> readDatabase(const std::string& given, const DatabaseLimits& limits) {
  const fs::path path(given);
  const fs::path log = fs::path(path).concat("-wal");
  std::string last = "its tool keeps writing to it; close the tool or try again in a moment";
  for (int attempt = 0; attempt < limits.attempts; ++attempt) {
    if (attempt) std::this_thread::sleep_for(std::chrono::milliseconds(20 * attempt));
    const auto before = stampOf(path);
    if (!before) return std::unexpected(before.error());
    if (before->size == 0) return std::vector<Row>();  // just made
    if (!std::string_view(before->head).starts_with(kMagic))
      return std::unexpected("it is no SQLite database: damaged, or encrypted");
    if (hotJournal(path)) {
      last =
          "its tool is in the middle of a write, or died in one; close or start the tool and try "
          "again";
      continue;
    }
    const uint64_t log_size = sizeOf(log);
    const bool copy = log_size > 0;
    auto rows = copy ? readCopy(path, log, limits) : query(path, "mode=ro&immutable=1");
    const auto after = stampOf(path);
    if (after && *after == *before && sizeOf(log) >= log_size && (copy || sizeOf(log) == 0)) {
      return rows;
    }
  }
  return std::unexpected(last);
}

}  // namespace omni::kiro::local
