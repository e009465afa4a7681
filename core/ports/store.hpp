#pragma once
// What the service remembers. Implemented by service/storage. All methods are thread-safe and
// durable when they return success.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/accounts/connection.hpp"
#include "core/base/error.hpp"
#include "core/routing/combo.hpp"

namespace omni {

// One change of an account's record; nullopt removes the key.
struct ValueChange {
  std::string key;
  std::optional<std::string> value;
  bool secret = false;
};

class ConnectionStore {
 public:
  virtual ~ConnectionStore() = default;
  virtual Result<std::vector<Connection>> list() = 0;
  virtual Result<Connection> get(std::string_view id) = 0;  // NotFound
  // The provider that a connection belongs to, for whoever needs no more of it. NotFound.
  virtual Result<std::string> providerOf(std::string_view id) {
    auto connection = get(id);
    if (!connection) return std::unexpected(std::move(connection.error()));
    return std::move(connection->provider);
  }
  // Inserts connection and values in one transaction. Conflict (with conflict_id) when the name is
  // taken in this provider, or when a change with key "fingerprint" (a hash that identifies the
  // token) equals an existing connection's.
  virtual Result<> create(const Connection& connection, const std::vector<ValueChange>& values) = 0;
  virtual Result<> rename(std::string_view id, std::string_view name) = 0;
  virtual Result<> setState(std::string_view id, const StateRecord& state) = 0;
  virtual Result<> remove(std::string_view id) = 0;
  // All changes in one transaction, fsync'ed.
  virtual Result<> commit(std::string_view id, const std::vector<ValueChange>& values) = 0;
  // commit() and setState() in one transaction: a sign-in over an existing connection.
  virtual Result<> replace(std::string_view id, const std::vector<ValueChange>& values,
                           const StateRecord& state) = 0;
  // Newest committed value, secret or plain; nullopt when not set.
  virtual Result<std::optional<std::string>> value(std::string_view id, std::string_view key) = 0;
  virtual Result<std::optional<std::string>> findByFingerprint(std::string_view provider,
                                                               std::string_view fingerprint) = 0;
};

class ComboStore {
 public:
  virtual ~ComboStore() = default;
  virtual Result<std::vector<routing::Combo>> listCombos() = 0;
  virtual Result<> putCombo(const routing::Combo& combo) = 0;  // insert or replace by id; Conflict
                                                               // when the name is another's
  virtual Result<> removeCombo(std::string_view id) = 0;
};

}  // namespace omni
