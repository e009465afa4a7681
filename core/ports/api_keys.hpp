#pragma once
// The stored side of API keys. Implemented by service/storage.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/limiter.hpp"
#include "core/access/policy.hpp"
#include "core/base/error.hpp"

namespace omni {

struct ApiKey {
  std::string id;     // UUID
  std::string name;   // unique without regard to ASCII case
  std::string hash;   // keyed hash of the key; the key itself is nowhere
  std::string shown;  // first and last characters, for people
  access::KeyPolicy policy;
  bool enabled = true;
  int64_t created_ms = 0;
  int64_t expires_ms = 0;    // 0: never
  int64_t last_used_ms = 0;  // 0: never; exact to some seconds
};

// What one key spent in one period ("2026-11-24" or "2026-11").
struct KeySpending {
  std::string key_id;
  std::string period;
  access::Spent spent;
};

// Thread-safe; durable when a method returns success.
class ApiKeyStore {
 public:
  virtual ~ApiKeyStore() = default;
  virtual Result<std::vector<ApiKey>> listKeys() = 0;
  // Insert, or replace by id. Conflict (field "name") when the name is another's.
  virtual Result<> putKey(const ApiKey& key) = 0;
  virtual Result<> removeKey(std::string_view id) = 0;  // NotFound; with its spending
  // Adds to what is there, and sets last_used_ms; unknown keys are passed over. One transaction.
  virtual Result<> addSpending(const std::vector<KeySpending>& spending,
                               const std::map<std::string, int64_t>& last_used_ms) = 0;
  virtual Result<std::vector<KeySpending>> spendingOf(const std::vector<std::string>& periods) = 0;
};

// Small settings that are changed while running: the password's hash, webhooks.
class SettingsStore {
 public:
  virtual ~SettingsStore() = default;
  virtual Result<std::string> setting(std::string_view key) = 0;  // "" when not set
  virtual Result<> putSetting(std::string_view key, std::string_view value) = 0;
};

}  // namespace omni
