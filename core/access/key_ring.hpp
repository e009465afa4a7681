#pragma once
// All API keys in memory: who presents which, what it may do and what it has used. The store is
// asked at start and told of changes; a request costs one hash and one look-up.
//
// Thread-safe. What the constructor gets must outlive it.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/limiter.hpp"
#include "core/ports/api_keys.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/keyed_hash.hpp"

namespace omni::access {

// All keys begin with it, so that a key is told from the made-up ones that clients send because
// their settings want one.
constexpr std::string_view kKeyPrefix = "sk-omni-";

struct NewKey {
  std::string name = {};
  KeyPolicy policy = {};
  int64_t expires_ms = 0;
  std::string secret = {};  // empty: made here
};

struct KeyChange {
  std::optional<std::string> name = std::nullopt;
  std::optional<KeyPolicy> policy = std::nullopt;
  std::optional<bool> enabled = std::nullopt;
  std::optional<int64_t> expires_ms = std::nullopt;
};

struct KeyUse {
  Spent today;
  Spent this_month;
  int running = 0;
};

class KeyRing {
 public:
  KeyRing(ApiKeyStore& store, KeyedHash& hash, Clock& clock, Random& random)
      : store_(store), hash_(hash), clock_(clock), random_(random) {}

  Result<> load();

  struct Made {
    ApiKey key;
    std::string secret;  // shown once
  };
  Result<Made> create(NewKey wanted);
  Result<ApiKey> change(std::string_view id_or_name, const KeyChange& change);
  Result<> remove(std::string_view id_or_name);
  // A combo ("my-kiro") or an account ("kiro/kiro-dev") is called otherwise from now on: the
  // policies that name it follow, so that a new name cuts nobody off. How many keys that were.
  Result<size_t> renamed(std::string_view from, std::string_view to, bool is_combo);
  // By name, in order of name.
  std::vector<ApiKey> list() const;
  Result<ApiKey> find(std::string_view id_or_name) const;
  KeyUse use(std::string_view id) const;
  // Whether a key exists that could be used now with this scope.
  bool anyUsable(bool admin) const;

  // Unauthorized with reason invalid_api_key, key_expired or key_disabled.
  Result<ApiKey> authenticate(std::string_view presented);
  // Forbidden (reason "key_scope" or "key_model"), RateLimited (see Limiter), Unauthorized when the
  // key was removed or has expired meanwhile.
  Result<> enter(std::string_view id, std::string_view model,
                 const std::function<bool(std::string_view)>& is_combo);
  // Whether its policy names this model or combo; false for a key that is gone.
  bool mayUse(std::string_view id, std::string_view model, bool is_combo) const;
  // After each successful enter(), also when the key is gone.
  void leave(std::string_view id, const Spent& spent);

  // Writes what was spent and when keys were last used since the last call. What cannot be written
  // is kept for the next time.
  Result<> flush();

 private:
  struct Entry {
    ApiKey key;
    Limiter limiter;
  };
  Entry* entryOf(std::string_view id_or_name);
  const Entry* entryOf(std::string_view id_or_name) const;
  Result<> usable(const ApiKey& key) const;

  ApiKeyStore& store_;
  KeyedHash& hash_;
  Clock& clock_;
  Random& random_;
  mutable std::mutex mutex_;
  std::mutex writes_;  // one change at a time; taken before mutex_, held over the store's work
  std::map<std::string, Entry, std::less<>> by_id_;
  std::map<std::string, std::string, std::less<>> id_by_hash_;
  std::map<std::pair<std::string, std::string>, Spent> pending_;  // key, period
  std::map<std::string, int64_t> used_;                           // since the last flush
};

}  // namespace omni::access
