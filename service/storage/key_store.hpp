#pragma once
// API keys and what they have spent, and the settings that change while the service runs.

#include <memory>
#include <utility>

#include "core/ports/api_keys.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe (see Sessions).
class KeyStore final : public ApiKeyStore {
 public:
  explicit KeyStore(std::shared_ptr<Sessions> sessions) : sessions_(std::move(sessions)) {}
  Result<std::vector<ApiKey>> listKeys() override;
  Result<> putKey(const ApiKey& key) override;
  Result<> removeKey(std::string_view id) override;
  Result<> addSpending(const std::vector<KeySpending>& spending,
                       const std::map<std::string, int64_t>& last_used_ms) override;
  Result<std::vector<KeySpending>> spendingOf(const std::vector<std::string>& periods) override;

 private:
  std::shared_ptr<Sessions> sessions_;
};

}  // namespace omni::storage
