#include "core/accounts/directory.hpp"

#include <algorithm>
#include <tuple>

#include "core/errors/error_table.hpp"

namespace omni {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kFirstCooling = kMinute;
constexpr int64_t kLongestCooling = 10 * kMinute;
constexpr int64_t kSuspendedProbe = 6 * kHour;
constexpr int64_t kReauthProbe = kHour;

bool before(const Connection& a, const Connection& b) {
  return std::tie(a.provider, a.name) < std::tie(b.provider, b.name);
}

std::string reasonOf(const Error& error) {
  return error.reason.empty() ? error.message : error.reason;
}

// The delay doubles while failures follow each other closely, so that a stubborn limit is not
// hammered.
int64_t coolingFor(const StateRecord& old, const Error& error, int64_t now_ms) {
  if (error.retry_after_ms >= 0) return std::clamp<int64_t>(error.retry_after_ms, 1000, kDay);
  if (old.state == AccountState::Cooling && old.until_ms > old.since_ms &&
      now_ms < old.until_ms + kLongestCooling) {
    // Requests that were under way together fail together: that is one failure, not several.
    if (now_ms < old.until_ms) return old.until_ms - now_ms;
    return std::min(2 * (old.until_ms - old.since_ms), kLongestCooling);
  }
  return kFirstCooling;
}

// What the store did, for when it cannot be read back.
void applyValues(Connection& connection, const std::vector<ValueChange>& values) {
  for (const ValueChange& change : values) {
    connection.values.erase(change.key);
    std::erase(connection.secret_keys, change.key);
    if (!change.value) continue;
    if (change.secret)
      connection.secret_keys.push_back(change.key);
    else
      connection.values[change.key] = *change.value;
  }
}

}  // namespace

bool usableNow(const Connection& connection, int64_t now_ms) {
  const StateRecord& record = connection.state;
  switch (record.state) {
    case AccountState::Active:
      return true;
    case AccountState::Cooling:
    case AccountState::Exhausted:
      return now_ms >= record.until_ms;
    case AccountState::Suspended:
    case AccountState::ReauthRequired:
      return record.next_probe_ms != 0 && now_ms >= record.next_probe_ms;
    case AccountState::Disabled:
      return false;
  }
  return false;
}

Result<> AccountDirectory::load() {
  std::lock_guard lock(mutex_);
  auto all = backing_.list();
  if (!all) return std::unexpected(std::move(all.error()));
  publish(std::move(*all));
  return {};
}

std::shared_ptr<const AccountDirectory::Snapshot> AccountDirectory::snapshot() const {
  std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

void AccountDirectory::publish(Snapshot next) {
  std::ranges::sort(next, before);
  auto shared = std::make_shared<const Snapshot>(std::move(next));
  std::lock_guard lock(snapshot_mutex_);
  snapshot_ = std::move(shared);
}

Result<> AccountDirectory::refreshOne(std::string_view id) {
  auto fresh = backing_.get(id);
  if (!fresh && fresh.error().kind != FailureKind::NotFound)
    return std::unexpected(std::move(fresh.error()));
  Snapshot next = *snapshot();
  std::erase_if(next, [&](const Connection& c) { return c.id == id; });
  if (fresh) next.push_back(std::move(*fresh));
  publish(std::move(next));
  return {};
}

Result<std::vector<Connection>> AccountDirectory::list() {
  return *snapshot();
}

Result<Connection> AccountDirectory::get(std::string_view id) {
  const auto all = snapshot();
  const auto found = std::ranges::find(*all, id, &Connection::id);
  if (found == all->end())
    return makeError(FailureKind::NotFound, "there is no connection with this id");
  return *found;
}

Result<> AccountDirectory::create(const Connection& connection,
                                  const std::vector<ValueChange>& values) {
  std::lock_guard lock(mutex_);
  if (auto done = backing_.create(connection, values); !done) return done;
  if (!refreshOne(connection.id)) {  // it is stored all the same
    Snapshot next = *snapshot();
    next.push_back(connection);
    applyValues(next.back(), values);
    publish(std::move(next));
  }
  return {};
}

Result<> AccountDirectory::rename(std::string_view id, std::string_view name) {
  std::lock_guard lock(mutex_);
  if (auto done = backing_.rename(id, name); !done) return done;
  return refreshOne(id);
}

Result<> AccountDirectory::setState(std::string_view id, const StateRecord& state) {
  std::lock_guard lock(mutex_);
  if (auto done = backing_.setState(id, state); !done) return done;
  return refreshOne(id);
}

Result<> AccountDirectory::remove(std::string_view id) {
  std::lock_guard lock(mutex_);
  if (auto done = backing_.remove(id); !done) return done;
  return refreshOne(id);
}

Result<> AccountDirectory::commit(std::string_view id, const std::vector<ValueChange>& values) {
  std::lock_guard lock(mutex_);
  if (auto done = backing_.commit(id, values); !done) return done;
  if (!refreshOne(id)) {  // it is stored all the same
    Snapshot next = *snapshot();
    if (const auto found = std::ranges::find(next, id, &Connection::id); found != next.end())
      applyValues(*found, values);
    publish(std::move(next));
  }
  return {};
}

Result<std::optional<std::string>> AccountDirectory::value(std::string_view id,
                                                           std::string_view key) {
  // Plain values are in the snapshot; only secrets need the store and the key.
  const auto all = snapshot();
  const auto found = std::ranges::find(*all, id, &Connection::id);
  if (found != all->end())
    if (const auto plain = found->values.find(key); plain != found->values.end())
      return plain->second;
  return backing_.value(id, key);
}

Result<std::optional<std::string>> AccountDirectory::findByFingerprint(
    std::string_view provider, std::string_view fingerprint) {
  return backing_.findByFingerprint(provider, fingerprint);
}

void AccountDirectory::applyFailure(std::string_view id, const Error& error, int64_t now_ms) {
  const auto effect = errorRule(error.kind).effect;
  if (effect == AccountEffect::None) return;
  std::lock_guard lock(mutex_);
  const auto all = snapshot();
  const auto found = std::ranges::find(*all, id, &Connection::id);
  if (found == all->end() || found->state.state == AccountState::Disabled) return;

  StateRecord next;
  next.reason = reasonOf(error);
  next.since_ms = now_ms;
  switch (effect) {
    case AccountEffect::Cool:
      // A late limit says less than the graver state that still holds.
      if (found->state.state != AccountState::Cooling && !usableNow(*found, now_ms)) return;
      next.state = AccountState::Cooling;
      next.until_ms = now_ms + coolingFor(found->state, error, now_ms);
      // The start stays too, for the next doubling is of the whole delay.
      if (error.retry_after_ms < 0 && found->state.state == AccountState::Cooling &&
          next.until_ms == found->state.until_ms)
        return;
      break;
    case AccountEffect::Exhaust:
      next.state = AccountState::Exhausted;
      next.until_ms = error.reset_at_ms > now_ms ? error.reset_at_ms : (now_ms / kDay + 1) * kDay;
      break;
    case AccountEffect::Suspend:
      next.state = AccountState::Suspended;
      next.next_probe_ms = now_ms + kSuspendedProbe;
      break;
    case AccountEffect::ReauthRequired:
      next.state = AccountState::ReauthRequired;
      next.next_probe_ms = now_ms + kReauthProbe;
      break;
    case AccountEffect::None:
      return;
  }
  // A store that cannot write now must not fail the request; the state is found out again at the
  // next use.
  if (backing_.setState(id, next)) (void)refreshOne(id);
}

void AccountDirectory::applySuccess(std::string_view id, int64_t now_ms) {
  {
    const auto all = snapshot();
    const auto found = std::ranges::find(*all, id, &Connection::id);
    if (found == all->end() || found->state.state == AccountState::Active ||
        found->state.state == AccountState::Disabled)
      return;
  }
  std::lock_guard lock(mutex_);
  const auto all = snapshot();
  const auto found = std::ranges::find(*all, id, &Connection::id);
  if (found == all->end() || found->state.state == AccountState::Active ||
      found->state.state == AccountState::Disabled)
    return;
  // A failure that came in while this success was on its way is newer knowledge.
  if (!usableNow(*found, now_ms)) return;
  StateRecord next;
  next.since_ms = now_ms;
  if (backing_.setState(id, next)) (void)refreshOne(id);
}

}  // namespace omni
