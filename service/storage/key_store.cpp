#include "service/storage/key_store.hpp"

#include <Poco/Data/Statement.h>
#include <fmt/format.h>

#include <boost/json.hpp>

namespace omni::storage {
namespace {

namespace json = boost::json;
using Poco::Data::Session;
using Poco::Data::Statement;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::limit;
using Poco::Data::Keywords::now;

Result<access::KeyPolicy> policyOf(const std::string& text, const std::string& id) {
  json::error_code code;
  const json::value value = json::parse(text, code);
  auto policy = code || !value.is_object() ? Result<access::KeyPolicy>(std::unexpected(Error{}))
                                           : access::parsePolicy(value.get_object());
  if (policy) return policy;
  // Never "no policy": that would be a key without limits.
  auto error =
      makeError(FailureKind::Internal,
                fmt::format("The policy of the API key {} is damaged; restore the database "
                            "from a copy.",
                            id));
  error.error().reason = "storage_damaged";
  return error;
}

}  // namespace

Result<std::vector<ApiKey>> KeyStore::listKeys() {
  return sessions_->read([&](Session& session) -> Result<std::vector<ApiKey>> {
    std::vector<ApiKey> out;
    ApiKey row;
    std::string policy;
    int enabled = 0;
    Poco::Int64 created = 0, expires = 0, used = 0;
    Statement select(session);
    select << "SELECT id, name, hash, shown, policy, enabled, created_ms, expires_ms, last_used_ms"
              " FROM api_keys ORDER BY name",
        into(row.id), into(row.name), into(row.hash), into(row.shown), into(policy), into(enabled),
        into(created), into(expires), into(used), limit(1);
    while (!select.done()) {
      if (select.execute() == 0) break;
      auto parsed = policyOf(policy, row.id);
      if (!parsed) return std::unexpected(std::move(parsed.error()));
      row.policy = std::move(*parsed);
      row.enabled = enabled != 0;
      row.created_ms = created;
      row.expires_ms = expires;
      row.last_used_ms = used;
      out.push_back(row);
    }
    return out;
  });
}

Result<> KeyStore::putKey(const ApiKey& key) {
  return sessions_->write([&](Session& session) -> Result<> {
    std::string other;
    Statement taken(session);
    taken << "SELECT id FROM api_keys WHERE name=? COLLATE NOCASE AND id<>?", into(other),
        bind(key.name), bind(key.id);
    if (taken.execute() > 0) {
      auto error = makeError(FailureKind::Conflict,
                             fmt::format("There is an API key \"{}\" already.", key.name), "name");
      error.error().conflict_id = other;
      return error;
    }
    session
        << "INSERT INTO api_keys(id, name, hash, shown, policy, enabled, created_ms, expires_ms,"
           " last_used_ms) VALUES(?,?,?,?,?,?,?,?,?)"
           " ON CONFLICT(id) DO UPDATE SET name=excluded.name, policy=excluded.policy,"
           " enabled=excluded.enabled, expires_ms=excluded.expires_ms",
        bind(key.id), bind(key.name), bind(key.hash), bind(key.shown),
        bind(json::serialize(access::policyJson(key.policy))), bind(key.enabled ? 1 : 0),
        bind(Poco::Int64(key.created_ms)), bind(Poco::Int64(key.expires_ms)),
        bind(Poco::Int64(key.last_used_ms)), now;
    return {};
  });
}

Result<> KeyStore::removeKey(std::string_view id) {
  return sessions_->write([&](Session& session) -> Result<> {
    Statement gone(session);
    gone << "DELETE FROM api_keys WHERE id=?", bind(std::string(id));
    if (gone.execute() == 0) return makeError(FailureKind::NotFound, "There is no such API key.");
    return {};
  });
}

Result<> KeyStore::addSpending(const std::vector<KeySpending>& spending,
                               const std::map<std::string, int64_t>& last_used_ms) {
  return sessions_->write([&](Session& session) -> Result<> {
    for (const KeySpending& s : spending)
      session << "INSERT INTO api_key_spending(key_id, period, requests, tokens, credits)"
                 " SELECT id, ?, ?, ?, ? FROM api_keys WHERE id=?"
                 " ON CONFLICT(key_id, period) DO UPDATE SET requests=requests+excluded.requests,"
                 " tokens=tokens+excluded.tokens, credits=credits+excluded.credits",
          bind(s.period), bind(Poco::Int64(s.spent.requests)), bind(Poco::Int64(s.spent.tokens)),
          bind(s.spent.credits), bind(s.key_id), now;
    for (const auto& [id, at] : last_used_ms)
      session << "UPDATE api_keys SET last_used_ms=MAX(last_used_ms, ?) WHERE id=?",
          bind(Poco::Int64(at)), bind(id), now;
    return {};
  });
}

Result<std::vector<KeySpending>> KeyStore::spendingOf(const std::vector<std::string>& periods) {
  return sessions_->read([&](Session& session) -> Result<std::vector<KeySpending>> {
    std::vector<KeySpending> out;
    for (const std::string& period : periods) {
      KeySpending row;
      Poco::Int64 requests = 0, tokens = 0;
      Statement select(session);
      select << "SELECT key_id, requests, tokens, credits FROM api_key_spending WHERE period=?",
          into(row.key_id), into(requests), into(tokens), into(row.spent.credits), bind(period),
          limit(1);
      while (!select.done()) {
        if (select.execute() == 0) break;
        row.period = period;
        row.spent.requests = requests;
        row.spent.tokens = tokens;
        out.push_back(row);
      }
    }
    return out;
  });
}

}  // namespace omni::storage
