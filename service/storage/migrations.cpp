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
      {2,
       {
           // What a combo's strategy and targets need beyond their names, as JSON.
           "ALTER TABLE combos ADD COLUMN options TEXT NOT NULL DEFAULT '{}'",

           "CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",

           // password: sealed under "proxies/<id>/password".
           "CREATE TABLE proxies("
           " id TEXT PRIMARY KEY, name TEXT NOT NULL, scheme TEXT NOT NULL, host TEXT NOT NULL,"
           " port INTEGER NOT NULL, username TEXT NOT NULL, password TEXT NOT NULL,"
           " revision INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL)",
           "CREATE UNIQUE INDEX proxies_name ON proxies(name COLLATE NOCASE)",
           // scope: global, provider or connection; proxy_id 'direct' means "direct, whatever is
           // above". No foreign keys: a connection may be about to be signed in, and what a forced
           // removal of a proxy leaves behind makes calls fail instead of going out directly.
           "CREATE TABLE proxy_assignments("
           " scope TEXT NOT NULL, scope_id TEXT NOT NULL, proxy_id TEXT NOT NULL,"
           " PRIMARY KEY(scope, scope_id)) WITHOUT ROWID",
           "CREATE TRIGGER proxy_of_removed_connection AFTER DELETE ON connections BEGIN"
           " DELETE FROM proxy_assignments WHERE scope='connection' AND scope_id=OLD.id; END",

           "CREATE TABLE audit("
           " id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,"
           " action TEXT NOT NULL, subject TEXT NOT NULL, subject_id TEXT NOT NULL,"
           " subject_name TEXT NOT NULL, detail TEXT NOT NULL)",
           "CREATE INDEX audit_subject ON audit(subject_id, id)",

           // Sign-ins under way. state: sealed under "sign_ins/<id>/state".
           "CREATE TABLE sign_ins("
           " id TEXT PRIMARY KEY, state TEXT NOT NULL, saved_ms INTEGER NOT NULL) WITHOUT ROWID",

           // Survives a restart, so that "last check" and the next probe do.
           "CREATE TABLE connection_health("
           " connection_id TEXT PRIMARY KEY REFERENCES connections(id) ON DELETE CASCADE,"
           " last_check_ms INTEGER NOT NULL, last_success_ms INTEGER NOT NULL,"
           " failures INTEGER NOT NULL, last_error TEXT NOT NULL) WITHOUT ROWID",

           // hash: HMAC-SHA-256 of the key; the key itself is nowhere.
           "CREATE TABLE api_keys("
           " id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,"
           " shown TEXT NOT NULL, policy TEXT NOT NULL, enabled INTEGER NOT NULL,"
           " created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, last_used_ms INTEGER NOT "
           "NULL)",
           "CREATE UNIQUE INDEX api_keys_name ON api_keys(name COLLATE NOCASE)",
           "CREATE TABLE api_key_spending("
           " key_id TEXT NOT NULL REFERENCES api_keys(id) ON DELETE CASCADE, period TEXT NOT NULL,"
           " requests INTEGER NOT NULL, tokens INTEGER NOT NULL, credits REAL NOT NULL,"
           " PRIMARY KEY(key_id, period)) WITHOUT ROWID",

           // secret: sealed under "webhooks/<id>/secret".
           "CREATE TABLE webhooks("
           " id TEXT PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, events TEXT NOT NULL,"
           " secret TEXT NOT NULL, enabled INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
           " updated_ms INTEGER NOT NULL)",
           "CREATE UNIQUE INDEX webhooks_name ON webhooks(name COLLATE NOCASE)",
           "CREATE TABLE webhook_deliveries("
           " id INTEGER PRIMARY KEY AUTOINCREMENT,"
           " webhook_id TEXT NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE,"
           " event_id TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,"
           " state INTEGER NOT NULL, attempts INTEGER NOT NULL, status INTEGER NOT NULL,"
           " error TEXT NOT NULL, created_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL,"
           " done_ms INTEGER NOT NULL)",
           "CREATE INDEX webhook_deliveries_of ON webhook_deliveries(webhook_id, id)",

           "CREATE TABLE requests("
           " id INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, trace_id TEXT NOT "
           "NULL,"
           " at_ms INTEGER NOT NULL, api TEXT NOT NULL, model TEXT NOT NULL,"
           " served_model TEXT NOT NULL, connection_id TEXT NOT NULL,"
           " connection_name TEXT NOT NULL, provider TEXT NOT NULL, attempts TEXT NOT NULL,"
           " status INTEGER NOT NULL, error TEXT NOT NULL, streamed INTEGER NOT NULL,"
           " first_byte_ms INTEGER NOT NULL, duration_ms INTEGER NOT NULL,"
           " input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,"
           " cache_read_tokens INTEGER NOT NULL, credits REAL NOT NULL, caller TEXT NOT NULL)",
           "CREATE INDEX requests_at ON requests(at_ms)",
           // request, answer: sealed under "request_contents/<request id>/request" and
           // ".../answer". A row goes with its request at the latest.
           "CREATE TABLE request_contents("
           " id INTEGER PRIMARY KEY REFERENCES requests(id) ON DELETE CASCADE,"
           " at_ms INTEGER NOT NULL, request_bytes INTEGER NOT NULL,"
           " answer_bytes INTEGER NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL)",
           "CREATE INDEX request_contents_at ON request_contents(at_ms)",
           // Sums that outlive the single rows, so that a summary never reads the whole log.
           "CREATE TABLE usage_days("
           " day TEXT NOT NULL, provider TEXT NOT NULL, connection_id TEXT NOT NULL,"
           " connection_name TEXT NOT NULL, model TEXT NOT NULL, caller TEXT NOT NULL,"
           " requests INTEGER NOT NULL, failures INTEGER NOT NULL, input_tokens INTEGER NOT NULL,"
           " output_tokens INTEGER NOT NULL, credits REAL NOT NULL,"
           " PRIMARY KEY(day, connection_id, model, caller)) WITHOUT ROWID",
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
