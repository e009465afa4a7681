#include "service/storage/sqlite_store.hpp"

#include <Poco/Data/Statement.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>
#include <utility>

#include "service/storage/combo_rows.hpp"
#include "service/storage/database.hpp"
#include "service/storage/migrations.hpp"

namespace omni::storage {
namespace {

namespace fs = std::filesystem;
using Poco::Data::Session;
using Poco::Data::Statement;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

constexpr std::string_view kFingerprint = "fingerprint";
constexpr std::string_view kKeyCheckContext = "meta/key_check";
constexpr std::string_view kKeyCheckText = "omniroute key check";

std::string text(std::string_view view) {
  return std::string(view);
}

std::string secretContext(std::string_view id, std::string_view key) {
  return fmt::format("connection_values/{}/{}", id, key);
}

std::unexpected<Error> noConnection(std::string_view id) {
  return makeError(FailureKind::NotFound, fmt::format("There is no connection {}.", id));
}

std::unexpected<Error> conflict(std::string message, std::string field, std::string id) {
  auto error = makeError(FailureKind::Conflict, std::move(message), std::move(field));
  error.error().conflict_id = std::move(id);
  return error;
}

// SQLite's text functions stop at a NUL, and so does Poco when it reads a column.
Result<> checkText(std::string_view value, std::string_view field, bool may_be_empty = false) {
  if (value.empty() && !may_be_empty) {
    return makeError(FailureKind::BadRequest, fmt::format("{} must not be empty.", field),
                     text(field));
  }
  if (value.find('\0') != std::string_view::npos) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("{} must not hold a NUL character.", field), text(field));
  }
  return {};
}

Result<> checkChanges(const std::vector<ValueChange>& values) {
  for (const auto& change : values) {
    if (auto ok = checkText(change.key, "key"); !ok) return ok;
    if (!change.value || change.secret) continue;
    if (auto ok = checkText(*change.value, change.key, true); !ok) return ok;
  }
  return {};
}

// The change of the fingerprint column that these values mean; nullopt: none. The last one counts,
// as for the value itself.
std::optional<std::string> fingerprintChange(const std::vector<ValueChange>& values) {
  std::optional<std::string> fingerprint;
  for (const auto& change : values) {
    if (change.key == kFingerprint) fingerprint = change.value.value_or("");
  }
  return fingerprint;
}

// First column of the first row.
std::optional<std::string> first(Statement& statement, std::string& column) {
  if (statement.execute() == 0) return std::nullopt;
  return column;
}

std::optional<std::string> providerIn(Session& session, std::string_view id) {
  std::string provider;
  Statement statement(session);
  statement << "SELECT provider FROM connections WHERE id=?", into(provider), bind(text(id));
  return first(statement, provider);
}

std::optional<std::string> idByFingerprint(Session& session, std::string_view provider,
                                           std::string_view fingerprint) {
  if (fingerprint.empty()) return std::nullopt;
  std::string id;
  Statement statement(session);
  statement << "SELECT id FROM connections WHERE provider=? AND fingerprint=?", into(id),
      bind(text(provider)), bind(text(fingerprint));
  return first(statement, id);
}

Result<> checkName(Session& session, std::string_view provider, std::string_view name,
                   std::string_view own_id) {
  std::string id;
  Statement statement(session);
  statement << "SELECT id FROM connections WHERE provider=? AND name=? COLLATE NOCASE AND id<>?",
      into(id), bind(text(provider)), bind(text(name)), bind(text(own_id));
  if (!first(statement, id)) return {};
  return conflict(fmt::format("The name {} is taken by another connection of {} (names that differ "
                              "only in case count as "
                              "equal).",
                              name, provider),
                  "name", id);
}

Result<> checkFingerprint(Session& session, std::string_view provider, std::string_view fingerprint,
                          std::string_view own_id) {
  const auto owner = idByFingerprint(session, provider, fingerprint);
  if (!owner || *owner == own_id) return {};
  return conflict("This token is stored already, in another connection.", text(kFingerprint),
                  *owner);
}

void storeValues(Session& session, std::string_view id, const std::vector<ValueChange>& sealed) {
  for (const auto& change : sealed) {
    if (!change.value) {
      session << "DELETE FROM connection_values WHERE connection_id=? AND key=?", bind(text(id)),
          bind(change.key), now;
      continue;
    }
    session << "INSERT INTO connection_values(connection_id, key, value, is_secret) VALUES(?,?,?,?)"
               " ON CONFLICT(connection_id, key) DO UPDATE SET value=excluded.value, "
               "is_secret=excluded.is_secret",
        bind(text(id)), bind(change.key), bind(*change.value), bind(change.secret ? 1 : 0), now;
  }
}

// All connections, or the one with this id.
Result<std::vector<Connection>> loadConnections(Session& session,
                                                std::optional<std::string_view> only) {
  std::vector<std::string> ids, providers, names, states, reasons;
  std::vector<Poco::Int64> since, until, probe, created, updated;
  Statement rows(session);
  rows << "SELECT id, provider, name, state, state_reason, state_since_ms, state_until_ms, "
          "next_probe_ms, created_ms,"
          " updated_ms FROM connections"
       << (only ? " WHERE id=?" : " ORDER BY created_ms, id"),
      into(ids), into(providers), into(names), into(states), into(reasons), into(since),
      into(until), into(probe), into(created), into(updated);
  if (only) rows, bind(text(*only));
  rows.execute();

  std::vector<Connection> connections(ids.size());
  std::map<std::string_view, Connection*> by_id;
  for (size_t i = 0; i < ids.size(); ++i) {
    auto& connection = connections[i];
    connection.id = ids[i];
    connection.provider = providers[i];
    connection.name = names[i];
    if (!parseAccountState(states[i], connection.state.state)) {
      return makeError(
          FailureKind::Internal,
          fmt::format("The database holds an unknown state for connection {}.", ids[i]));
    }
    connection.state.reason = reasons[i];
    connection.state.since_ms = since[i];
    connection.state.until_ms = until[i];
    connection.state.next_probe_ms = probe[i];
    connection.created_ms = created[i];
    connection.updated_ms = updated[i];
    by_id.emplace(ids[i], &connection);
  }

  std::vector<std::string> owners, keys, values;
  std::vector<int> secret;
  Statement fields(session);
  fields << "SELECT connection_id, key, CASE WHEN is_secret THEN '' ELSE value END, is_secret FROM "
            "connection_values"
         << (only ? " WHERE connection_id=?" : "") << " ORDER BY connection_id, key",
      into(owners), into(keys), into(values), into(secret);
  if (only) fields, bind(text(*only));
  fields.execute();
  for (size_t i = 0; i < owners.size(); ++i) {
    const auto owner = by_id.find(owners[i]);
    if (owner == by_id.end()) continue;
    if (secret[i] != 0) {
      owner->second->secret_keys.push_back(keys[i]);
    } else {
      owner->second->values.emplace(keys[i], values[i]);
    }
  }
  return connections;
}

int countSecrets(Session& session) {
  int tables = 0;
  session << "SELECT COUNT(*) FROM sqlite_master WHERE type='table' AND name='connection_values'",
      into(tables), now;
  if (tables == 0) return 0;
  int secrets = 0;
  session << "SELECT COUNT(*) FROM connection_values WHERE is_secret<>0", into(secrets), now;
  return secrets;
}

Result<> checkIntegrity(Session& session, const fs::path& path) {
  std::string verdict;
  session << "PRAGMA quick_check(1)", into(verdict), now;
  if (verdict == "ok") return {};
  auto error = makeError(
      FailureKind::Unavailable,
      fmt::format(
          "The database {} is damaged. It was left as it is: restore a backup in its place, or "
          "move it away to start anew.",
          path.string()));
  error.error().reason = "storage_damaged";
  error.error().detail = verdict;
  return error;
}

Result<fs::path> absolutePath(const fs::path& path) {
  std::error_code code;
  auto absolute = fs::absolute(path, code);
  if (path.empty() || code)
    return makeError(FailureKind::BadRequest, "No usable path of a database is configured.");
  return absolute;
}

}  // namespace

SqliteStore::SqliteStore(std::shared_ptr<Sessions> sessions, Sealer& sealer, Clock& clock)
    : sessions_(std::move(sessions)), sealer_(sealer), clock_(clock) {}

Result<bool> SqliteStore::hasSealedData(const fs::path& given) {
  const auto path = absolutePath(given);
  if (!path) return std::unexpected(path.error());
  std::error_code code;
  if (!fs::exists(*path, code)) {
    if (!code) return false;
    return makeError(
        FailureKind::Unavailable,
        fmt::format("The database {} cannot be looked at: {}.", path->string(), code.message()));
  }
  if (auto ok = prepareFile(*path); !ok) return std::unexpected(ok.error());
  try {
    auto session = openSession(*path);
    return countSecrets(session) > 0;
  } catch (const Poco::Exception& cause) {
    return std::unexpected(databaseError(*path, "cannot be read", cause));
  }
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const fs::path& given, Sealer& sealer,
                                                       Clock& clock) {
  const auto path = absolutePath(given);
  if (!path) return std::unexpected(path.error());
  if (auto ok = prepareFile(*path); !ok) return std::unexpected(ok.error());
  try {
    auto writer = openSession(*path);
    if (auto ok = checkIntegrity(writer, *path); !ok) return std::unexpected(ok.error());
    if (auto ok = migrate(writer, *path, schemaMigrations(), clock.nowMs()); !ok)
      return std::unexpected(ok.error());
    auto reader = openSession(*path);
    run(reader, "PRAGMA query_only=ON");
    auto sessions = std::make_shared<Sessions>(*path, std::move(writer), std::move(reader));
    std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(sessions), sealer, clock));
    if (auto ok = store->checkKey(); !ok) return std::unexpected(ok.error());
    return store;
  } catch (const Poco::Exception& cause) {
    return std::unexpected(databaseError(*path, "cannot be opened", cause));
  }
}

Result<> SqliteStore::checkKey() {
  return sessions_->write([&](Session& session) -> Result<> {
    std::string sealed;
    Statement statement(session);
    statement << "SELECT value FROM meta WHERE key='key_check'", into(sealed);
    if (const auto stored = first(statement, sealed)) {
      const auto opened = sealer_.open(*stored, kKeyCheckContext);
      if (opened && *opened == kKeyCheckText) return {};
    }
    // Without a secret any key will do: the check value is made anew.
    if (countSecrets(session) > 0) {
      auto error = makeError(
          FailureKind::Unavailable,
          fmt::format("The master key does not fit the database {}: its secrets were sealed under "
                      "another key. Restore "
                      "the key file that belongs to it, or the database that belongs to the key.",
                      sessions_->path().string()));
      error.error().reason = "wrong_master_key";
      return error;
    }
    auto fresh = sealer_.seal(kKeyCheckText, kKeyCheckContext);
    if (!fresh) return std::unexpected(fresh.error());
    session << "INSERT OR REPLACE INTO meta(key, value) VALUES('key_check', ?)", bind(*fresh), now;
    return {};
  });
}

Result<std::vector<ValueChange>> SqliteStore::sealAll(std::string_view id,
                                                      const std::vector<ValueChange>& values) {
  if (auto ok = checkChanges(values); !ok) return std::unexpected(ok.error());
  auto sealed = values;
  for (auto& change : sealed) {
    if (!change.secret || !change.value) continue;
    auto hidden = sealer_.seal(*change.value, secretContext(id, change.key));
    if (!hidden) return std::unexpected(hidden.error());
    change.value = std::move(*hidden);
  }
  return sealed;
}

Result<std::vector<Connection>> SqliteStore::list() {
  return sessions_->read([](Session& session) { return loadConnections(session, std::nullopt); });
}

Result<Connection> SqliteStore::get(std::string_view id) {
  return sessions_->read([&](Session& session) -> Result<Connection> {
    auto found = loadConnections(session, id);
    if (!found) return std::unexpected(found.error());
    if (found->empty()) return noConnection(id);
    return std::move(found->front());
  });
}

Result<std::string> SqliteStore::providerOf(std::string_view id) {
  return sessions_->read([&](Session& session) -> Result<std::string> {
    auto provider = providerIn(session, id);
    if (!provider) return noConnection(id);
    return std::move(*provider);
  });
}

Result<> SqliteStore::create(const Connection& connection, const std::vector<ValueChange>& values) {
  for (const auto& [field, value] :
       {std::pair<const char*, const std::string&>("id", connection.id),
        {"provider", connection.provider},
        {"name", connection.name}}) {
    if (auto ok = checkText(value, field); !ok) return ok;
  }
  if (auto ok = checkText(connection.state.reason, "reason", true); !ok) return ok;
  std::vector<ValueChange> all;
  all.reserve(connection.values.size() + values.size());
  for (const auto& [key, value] : connection.values) all.push_back({key, value, false});
  all.insert(all.end(), values.begin(), values.end());
  const auto fingerprint = fingerprintChange(all).value_or("");
  const auto sealed = sealAll(connection.id, all);
  if (!sealed) return std::unexpected(sealed.error());
  const Poco::Int64 time = clock_.nowMs();
  const Poco::Int64 created = connection.created_ms != 0 ? connection.created_ms : time;
  const Poco::Int64 updated = connection.updated_ms != 0 ? connection.updated_ms : time;

  return sessions_->write([&](Session& session) -> Result<> {
    if (providerIn(session, connection.id)) {
      return conflict("A connection with this id exists already.", "id", connection.id);
    }
    if (auto ok = checkName(session, connection.provider, connection.name, connection.id); !ok)
      return ok;
    if (auto ok = checkFingerprint(session, connection.provider, fingerprint, connection.id); !ok)
      return ok;
    session
        << "INSERT INTO connections(id, provider, name, fingerprint, state, state_reason, "
           "state_since_ms,"
           " state_until_ms, next_probe_ms, created_ms, updated_ms) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
        bind(connection.id), bind(connection.provider), bind(connection.name), bind(fingerprint),
        bind(text(accountStateName(connection.state.state))), bind(connection.state.reason),
        bind(Poco::Int64(connection.state.since_ms)), bind(Poco::Int64(connection.state.until_ms)),
        bind(Poco::Int64(connection.state.next_probe_ms)), bind(created), bind(updated), now;
    storeValues(session, connection.id, *sealed);
    return {};
  });
}

Result<> SqliteStore::rename(std::string_view id, std::string_view name) {
  if (auto ok = checkText(name, "name"); !ok) return ok;
  return sessions_->write([&](Session& session) -> Result<> {
    const auto provider = providerIn(session, id);
    if (!provider) return noConnection(id);
    if (auto ok = checkName(session, *provider, name, id); !ok) return ok;
    session << "UPDATE connections SET name=?, updated_ms=? WHERE id=?", bind(text(name)),
        bind(Poco::Int64(clock_.nowMs())), bind(text(id)), now;
    return {};
  });
}

Result<> SqliteStore::setState(std::string_view id, const StateRecord& state) {
  return write(id, {}, &state);
}

Result<> SqliteStore::remove(std::string_view id) {
  return sessions_->write([&](Session& session) -> Result<> {
    if (!providerIn(session, id)) return noConnection(id);
    session << "DELETE FROM connections WHERE id=?", bind(text(id)),
        now;  // the values go with it (CASCADE)
    return {};
  });
}

Result<> SqliteStore::commit(std::string_view id, const std::vector<ValueChange>& values) {
  return write(id, values, nullptr);
}

Result<> SqliteStore::replace(std::string_view id, const std::vector<ValueChange>& values,
                              const StateRecord& state) {
  return write(id, values, &state);
}

Result<> SqliteStore::write(std::string_view id, const std::vector<ValueChange>& values,
                            const StateRecord* state) {
  if (state)
    if (auto ok = checkText(state->reason, "reason", true); !ok) return ok;
  const auto fingerprint = fingerprintChange(values);
  const auto sealed = sealAll(id, values);
  if (!sealed) return std::unexpected(sealed.error());
  return sessions_->write([&](Session& session) -> Result<> {
    const auto provider = providerIn(session, id);
    if (!provider) return noConnection(id);
    if (fingerprint) {
      if (auto ok = checkFingerprint(session, *provider, *fingerprint, id); !ok) return ok;
      session << "UPDATE connections SET fingerprint=? WHERE id=?", bind(*fingerprint),
          bind(text(id)), now;
    }
    storeValues(session, id, *sealed);
    if (state)
      session << "UPDATE connections SET state=?, state_reason=?, state_since_ms=?,"
                 " state_until_ms=?, next_probe_ms=? WHERE id=?",
          bind(text(accountStateName(state->state))), bind(state->reason),
          bind(Poco::Int64(state->since_ms)), bind(Poco::Int64(state->until_ms)),
          bind(Poco::Int64(state->next_probe_ms)), bind(text(id)), now;
    session << "UPDATE connections SET updated_ms=? WHERE id=?", bind(Poco::Int64(clock_.nowMs())),
        bind(text(id)), now;
    return {};
  });
}

Result<std::optional<std::string>> SqliteStore::value(std::string_view id, std::string_view key) {
  std::string stored;
  int secret = 0;
  auto found = sessions_->read([&](Session& session) -> Result<bool> {
    Statement statement(session);
    statement << "SELECT value, is_secret FROM connection_values WHERE connection_id=? AND key=?",
        into(stored), into(secret), bind(text(id)), bind(text(key));
    if (statement.execute() > 0) return true;
    if (!providerIn(session, id)) return noConnection(id);
    return false;
  });
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  if (secret == 0) return stored;
  auto opened = sealer_.open(stored, secretContext(id, key));
  if (!opened) {
    auto error = opened.error();
    error.message = fmt::format("The secret {} of connection {} {}.", key, id, error.message);
    return std::unexpected(std::move(error));
  }
  return std::move(*opened);
}

Result<std::optional<std::string>> SqliteStore::findByFingerprint(std::string_view provider,
                                                                  std::string_view fingerprint) {
  return sessions_->read([&](Session& session) -> Result<std::optional<std::string>> {
    return idByFingerprint(session, provider, fingerprint);
  });
}

Result<std::vector<routing::Combo>> SqliteStore::listCombos() {
  return sessions_->read([](Session& session) -> Result<std::vector<routing::Combo>> {
    std::vector<std::string> ids, names, strategies, targets, options;
    std::vector<Poco::Int64> created, updated;
    session << "SELECT id, name, strategy, targets, options, created_ms, updated_ms FROM combos "
               "ORDER BY created_ms, id",
        into(ids), into(names), into(strategies), into(targets), into(options), into(created),
        into(updated), now;
    std::vector<routing::Combo> combos(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) {
      auto& combo = combos[i];
      combo.id = ids[i];
      combo.name = names[i];
      combo.created_ms = created[i];
      combo.updated_ms = updated[i];
      if (!routing::parseStrategy(strategies[i], combo.strategy) ||
          !parseTargets(targets[i], combo.targets) || !parseOptions(options[i], combo.options)) {
        return makeError(FailureKind::Internal,
                         fmt::format("The database holds an unreadable combo {}.", ids[i]));
      }
    }
    return combos;
  });
}

Result<> SqliteStore::putCombo(const routing::Combo& combo) {
  if (auto ok = checkText(combo.id, "id"); !ok) return ok;
  if (auto ok = checkText(combo.name, "name"); !ok) return ok;
  const Poco::Int64 time = clock_.nowMs();
  const Poco::Int64 created = combo.created_ms != 0 ? combo.created_ms : time;
  const Poco::Int64 updated = combo.updated_ms != 0 ? combo.updated_ms : time;
  return sessions_->write([&](Session& session) -> Result<> {
    std::string other;
    Statement statement(session);
    statement << "SELECT id FROM combos WHERE name=? COLLATE NOCASE AND id<>?", into(other),
        bind(combo.name), bind(combo.id);
    if (first(statement, other)) {
      return conflict(fmt::format("The name {} is taken by another combo (names that differ only "
                                  "in case count as equal).",
                                  combo.name),
                      "name", other);
    }
    session << "INSERT INTO combos(id, name, strategy, targets, options, created_ms, updated_ms) "
               "VALUES(?,?,?,?,?,?,?)"
               " ON CONFLICT(id) DO UPDATE SET name=excluded.name, strategy=excluded.strategy,"
               " targets=excluded.targets, options=excluded.options, "
               "updated_ms=excluded.updated_ms",
        bind(combo.id), bind(combo.name), bind(text(routing::strategyName(combo.strategy))),
        bind(targetsText(combo.targets)), bind(optionsText(combo.options)), bind(created),
        bind(updated), now;
    return {};
  });
}

Result<> SqliteStore::removeCombo(std::string_view id) {
  return sessions_->write([&](Session& session) -> Result<> {
    std::string found;
    Statement statement(session);
    statement << "SELECT id FROM combos WHERE id=?", into(found), bind(text(id));
    if (!first(statement, found))
      return makeError(FailureKind::NotFound, fmt::format("There is no combo {}.", id));
    session << "DELETE FROM combos WHERE id=?", bind(text(id)), now;
    return {};
  });
}

}  // namespace omni::storage
