#include "service/storage/proxy_store.hpp"

#include <Poco/Data/Statement.h>
#include <fmt/format.h>

#include <algorithm>

#include "service/storage/database.hpp"

namespace omni::storage {
namespace {

using Poco::Data::Session;
using Poco::Data::Statement;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

constexpr const char* kScopes[] = {"global", "provider", "connection"};
constexpr const char* kSchemes[] = {"http", "https", "socks5"};

std::string scopeName(ProxyScope scope) {
  return kScopes[static_cast<size_t>(scope)];
}

template <typename Enum, size_t N>
bool parseName(const char* const (&names)[N], const std::string& name, Enum& out) {
  for (size_t i = 0; i < N; ++i) {
    if (name != names[i]) continue;
    out = static_cast<Enum>(i);
    return true;
  }
  return false;
}

std::string passwordContext(std::string_view id) {
  return fmt::format("proxies/{}/password", id);
}

std::unexpected<Error> noProxy(std::string_view id, std::string field = {}) {
  return makeError(
      FailureKind::NotFound,
      fmt::format("There is no proxy {}. GET /api/proxies lists them.", id.substr(0, 64)),
      std::move(field));
}

struct Row {
  ProxyRecord record;
  std::string sealed;  // empty: no password
  int64_t revision = 0;
};

// All proxies by name, or the one with this id.
Result<std::vector<Row>> loadRows(Session& session, std::optional<std::string_view> only) {
  std::vector<std::string> ids, names, schemes, hosts, users, passwords;
  std::vector<int> ports;
  std::vector<Poco::Int64> revisions, created, updated;
  Statement rows(session);
  rows << "SELECT id, name, scheme, host, port, username, password, revision, created_ms, "
          "updated_ms FROM proxies"
       << (only ? " WHERE id=?" : " ORDER BY name COLLATE NOCASE"),
      into(ids), into(names), into(schemes), into(hosts), into(ports), into(users), into(passwords),
      into(revisions), into(created), into(updated);
  std::string id;
  if (only) {
    id = *only;
    rows, bind(id);
  }
  rows.execute();
  std::vector<Row> out(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    ProxyRecord& record = out[i].record;
    if (!parseName(kSchemes, schemes[i], record.scheme) || ports[i] < 1 || ports[i] > 65535)
      return makeError(FailureKind::Internal,
                       fmt::format("The database holds an unreadable proxy {}.", ids[i]));
    record.id = ids[i];
    record.name = names[i];
    record.host = hosts[i];
    record.port = static_cast<uint16_t>(ports[i]);
    record.username = users[i];
    record.has_password = !passwords[i].empty();
    record.created_ms = created[i];
    record.updated_ms = updated[i];
    out[i].sealed = std::move(passwords[i]);
    out[i].revision = revisions[i];
  }
  return out;
}

Result<std::vector<ProxyAssignment>> loadAssignments(Session& session) {
  std::vector<std::string> scopes, ids, proxies;
  session << "SELECT scope, scope_id, proxy_id FROM proxy_assignments ORDER BY scope, scope_id",
      into(scopes), into(ids), into(proxies), now;
  std::vector<ProxyAssignment> out(scopes.size());
  for (size_t i = 0; i < scopes.size(); ++i) {
    if (!parseName(kScopes, scopes[i], out[i].scope))
      return makeError(
          FailureKind::Internal,
          fmt::format("The database holds an unknown scope of proxies: {}.", scopes[i]));
    out[i].scope_id = ids[i];
    out[i].proxy_id = proxies[i];
  }
  return out;
}

bool exists(Session& session, std::string_view proxy_id) {
  int count = 0;
  session << "SELECT COUNT(*) FROM proxies WHERE id=?", into(count), bind(std::string(proxy_id)),
      now;
  return count > 0;
}

// SQLite's text functions stop at a NUL, and so does Poco when it reads a column.
Result<> checkText(std::string_view text, const char* field, bool may_be_empty = false) {
  if (text.empty() && !may_be_empty)
    return makeError(FailureKind::BadRequest, fmt::format("{} must not be empty.", field), field);
  if (text.find('\0') != std::string_view::npos)
    return makeError(FailureKind::BadRequest,
                     fmt::format("{} must not hold a NUL character.", field), field);
  return {};
}

}  // namespace

const ProxyStore::Way* ProxyStore::Snapshot::find(std::string_view provider,
                                                  std::string_view connection_id) const {
  if (const auto own = connections.find(connection_id); own != connections.end())
    return &own->second;
  if (const auto of = providers.find(provider); of != providers.end()) return &of->second;
  return global ? &*global : nullptr;
}

std::shared_ptr<const ProxyStore::Snapshot> ProxyStore::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

Result<> ProxyStore::load() {
  const std::lock_guard lock(changes_);
  return reload();
}

Result<> ProxyStore::sweep(const std::vector<std::string>& spared) {
  const std::lock_guard lock(changes_);
  auto swept = sessions_->write([&](Session& session) -> Result<> {
    std::vector<std::string> ids;
    session << "SELECT scope_id FROM proxy_assignments WHERE scope='connection' AND scope_id NOT IN"
               " (SELECT id FROM connections)",
        into(ids), now;
    for (const std::string& id : ids)
      if (std::ranges::find(spared, id) == spared.end())
        session << "DELETE FROM proxy_assignments WHERE scope='connection' AND scope_id=?",
            bind(id), now;
    return {};
  });
  if (!swept) return swept;
  return reload();
}

Result<> ProxyStore::reload() {
  std::vector<Row> rows;
  std::vector<ProxyAssignment> all;
  auto read = sessions_->read([&](Session& session) -> Result<> {
    auto loaded = loadRows(session, std::nullopt);
    if (!loaded) return std::unexpected(std::move(loaded.error()));
    auto assigned = loadAssignments(session);
    if (!assigned) return std::unexpected(std::move(assigned.error()));
    rows = std::move(*loaded);
    all = std::move(*assigned);
    return {};
  });
  if (!read) {
    // What is in force is not known any more, so nothing may go out.
    const std::lock_guard lock(snapshot_mutex_);
    snapshot_ = nullptr;
    return read;
  }
  auto next = std::make_shared<Snapshot>();
  for (Row& row : rows) {
    ProxyRoute route;
    route.id = fmt::format("{}/{}", row.record.id, row.revision);
    route.name = row.record.name;
    route.scheme = row.record.scheme;
    route.host = row.record.host;
    route.port = row.record.port;
    route.username = row.record.username;
    Result<ProxyRoute> usable = route;
    if (!row.sealed.empty()) {
      auto opened = sealer_.open(row.sealed, passwordContext(row.record.id));
      if (opened) {
        usable->password = std::move(*opened);
      } else {
        auto error = makeError(
            FailureKind::Unavailable,
            fmt::format("The password of the proxy \"{}\" ({}:{}) cannot be read; nothing is sent "
                        "around the proxy. Set the password again.",
                        route.name, route.host, route.port));
        error.error().reason = "proxy_unreadable";
        error.error().detail = opened.error().message;
        usable = error;
      }
    }
    next->routes.emplace(row.record.id, std::move(usable));
  }
  for (ProxyAssignment& assignment : all) {
    Result<std::optional<ProxyRoute>> route = std::nullopt;
    if (const auto found = next->routes.find(assignment.proxy_id); found != next->routes.end()) {
      if (found->second)
        route = *found->second;
      else
        route = std::unexpected(found->second.error());
    } else if (assignment.proxy_id != kDirectProxy) {
      auto error = makeError(
          FailureKind::Unavailable,
          fmt::format("The proxy that is assigned to {} {} was removed; nothing is sent around it. "
                      "Assign another, or \"direct\", with PUT /api/proxies/assignments.",
                      scopeName(assignment.scope), assignment.scope_id));
      error.error().reason = "proxy_missing";
      route = error;
    }
    Way way{assignment, std::move(route)};
    if (assignment.scope == ProxyScope::Global)
      next->global = std::move(way);
    else
      (assignment.scope == ProxyScope::Provider ? next->providers : next->connections)
          .emplace(assignment.scope_id, std::move(way));
  }
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_ = std::move(next);
  return {};
}

ProxyChoice ProxyStore::explain(std::string_view provider, std::string_view connection_id) {
  auto current = snapshot();
  if (!current) {
    // A read that failed once must not stop every call until somebody changes a proxy.
    const std::lock_guard lock(changes_);
    current = snapshot();
    if (!current && reload()) current = snapshot();
  }
  if (!current) {
    auto error = makeError(FailureKind::Unavailable,
                           "The proxies are not known: the database could not be read. Nothing is "
                           "sent until it can.");
    error.error().reason = "proxies_unknown";
    return {std::nullopt, error};
  }
  const Way* way = current->find(provider, connection_id);
  if (way == nullptr) return {std::nullopt, std::nullopt};
  return {way->assignment, way->route};
}

Result<std::optional<ProxyRoute>> ProxyStore::proxyFor(std::string_view provider,
                                                       std::string_view connection_id) {
  // The usual case, no proxy at all, is answered without a copy.
  if (const auto current = snapshot(); current) {
    const Way* way = current->find(provider, connection_id);
    if (way == nullptr) return std::nullopt;
    return way->route;
  }
  return explain(provider, connection_id).route;
}

Result<> ProxyStore::assign(std::string_view connection_id, std::string_view proxy_id) {
  std::string id(proxy_id);
  if (proxy_id != kDirectProxy) {
    auto all = list();
    if (!all) return std::unexpected(std::move(all.error()));
    bool known = false;
    for (const ProxyRecord& record : *all) known = known || record.id == proxy_id;
    for (const ProxyRecord& record : *all)
      if (!known && record.name == proxy_id) id = record.id;
  }
  return assign(ProxyAssignment{ProxyScope::Connection, std::string(connection_id), id});
}

Result<> ProxyStore::unassign(std::string_view connection_id) {
  return unassign(ProxyScope::Connection, connection_id);
}

Result<std::optional<std::string>> ProxyStore::assigned(std::string_view connection_id) {
  const auto choice = explain({}, connection_id);  // reads the snapshot again when there is none
  const auto current = snapshot();
  if (!current) return std::unexpected(choice.route.error());
  const auto found = current->connections.find(connection_id);
  if (found == current->connections.end()) return std::nullopt;
  return found->second.assignment.proxy_id;
}

Result<std::vector<ProxyRecord>> ProxyStore::list() {
  return sessions_->read([](Session& session) -> Result<std::vector<ProxyRecord>> {
    auto rows = loadRows(session, std::nullopt);
    if (!rows) return std::unexpected(std::move(rows.error()));
    std::vector<ProxyRecord> out;
    for (Row& row : *rows) out.push_back(std::move(row.record));
    return out;
  });
}

Result<ProxyRecord> ProxyStore::get(std::string_view id) {
  return sessions_->read([&](Session& session) -> Result<ProxyRecord> {
    auto rows = loadRows(session, id);
    if (!rows) return std::unexpected(std::move(rows.error()));
    if (rows->empty()) return noProxy(id);
    return std::move(rows->front().record);
  });
}

Result<> ProxyStore::put(const ProxyRecord& record, const std::optional<std::string>& password) {
  for (const auto& [text, field] : {std::pair<const std::string&, const char*>(record.id, "id"),
                                    {record.name, "name"},
                                    {record.host, "host"}}) {
    if (auto fine = checkText(text, field); !fine) return fine;
  }
  if (auto fine = checkText(record.username, "username", true); !fine) return fine;
  if (record.port == 0)
    return makeError(FailureKind::BadRequest, "port must be 1 to 65535.", "port");
  std::string sealed;
  if (password && !password->empty()) {
    auto hidden = sealer_.seal(*password, passwordContext(record.id));
    if (!hidden) return std::unexpected(std::move(hidden.error()));
    sealed = std::move(*hidden);
  }
  const std::lock_guard lock(changes_);
  auto written = sessions_->write([&](Session& session) -> Result<> {
    std::string other;
    Statement named(session);
    named << "SELECT id FROM proxies WHERE name=? COLLATE NOCASE AND id<>?", into(other),
        bind(record.name), bind(record.id);
    if (named.execute() > 0) {
      auto error = makeError(FailureKind::Conflict,
                             fmt::format("The name {} is taken by another proxy (names that differ "
                                         "only in case count as equal).",
                                         record.name),
                             "name");
      error.error().conflict_id = other;
      return error;
    }
    const Poco::Int64 time = clock_.nowMs();
    session << "INSERT INTO proxies(id, name, scheme, host, port, username, password, revision, "
               "created_ms, updated_ms) VALUES(?,?,?,?,?,?,?,1,?,?)"
               " ON CONFLICT(id) DO UPDATE SET name=excluded.name, scheme=excluded.scheme, "
               "host=excluded.host, port=excluded.port, username=excluded.username,"
               " revision=revision+1, updated_ms=excluded.updated_ms",
        bind(record.id), bind(record.name),
        bind(std::string(kSchemes[static_cast<size_t>(record.scheme)])), bind(record.host),
        bind(static_cast<int>(record.port)), bind(record.username), bind(sealed), bind(time),
        bind(time), now;
    if (password)
      session << "UPDATE proxies SET password=? WHERE id=?", bind(sealed), bind(record.id), now;
    return {};
  });
  if (!written) return written;
  return reload();
}

Result<> ProxyStore::remove(std::string_view id, bool even_if_assigned) {
  const std::lock_guard lock(changes_);
  auto written = sessions_->write([&](Session& session) -> Result<> {
    if (!exists(session, id)) return noProxy(id);
    int uses = 0;
    session << "SELECT COUNT(*) FROM proxy_assignments WHERE proxy_id=?", into(uses),
        bind(std::string(id)), now;
    if (uses > 0 && !even_if_assigned)
      return makeError(FailureKind::Conflict, "This proxy is assigned.", "id");
    session << "DELETE FROM proxies WHERE id=?", bind(std::string(id)), now;
    return {};
  });
  if (!written) return written;
  return reload();
}

Result<std::vector<ProxyAssignment>> ProxyStore::assignments() {
  return sessions_->read([](Session& session) { return loadAssignments(session); });
}

Result<> ProxyStore::assign(const ProxyAssignment& assignment) {
  if (auto fine = checkText(assignment.scope_id, "scopeId", assignment.scope == ProxyScope::Global);
      !fine)
    return fine;
  const std::string scope_id =
      assignment.scope == ProxyScope::Global ? std::string() : assignment.scope_id;
  const std::lock_guard lock(changes_);
  auto written = sessions_->write([&](Session& session) -> Result<> {
    if (assignment.proxy_id != kDirectProxy && !exists(session, assignment.proxy_id))
      return noProxy(assignment.proxy_id, "proxyId");
    session << "INSERT INTO proxy_assignments(scope, scope_id, proxy_id) VALUES(?,?,?)"
               " ON CONFLICT(scope, scope_id) DO UPDATE SET proxy_id=excluded.proxy_id",
        bind(scopeName(assignment.scope)), bind(scope_id), bind(assignment.proxy_id), now;
    return {};
  });
  if (!written) return written;
  return reload();
}

Result<> ProxyStore::unassign(ProxyScope scope, std::string_view scope_id) {
  const std::string id = scope == ProxyScope::Global ? std::string() : std::string(scope_id);
  const std::lock_guard lock(changes_);
  auto written = sessions_->write([&](Session& session) -> Result<> {
    session << "DELETE FROM proxy_assignments WHERE scope=? AND scope_id=?", bind(scopeName(scope)),
        bind(id), now;
    return {};
  });
  if (!written) return written;
  return reload();
}

Result<ProxyRoute> ProxyStore::route(std::string_view id) {
  const auto choice = explain({}, {});
  const auto current = snapshot();
  if (!current) return std::unexpected(choice.route.error());
  const auto found = current->routes.find(id);
  if (found == current->routes.end()) return noProxy(id);
  return found->second;
}

}  // namespace omni::storage
