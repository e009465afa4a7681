#pragma once
// Sign-ins under way in SQLite, sealed.

#include <memory>

#include "core/ports/clock.hpp"
#include "core/ports/sealer.hpp"
#include "core/ports/sign_in_store.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe. The sealer and the clock must outlive it.
class SqliteSignInStore final : public SignInStore {
 public:
  SqliteSignInStore(std::shared_ptr<Sessions> sessions, Sealer& sealer, Clock& clock)
      : sessions_(std::move(sessions)), sealer_(sealer), clock_(clock) {}
  Result<> put(std::string_view id, std::string_view state) override;
  Result<> remove(std::string_view id) override;
  Result<std::map<std::string, std::string>> all() override;

 private:
  std::shared_ptr<Sessions> sessions_;
  Sealer& sealer_;
  Clock& clock_;
};

}  // namespace omni::storage
