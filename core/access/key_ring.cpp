#include "core/access/key_ring.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/ascii.hpp"
#include "core/base/uuid.hpp"

namespace omni::access {
namespace {

constexpr std::string_view kPurpose = "api-key";
constexpr size_t kSecretBytes = 32;
constexpr size_t kShownEnd = 4;

std::unexpected<Error> refused(FailureKind kind, std::string reason, std::string message) {
  Error error;
  error.kind = kind;
  error.reason = std::move(reason);
  error.message = std::move(message);
  return std::unexpected(std::move(error));
}

std::string newSecret(Random& random) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char bytes[kSecretBytes + 1] = {};
  random.fill(bytes, kSecretBytes);
  std::string out(kKeyPrefix);
  for (size_t i = 0; i < kSecretBytes; i += 3) {
    const uint32_t three = static_cast<uint32_t>(bytes[i] << 16 | bytes[i + 1] << 8 |
                                                 (i + 2 < sizeof(bytes) ? bytes[i + 2] : 0));
    for (int shift = 18; shift >= 0; shift -= 6) out += kDigits[(three >> shift) & 63];
  }
  return out;
}

}  // namespace

KeyRing::Entry* KeyRing::entryOf(std::string_view id_or_name) {
  if (const auto found = by_id_.find(id_or_name); found != by_id_.end()) return &found->second;
  for (auto& [id, entry] : by_id_)
    if (equalsIgnoringCase(entry.key.name, id_or_name)) return &entry;
  return nullptr;
}

const KeyRing::Entry* KeyRing::entryOf(std::string_view id_or_name) const {
  return const_cast<KeyRing*>(this)->entryOf(id_or_name);
}

namespace {
std::unexpected<Error> noKey() {
  return makeError(FailureKind::NotFound,
                   "API key not found: no key has this id or name. GET /api/keys lists them.",
                   "id");
}
}  // namespace

Result<> KeyRing::load() {
  auto keys = store_.listKeys();
  if (!keys) return std::unexpected(std::move(keys.error()));
  const int64_t now = clock_.nowMs();
  const std::string day = dayOf(now), month = monthOf(now);
  auto spending = store_.spendingOf({day, month});
  if (!spending) return std::unexpected(std::move(spending.error()));
  std::map<std::string, std::pair<Spent, Spent>, std::less<>> spent;
  for (const KeySpending& s : *spending)
    (s.period == day ? spent[s.key_id].first : spent[s.key_id].second) = s.spent;
  const std::lock_guard lock(mutex_);
  by_id_.clear();
  id_by_hash_.clear();
  for (ApiKey& key : *keys) {
    id_by_hash_[key.hash] = key.id;
    Entry& entry = by_id_[key.id];
    entry.limiter.restore(spent[key.id].first, spent[key.id].second, now);
    entry.key = std::move(key);
  }
  return {};
}

Result<KeyRing::Made> KeyRing::create(NewKey wanted) {
  Made made;
  made.secret = wanted.secret.empty() ? newSecret(random_) : std::move(wanted.secret);
  auto hash = hash_.keyedHash(kPurpose, made.secret);
  if (!hash) return std::unexpected(std::move(hash.error()));
  ApiKey& key = made.key;
  key.id = newUuid(random_);
  key.name = std::move(wanted.name);
  key.hash = std::move(*hash);
  key.shown =
      fmt::format("{}…{}", std::string_view(made.secret).substr(0, kKeyPrefix.size() + kShownEnd),
                  std::string_view(made.secret).substr(made.secret.size() - kShownEnd));
  key.policy = std::move(wanted.policy);
  key.created_ms = clock_.nowMs();
  key.expires_ms = wanted.expires_ms;
  const std::lock_guard writing(writes_);
  if (auto stored = store_.putKey(key); !stored) return std::unexpected(std::move(stored.error()));
  const std::lock_guard lock(mutex_);
  id_by_hash_[key.hash] = key.id;
  by_id_[key.id].key = key;
  return made;
}

Result<ApiKey> KeyRing::change(std::string_view id_or_name, const KeyChange& change) {
  const std::lock_guard writing(writes_);
  auto found = find(id_or_name);
  if (!found) return found;
  ApiKey key = std::move(*found);
  if (change.name) key.name = *change.name;
  if (change.policy) key.policy = *change.policy;
  if (change.enabled) key.enabled = *change.enabled;
  if (change.expires_ms) key.expires_ms = *change.expires_ms;
  if (auto stored = store_.putKey(key); !stored) return std::unexpected(std::move(stored.error()));
  const std::lock_guard lock(mutex_);
  Entry& entry = by_id_[key.id];
  key.last_used_ms = std::max(key.last_used_ms, entry.key.last_used_ms);
  entry.key = key;
  return key;
}

Result<> KeyRing::remove(std::string_view id_or_name) {
  const std::lock_guard writing(writes_);
  auto found = find(id_or_name);
  if (!found) return std::unexpected(std::move(found.error()));
  if (auto gone = store_.removeKey(found->id); !gone) return gone;
  const std::lock_guard lock(mutex_);
  id_by_hash_.erase(found->hash);
  by_id_.erase(found->id);
  std::erase_if(pending_, [&](const auto& p) { return p.first.first == found->id; });
  used_.erase(found->id);
  return {};
}

Result<size_t> KeyRing::renamed(std::string_view from, std::string_view to, bool is_combo) {
  size_t count = 0;
  const std::string before_model = std::string(from) + "/";
  for (const ApiKey& key : list()) {
    KeyPolicy policy = key.policy;
    bool named = false;
    for (std::string& entry : is_combo ? policy.combos : policy.models) {
      // An account also stands before a model: kiro/kiro-dev/claude-*.
      const bool whole = entry == from;
      if (!whole && (is_combo || !entry.starts_with(before_model))) continue;
      entry = std::string(to) + entry.substr(from.size());
      named = true;
    }
    if (!named) continue;
    if (auto done = change(key.id, {.policy = std::move(policy)}); !done)
      return std::unexpected(std::move(done.error()));
    ++count;
  }
  return count;
}

std::vector<ApiKey> KeyRing::list() const {
  std::vector<ApiKey> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : by_id_) out.push_back(entry.key);
  }
  std::ranges::sort(out, {}, &ApiKey::name);
  return out;
}

Result<ApiKey> KeyRing::find(std::string_view id_or_name) const {
  const std::lock_guard lock(mutex_);
  const Entry* entry = entryOf(id_or_name);
  if (!entry) return noKey();
  return entry->key;
}

KeyUse KeyRing::use(std::string_view id) const {
  const int64_t now = clock_.nowMs();
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return {};
  const Limiter& limiter = found->second.limiter;
  return {limiter.today(now), limiter.thisMonth(now), limiter.running()};
}

Result<> KeyRing::usable(const ApiKey& key) const {
  if (!key.enabled)
    return refused(FailureKind::Unauthorized, "key_disabled",
                   fmt::format("The API key \"{}\" is switched off.", key.name));
  if (key.expires_ms > 0 && clock_.nowMs() >= key.expires_ms)
    return refused(FailureKind::Unauthorized, "key_expired",
                   fmt::format("The API key \"{}\" has expired.", key.name));
  return {};
}

bool KeyRing::anyUsable(bool admin) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(by_id_, [&](const auto& pair) {
    const ApiKey& key = pair.second.key;
    return usable(key) && (admin ? key.policy.admin : key.policy.inference);
  });
}

Result<ApiKey> KeyRing::authenticate(std::string_view presented) {
  auto hash = hash_.keyedHash(kPurpose, presented);
  if (!hash) return std::unexpected(std::move(hash.error()));
  const std::lock_guard lock(mutex_);
  // A look-up by the keyed hash needs no comparison in constant time: without the master key nobody
  // can steer what is compared.
  const auto found = id_by_hash_.find(*hash);
  if (found == id_by_hash_.end())
    return refused(FailureKind::Unauthorized, "invalid_api_key",
                   "The API key is not known here. Check it, or make one with POST /api/keys.");
  Entry& entry = by_id_.find(found->second)->second;
  if (auto fine = usable(entry.key); !fine) return std::unexpected(std::move(fine.error()));
  entry.key.last_used_ms = used_[entry.key.id] = clock_.nowMs();
  return entry.key;
}

Result<> KeyRing::enter(std::string_view id, std::string_view model,
                        const std::function<bool(std::string_view)>& is_combo) {
  // Asked outside the lock: it may read the store.
  std::optional<KeyPolicy> policy;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_id_.find(id); found != by_id_.end())
      policy = found->second.key.policy;
  }
  if (policy && policy->restricted() && !policy->allows(model, is_combo(model)))
    return refused(FailureKind::Forbidden, "key_model",
                   fmt::format("This API key may not use \"{}\".", model.substr(0, 200)));
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end())
    return refused(FailureKind::Unauthorized, "invalid_api_key", "The API key has been removed.");
  Entry& entry = found->second;
  if (auto fine = usable(entry.key); !fine) return fine;
  if (!entry.key.policy.inference)
    return refused(FailureKind::Forbidden, "key_scope",
                   fmt::format("The API key \"{}\" is not for inference.", entry.key.name));
  return entry.limiter.enter(entry.key.policy, clock_.nowMs(), clock_.steadyMs());
}

bool KeyRing::mayUse(std::string_view id, std::string_view model, bool is_combo) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  return found != by_id_.end() && found->second.key.policy.allows(model, is_combo);
}

void KeyRing::leave(std::string_view id, const Spent& spent) {
  const int64_t now = clock_.nowMs();
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  found->second.limiter.leave(spent, now);
  for (const std::string& period : {dayOf(now), monthOf(now)})
    pending_[{std::string(id), period}].add(spent);
}

Result<> KeyRing::flush() {
  std::map<std::pair<std::string, std::string>, Spent> pending;
  std::map<std::string, int64_t> used;
  {
    const std::lock_guard lock(mutex_);
    pending.swap(pending_);
    used.swap(used_);
  }
  if (pending.empty() && used.empty()) return {};
  std::vector<KeySpending> rows;
  rows.reserve(pending.size());
  for (const auto& [where, spent] : pending) rows.push_back({where.first, where.second, spent});
  auto written = store_.addSpending(rows, used);
  if (written) return {};
  const std::lock_guard lock(mutex_);
  for (const auto& [where, spent] : pending) pending_[where].add(spent);
  for (const auto& [id, at] : used) used_[id] = std::max(used_[id], at);
  return written;
}

}  // namespace omni::access
