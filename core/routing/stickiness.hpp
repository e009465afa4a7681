#pragma once
// Which account a conversation is with. Bounded, forgets what has been idle, in memory only.

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "core/chat/model.hpp"

namespace omni::routing {

struct SessionKey {
  uint64_t value = 0;     // 0: nothing tells this conversation from another
  bool continues = true;  // false: its first turn, without a name from the client: nobody to stay
                          // with yet
};

// From ChatRequest::session, else from the first turn. `model` keeps combos apart.
SessionKey sessionKey(const chat::ChatRequest& request);

// Thread-safe. Accounts are known by a hash of their id.
class Stickiness {
 public:
  explicit Stickiness(size_t most = 100000) : most_(most) {}

  struct Place {
    uint64_t home = 0;
    uint64_t away = 0;  // serves while home cannot; 0: none
  };
  std::optional<Place> find(uint64_t session, int64_t now_ms);
  // It was served by `account`. Without `keep_home` the conversation moves for good; with it, it
  // comes back when home can serve again.
  void served(uint64_t session, uint64_t account, bool keep_home, int64_t now_ms, int64_t ttl_ms);
  size_t size() const;

 private:
  struct Entry {
    uint64_t session;
    Place place;
    int64_t expires_ms;
  };
  const size_t most_;
  mutable std::mutex mutex_;
  std::list<Entry> order_;  // newest first
  std::unordered_map<uint64_t, std::list<Entry>::iterator> index_;
};

}  // namespace omni::routing
