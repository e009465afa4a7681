#include "core/access/admin_sessions.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace omni::access {
namespace {

constexpr size_t kTokenBytes = 32;
constexpr size_t kMostSessions = 1000;

}  // namespace

std::optional<std::string> AdminSessions::hashOf(std::string_view token) {
  if (token.size() != kTokenBytes * 2) return std::nullopt;
  auto hash = hash_.keyedHash("admin-session", token);
  if (!hash) return std::nullopt;
  return std::move(*hash);
}

Result<std::string> AdminSessions::open() {
  unsigned char bytes[kTokenBytes];
  random_.fill(bytes, sizeof(bytes));
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  auto hash = hashOf(token);
  if (!hash) return makeError(FailureKind::Internal, "The session cannot be opened.");
  const int64_t now = clock_.nowMs();
  const std::lock_guard lock(mutex_);
  std::erase_if(by_hash_, [&](const auto& entry) { return over(entry.second, now); });
  if (by_hash_.size() >= kMostSessions)
    by_hash_.erase(std::ranges::min_element(
        by_hash_, {}, [](const auto& entry) { return entry.second.used_ms; }));
  by_hash_[std::move(*hash)] = {now, now};
  return token;
}

std::optional<int64_t> AdminSessions::use(std::string_view token) {
  const auto hash = hashOf(token);
  if (!hash) return std::nullopt;
  const int64_t now = clock_.nowMs();
  const std::lock_guard lock(mutex_);
  const auto found = by_hash_.find(*hash);
  if (found == by_hash_.end()) return std::nullopt;
  if (over(found->second, now)) {
    by_hash_.erase(found);
    return std::nullopt;
  }
  found->second.used_ms = now;
  return std::min(now + kIdleMs, found->second.opened_ms + kLongestMs);
}

void AdminSessions::close(std::string_view token) {
  const auto hash = hashOf(token);
  if (!hash) return;
  const std::lock_guard lock(mutex_);
  by_hash_.erase(*hash);
}

void AdminSessions::closeAll() {
  const std::lock_guard lock(mutex_);
  by_hash_.clear();
}

}  // namespace omni::access
