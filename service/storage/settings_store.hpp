#pragma once
// Settings that change while the service runs: the password's hash, webhooks. What is secret in
// them is hashed or sealed by the caller.

#include <memory>
#include <utility>

#include "core/ports/api_keys.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe (see Sessions).
class SettingsTable final : public SettingsStore {
 public:
  explicit SettingsTable(std::shared_ptr<Sessions> sessions) : sessions_(std::move(sessions)) {}
  Result<std::string> setting(std::string_view key) override;
  Result<> putSetting(std::string_view key, std::string_view value) override;

 private:
  std::shared_ptr<Sessions> sessions_;
};

}  // namespace omni::storage
