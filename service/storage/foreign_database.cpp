#include "service/storage/foreign_database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <set>

#ifdef _WIN32
#include <fstream>
#include <random>
#else
#include <unistd.h>

#include <cstdlib>
#endif

namespace omni::storage {
namespace {

namespace fs = std::filesystem;
using Database = std::unique_ptr<sqlite3, decltype(&sqlite3_close_v2)>;
using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

constexpr int kMaxRows = 10'000;
constexpr int kMaxField = 1 << 20;
constexpr std::chrono::seconds kPatience{5};

std::unexpected<Error> bad(std::string why) {
  return makeError(FailureKind::BadRequest, std::move(why), "body");
}

// A file that only this user may read, removed with the object.
class PrivateCopy {
 public:
  Result<> write(const fs::path& directory, std::string_view bytes) {
    const auto failed = [] {
      return makeError(FailureKind::Unavailable,
                       "No private copy of the file could be written: is the disk full?");
    };
#ifdef _WIN32
    std::random_device random;
    path_ = directory / fmt::format("import-{:08x}{:08x}.tmp", random(), random());
    std::ofstream out(path_, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) return failed();
#else
    std::string name = (directory / "import-XXXXXX").string();
    const int fd = ::mkstemp(name.data());
    if (fd < 0) return failed();
    path_ = name;
    while (!bytes.empty()) {
      const ssize_t sent = ::write(fd, bytes.data(), bytes.size());
      if (sent <= 0) {
        ::close(fd);
        return failed();
      }
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    ::close(fd);
#endif
    return {};
  }
  ~PrivateCopy() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove(path_, ignored);
  }
  // Immutable: SQLite neither locks it nor looks for a -wal or -journal beside it.
  std::string uri() const {
    std::string out = "file:";
    for (char c : path_.generic_string()) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                         (c >= 'a' && c <= 'z') || c == '/' || c == '-' || c == '_' || c == '.';
      out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out + "?mode=ro&immutable=1";
  }

 private:
  fs::path path_;
};

// Gives up on a file that is made to keep SQLite busy.
struct Timer {
  std::chrono::steady_clock::time_point end = std::chrono::steady_clock::now() + kPatience;
  static int expired(void* self) {
    return std::chrono::steady_clock::now() > static_cast<Timer*>(self)->end ? 1 : 0;
  }
};

// Only reading is allowed: no function, attachment or pragma that a damaged schema may ask for.
int authorize(void*, int action, const char*, const char*, const char*, const char*) {
  return action == SQLITE_SELECT || action == SQLITE_READ ? SQLITE_OK : SQLITE_DENY;
}

std::string text(sqlite3_stmt* row, int column) {
  if (column < 0) return {};
  const unsigned char* value = sqlite3_column_text(row, column);
  if (value == nullptr) return {};
  return {reinterpret_cast<const char*>(value),
          static_cast<size_t>(sqlite3_column_bytes(row, column))};
}

Result<std::vector<ForeignRow>> readTable(sqlite3* database, const char* table) {
  sqlite3_stmt* raw = nullptr;
  const std::string sql = fmt::format("SELECT * FROM \"{}\" LIMIT {}", table, kMaxRows);
  if (sqlite3_prepare_v2(database, sql.c_str(), -1, &raw, nullptr) != SQLITE_OK)
    return bad("The database cannot be read: it is damaged, or not made by OmniRoute or 9router.");
  Statement statement(raw, &sqlite3_finalize);
  const auto column = [&](std::initializer_list<std::string_view> names) {
    for (int i = 0; i < sqlite3_column_count(raw); ++i) {
      const char* name = sqlite3_column_name(raw, i);
      for (std::string_view wanted : names)
        if (name != nullptr && wanted == name) return i;
    }
    return -1;
  };
  const int id = column({"id"}), provider = column({"provider"}),
            auth = column({"auth_type", "authType"}), name = column({"name"}),
            email = column({"email"}), access = column({"access_token"}),
            refresh = column({"refresh_token"}), key = column({"api_key"}),
            expires = column({"expires_at", "token_expires_at"}),
            data = column({"provider_specific_data", "data"}),
            active = column({"is_active", "isActive"});
  if (id < 0 || provider < 0 || (refresh < 0 && data < 0))
    return bad("The table of accounts lacks columns that OmniRoute and 9router have.");
  std::vector<ForeignRow> out;
  for (;;) {
    const int step = sqlite3_step(raw);
    if (step == SQLITE_DONE) return out;
    if (step == SQLITE_INTERRUPT)
      return bad("Reading the database took too long; it may be damaged.");
    if (step != SQLITE_ROW) return bad("The database is damaged.");
    ForeignRow row;
    row.id = text(raw, id);
    row.provider = text(raw, provider);
    row.auth_type = text(raw, auth);
    row.name = text(raw, name);
    row.email = text(raw, email);
    row.access_token = text(raw, access);
    row.refresh_token = text(raw, refresh);
    row.api_key = text(raw, key);
    row.expires_at = text(raw, expires);
    row.data = text(raw, data);
    row.active = active < 0 || sqlite3_column_type(raw, active) == SQLITE_NULL ||
                 sqlite3_column_int(raw, active) != 0;
    out.push_back(std::move(row));
  }
}

}  // namespace

Result<std::vector<ForeignRow>> SqliteForeignDatabase::read(std::string_view bytes) {
  if (!bytes.starts_with(std::string_view("SQLite format 3\0", 16)))
    return bad(
        "This is no SQLite database. Send the bytes of OmniRoute's storage.sqlite or "
        "9router's data.sqlite.");
  PrivateCopy copy;
  if (auto written = copy.write(directory_, bytes); !written)
    return std::unexpected(std::move(written.error()));
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(
      copy.uri().c_str(), &raw,
      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOMUTEX,
      nullptr);
  Database database(raw, &sqlite3_close_v2);
  if (opened != SQLITE_OK) return bad("The database cannot be opened.");
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kMaxField);
  Timer timer;
  sqlite3_progress_handler(raw, 10'000, &Timer::expired, &timer);
  sqlite3_set_authorizer(raw, &authorize, nullptr);

  // A plain table with storage of its own: a view or virtual table has no root page.
  sqlite3_stmt* find = nullptr;
  if (sqlite3_prepare_v2(raw, "SELECT name FROM sqlite_master WHERE type='table' AND rootpage>0",
                         -1, &find, nullptr) != SQLITE_OK)
    return bad("The database is damaged.");
  Statement tables(find, &sqlite3_finalize);
  std::set<std::string> names;
  while (sqlite3_step(find) == SQLITE_ROW) names.insert(text(find, 0));
  for (const char* table : {"provider_connections", "providerConnections"})
    if (names.contains(table)) return readTable(raw, table);
  return bad(
      "This database holds no accounts of OmniRoute or 9router (no table "
      "provider_connections or providerConnections).");
}

}  // namespace omni::storage
