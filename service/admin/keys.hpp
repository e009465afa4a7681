#pragma once
// API keys: GET and POST /api/keys, GET, PATCH and DELETE /api/keys/{id}. The key itself is in the
// answer to POST and nowhere else.

#include <functional>
#include <string_view>

#include "core/access/key_ring.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct KeyDeps {
  access::KeyRing& keys;
  Clock& clock;
  // Action, key and who did it, for the audit log; may be empty.
  std::function<void(std::string_view action, const ApiKey& key, std::string_view actor)> audit{};
  // Whether anything that is there now fits a pattern of a key's models or combos; may be empty.
  std::function<bool(std::string_view pattern, bool is_combo)> answers{};
};

// What deps refer to must outlive the routes.
void addKeyRoutes(http::RouteTable& table, KeyDeps deps);

}  // namespace omni::admin
