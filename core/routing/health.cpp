#include "core/routing/health.hpp"

#include <algorithm>
#include <functional>

namespace omni::routing {
namespace {

// Capacity comes back within seconds or not for minutes; three refusals from different requests
// tell the two apart.
constexpr BreakerRules kModelRules{.failures = 3,
                                   .first_open_ms = 2000,
                                   .longest_open_ms = 60000,
                                   .forced_every_ms = 500,
                                   .probe_ttl_ms = 120000};
constexpr int64_t kLongestModelDelay = 300000;
constexpr int64_t kForgetAfter = 3600000;
constexpr size_t kReasonLength = 200;

uint64_t mix(std::string_view a, std::string_view b, uint64_t salt) {
  uint64_t hash = std::hash<std::string_view>{}(a) * 0x9E3779B97F4A7C15ull + salt;
  hash ^= hash >> 29;
  hash = (hash + std::hash<std::string_view>{}(b)) * 0xBF58476D1CE4E5B9ull;
  return hash ^ (hash >> 32);
}

}  // namespace

uint64_t endpointKey(std::string_view connection_id, std::string_view model) {
  return mix(connection_id, model, 1);
}

uint64_t modelKey(std::string_view provider, std::string_view model) {
  return mix(provider, model, 2);
}

HealthBook::HealthBook(BreakerRules endpoint_rules, size_t most)
    : endpoint_rules_(endpoint_rules), most_(most) {}

void HealthBook::makeRoom(int64_t now_ms) {
  std::erase_if(book_, [&](const auto& item) {
    const Entry& e = item.second;
    return e.cool_until_ms <= now_ms && now_ms - e.touched_ms > kForgetAfter;
  });
  if (book_.size() >= most_) {
    const auto oldest = std::ranges::min_element(
        book_, {}, [](const auto& item) { return item.second.touched_ms; });
    book_.erase(oldest);
  }
}

HealthBook::Entry& HealthBook::entry(uint64_t key, int64_t now_ms, const BreakerRules& rules) {
  auto found = book_.find(key);
  if (found == book_.end()) {
    if (book_.size() >= most_) makeRoom(now_ms);
    found = book_.emplace(key, Entry{Breaker(rules), 0, now_ms, false, {}}).first;
    entries_ = book_.size();
  }
  found->second.touched_ms = now_ms;
  return found->second;
}

Health HealthBook::endpoint(uint64_t key, int64_t now_ms) const {
  std::lock_guard lock(mutex_);
  const auto found = book_.find(key);
  if (found == book_.end()) return {};
  const Entry& e = found->second;
  if (now_ms < e.cool_until_ms)
    return {e.gate ? Health::State::Gated : Health::State::Cooling, e.cool_until_ms, e.reason};
  const Breaker& breaker = e.breaker;
  if (!breaker.open()) return {};
  if (breaker.mayProbe(now_ms)) return {Health::State::Due, 0, e.reason};
  if (breaker.probing(now_ms)) return {Health::State::Probing, breaker.openUntil(), e.reason};
  if (breaker.mayForce(now_ms)) return {Health::State::Open, breaker.openUntil(), e.reason};
  return {Health::State::OpenNoForce, std::min(breaker.mayForceAt(), breaker.openUntil()),
          e.reason};
}

void HealthBook::endpointFailed(uint64_t key, int64_t now_ms, std::string_view reason) {
  std::lock_guard lock(mutex_);
  Entry& e = entry(key, now_ms, endpoint_rules_);
  e.breaker.fail(now_ms);
  e.reason = reason.substr(0, kReasonLength);
}

void HealthBook::endpointCools(uint64_t key, int64_t until_ms, int64_t now_ms,
                               std::string_view reason, bool gate) {
  std::lock_guard lock(mutex_);
  Entry& e = entry(key, now_ms, endpoint_rules_);
  e.breaker.probeEnds();
  // A late answer with a shorter delay does not take back a longer one.
  if (until_ms <= e.cool_until_ms) return;
  e.cool_until_ms = until_ms;
  e.gate = gate;
  e.reason = reason.substr(0, kReasonLength);
}

void HealthBook::modelFull(uint64_t key, int64_t now_ms, int64_t retry_after_ms,
                           std::string_view reason) {
  std::lock_guard lock(mutex_);
  Entry& e = entry(key, now_ms, kModelRules);
  e.breaker.fail(now_ms, std::clamp<int64_t>(retry_after_ms, 0, kLongestModelDelay));
  e.reason = reason.substr(0, kReasonLength);
}

void HealthBook::succeeded(uint64_t key, int64_t now_ms) {
  if (quiet()) return;
  std::lock_guard lock(mutex_);
  const auto found = book_.find(key);
  if (found == book_.end()) return;
  // A delay that came in while this success was on its way is newer knowledge.
  if (Entry& e = found->second; now_ms < e.cool_until_ms && !e.gate)
    e.breaker.succeed();
  else
    book_.erase(found);
  entries_ = book_.size();
}

void HealthBook::probeStarts(uint64_t key, int64_t now_ms) {
  if (quiet()) return;
  std::lock_guard lock(mutex_);
  if (const auto found = book_.find(key); found != book_.end() && found->second.breaker.open())
    found->second.breaker.probeStarts(now_ms);
}

void HealthBook::probeEnds(uint64_t key) {
  if (quiet()) return;
  std::lock_guard lock(mutex_);
  if (const auto found = book_.find(key); found != book_.end()) found->second.breaker.probeEnds();
}

HealthBook::Count HealthBook::count(int64_t now_ms) const {
  std::lock_guard lock(mutex_);
  Count out;
  for (const auto& [key, e] : book_) {
    if (now_ms < e.cool_until_ms) ++out.cooling;
    if (e.breaker.open()) ++out.open;
  }
  return out;
}

}  // namespace omni::routing
