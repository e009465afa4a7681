#pragma once
// Connections, their secrets and the combos in one SQLite file. Secrets are sealed before they
// reach SQLite.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/clock.hpp"
#include "core/ports/sealer.hpp"
#include "core/ports/store.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe (see Sessions). A change is on disk (fsync) when its method returns success. Sealer
// and clock are borrowed and outlive the store. One process uses a database.
//
// A secret is sealed with the context "connection_values/<connection id>/<key>". Plain values,
// names and keys hold no NUL. Names are unique without regard to ASCII case. The value
// "fingerprint" is also an indexed column: unique per provider.
//
// Errors: NotFound; Conflict with conflict_id (field "name", "fingerprint" or "id"); BadRequest for
// unusable input; else Unavailable or Internal, with reason storage_full, _readonly, _locked,
// _damaged, _io, _newer, _error or wrong_master_key.
class SqliteStore final : public ConnectionStore, public ComboStore {
 public:
  // Does the file hold secrets, so that a missing master key may not be replaced? A missing file
  // holds none. Asked before the key is loaded.
  static Result<bool> hasSealedData(const std::filesystem::path& path);

  // Makes or opens the file (mode 0600), checks it for damage, brings its schema up to date and
  // checks that the sealer's key is the one its secrets were sealed under. The directory must
  // exist. On an error the file is kept as it was.
  static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& path,
                                                   Sealer& sealer, Clock& clock);

  Result<std::vector<Connection>> list() override;
  Result<Connection> get(std::string_view id) override;
  Result<std::string> providerOf(std::string_view id) override;
  Result<> create(const Connection& connection, const std::vector<ValueChange>& values) override;
  Result<> rename(std::string_view id, std::string_view name) override;
  Result<> setState(std::string_view id, const StateRecord& state) override;
  Result<> remove(std::string_view id) override;
  Result<> commit(std::string_view id, const std::vector<ValueChange>& values) override;
  Result<> replace(std::string_view id, const std::vector<ValueChange>& values,
                   const StateRecord& state) override;
  Result<std::optional<std::string>> value(std::string_view id, std::string_view key) override;
  Result<std::optional<std::string>> findByFingerprint(std::string_view provider,
                                                       std::string_view fingerprint) override;

  Result<std::vector<routing::Combo>> listCombos() override;
  Result<> putCombo(const routing::Combo& combo) override;
  Result<> removeCombo(std::string_view id) override;

  // For the other stores of this folder, which keep their tables in the same file.
  const std::shared_ptr<Sessions>& sessions() const { return sessions_; }

 private:
  SqliteStore(std::shared_ptr<Sessions> sessions, Sealer& sealer, Clock& clock);

  Result<std::vector<ValueChange>> sealAll(std::string_view id,
                                           const std::vector<ValueChange>& values);
  Result<> write(std::string_view id, const std::vector<ValueChange>& values,
                 const StateRecord* state);
  Result<> checkKey();

  std::shared_ptr<Sessions> sessions_;
  Sealer& sealer_;
  Clock& clock_;
};

}  // namespace omni::storage
