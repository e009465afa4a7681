#include "service/storage/sign_in_store.hpp"

#include <Poco/Data/Statement.h>
#include <fmt/format.h>

#include <vector>

namespace omni::storage {

using Poco::Data::Session;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

namespace {

std::string contextOf(std::string_view id) {
  return fmt::format("sign_ins/{}/state", id);
}

}  // namespace

Result<> SqliteSignInStore::put(std::string_view id, std::string_view state) {
  auto sealed = sealer_.seal(state, contextOf(id));
  if (!sealed) return std::unexpected(std::move(sealed.error()));
  const auto at = static_cast<Poco::Int64>(clock_.nowMs());
  return sessions_->write([&](Session& session) -> Result<> {
    const std::string key(id);
    session << "INSERT OR REPLACE INTO sign_ins(id, state, saved_ms) VALUES(?, ?, ?)", bind(key),
        bind(*sealed), bind(at), now;
    return {};
  });
}

Result<> SqliteSignInStore::remove(std::string_view id) {
  return sessions_->write([&](Session& session) -> Result<> {
    const std::string key(id);
    session << "DELETE FROM sign_ins WHERE id=?", bind(key), now;
    return {};
  });
}

Result<std::map<std::string, std::string>> SqliteSignInStore::all() {
  using States = std::map<std::string, std::string>;
  auto rows = sessions_->read([](Session& session) -> Result<States> {
    std::vector<std::string> ids, states;
    session << "SELECT id, state FROM sign_ins", into(ids), into(states), now;
    States out;
    for (size_t i = 0; i < ids.size(); ++i) out[ids[i]] = states[i];
    return out;
  });
  if (!rows) return rows;
  for (auto& [id, state] : *rows) state = sealer_.open(state, contextOf(id)).value_or("");
  return rows;
}

}  // namespace omni::storage
