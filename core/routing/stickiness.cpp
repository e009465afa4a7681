#include "core/routing/stickiness.hpp"

#include <algorithm>
#include <functional>

namespace omni::routing {
namespace {

// Enough to tell conversations apart; a pasted file must not be hashed whole for each request.
constexpr size_t kHashedBytes = 4096;

void add(uint64_t& hash, std::string_view text) {
  hash ^= std::hash<std::string_view>{}(text.substr(0, kHashedBytes)) + 0x9E3779B97F4A7C15ull +
          (hash << 6) + (hash >> 2);
}

}  // namespace

SessionKey sessionKey(const chat::ChatRequest& request) {
  SessionKey key;
  uint64_t hash = 0;
  add(hash, request.model);
  if (!request.session.empty()) {
    add(hash, request.session);
    key.value = hash | 1;
    return key;
  }
  // System texts are left out: clients put the date and the open file in them.
  bool user = false;
  key.continues = false;
  for (const chat::Message& message : request.messages) {
    if (message.role == chat::Role::Assistant) {
      key.continues = true;
      break;
    }
    if (message.role != chat::Role::User || user) continue;
    for (const chat::Part& part : message.parts) {
      if (part.text.empty()) continue;
      add(hash, part.text);
      user = true;
    }
  }
  if (user) key.value = hash | 1;
  return key;
}

std::optional<Stickiness::Place> Stickiness::find(uint64_t session, int64_t now_ms) {
  std::lock_guard lock(mutex_);
  const auto found = index_.find(session);
  if (found == index_.end()) return std::nullopt;
  if (found->second->expires_ms <= now_ms) {
    order_.erase(found->second);
    index_.erase(found);
    return std::nullopt;
  }
  return found->second->place;
}

void Stickiness::served(uint64_t session, uint64_t account, bool keep_home, int64_t now_ms,
                        int64_t ttl_ms) {
  std::lock_guard lock(mutex_);
  auto found = index_.find(session);
  if (found == index_.end()) {
    while (!order_.empty() && (order_.size() >= most_ || order_.back().expires_ms <= now_ms)) {
      index_.erase(order_.back().session);
      order_.pop_back();
    }
    order_.push_front({session, {account, 0}, now_ms + ttl_ms});
    index_[session] = order_.begin();
    return;
  }
  Entry& entry = *found->second;
  if (entry.place.home == account)
    entry.place.away = 0;
  else if (keep_home)
    entry.place.away = account;
  else
    entry.place = {account, 0};
  entry.expires_ms = now_ms + ttl_ms;
  order_.splice(order_.begin(), order_, found->second);
}

size_t Stickiness::size() const {
  std::lock_guard lock(mutex_);
  return order_.size();
}

}  // namespace omni::routing
