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
  Rows rows;
  for (Connection& connection : *all) {
    std::string id = connection.id;
    rows.emplace(std::move(id), std::make_shared<const Connection>(std::move(connection)));
  }
  std::lock_guard rows_lock(rows_mutex_);
  rows_ = std::move(rows);
  opened_.clear();
  snapshot_ = nullptr;
  ++revision_;
  return {};
}

std::shared_ptr<const AccountDirectory::Snapshot> AccountDirectory::snapshot() const {
  std::lock_guard lock(rows_mutex_);
  if (snapshot_) return snapshot_;
  std::vector<const Connection*> order;
  order.reserve(rows_.size());
  for (const auto& [id, row] : rows_) order.push_back(row.get());
  std::ranges::sort(order, [](const Connection* a, const Connection* b) { return before(*a, *b); });
  auto made = std::make_shared<Snapshot>();
  made->reserve(order.size());
  for (const Connection* row : order) made->push_back(*row);
  snapshot_ = std::move(made);
  return snapshot_;
}

std::shared_ptr<const Connection> AccountDirectory::find(std::string_view id) const {
  std::lock_guard lock(rows_mutex_);
  const auto row = rows_.find(id);
  return row == rows_.end() ? nullptr : row->second;
}

std::vector<std::shared_ptr<const Connection>> AccountDirectory::rows() const {
  std::lock_guard lock(rows_mutex_);
  std::vector<std::shared_ptr<const Connection>> out;
  out.reserve(rows_.size());
  for (const auto& [id, row] : rows_) out.push_back(row);
  return out;
}

void AccountDirectory::tell(const std::shared_ptr<const Connection>& before,
                            const StateRecord& after) const {
  if (state_changed && before && before->state.state != after.state) state_changed(*before, after);
}

void AccountDirectory::publish(std::string_view id, std::optional<Connection> row) {
  std::shared_ptr<const Connection> shared;
  if (row) shared = std::make_shared<const Connection>(std::move(*row));
  std::lock_guard lock(rows_mutex_);
  if (const auto opened = opened_.find(id); opened != opened_.end()) opened_.erase(opened);
  if (shared)
    rows_.insert_or_assign(std::string(id), std::move(shared));
  else if (const auto old = rows_.find(id); old != rows_.end())
    rows_.erase(old);
  snapshot_ = nullptr;
  ++revision_;
}

Result<> AccountDirectory::refreshOne(std::string_view id) {
  auto fresh = backing_.get(id);
  if (!fresh && fresh.error().kind != FailureKind::NotFound)
    return std::unexpected(std::move(fresh.error()));
  publish(id, fresh ? std::optional(std::move(*fresh)) : std::nullopt);
  return {};
}

void AccountDirectory::patch(std::string_view id, const std::vector<ValueChange>& values,
                             const StateRecord* state) {
  const auto old = find(id);
  if (!old) return;
  Connection row = *old;
  applyValues(row, values);
  if (state) row.state = *state;
  publish(id, std::move(row));
}

Result<std::vector<Connection>> AccountDirectory::list() {
  return *snapshot();
}

Result<Connection> AccountDirectory::get(std::string_view id) {
  const auto found = find(id);
  if (!found) return makeError(FailureKind::NotFound, "there is no connection with this id");
  return *found;
}

Result<std::string> AccountDirectory::providerOf(std::string_view id) {
  const auto found = find(id);
  if (!found) return makeError(FailureKind::NotFound, "there is no connection with this id");
  return found->provider;
}

Result<> AccountDirectory::create(const Connection& connection,
                                  const std::vector<ValueChange>& values) {
  std::lock_guard lock(mutex_);
  if (auto done = backing_.create(connection, values); !done) return done;
  if (!refreshOne(connection.id)) {  // it is stored all the same
    Connection row = connection;
    applyValues(row, values);
    publish(connection.id, std::move(row));
  }
  return {};
}

Result<> AccountDirectory::rename(std::string_view id, std::string_view name) {
  std::lock_guard lock(mutex_);
  if (auto done = backing_.rename(id, name); !done) return done;
  return refreshOne(id);
}

Result<> AccountDirectory::setState(std::string_view id, const StateRecord& state) {
  std::unique_lock lock(mutex_);
  const auto before = find(id);
  if (auto done = backing_.setState(id, state); !done) return done;
  if (!refreshOne(id)) patch(id, {}, &state);
  lock.unlock();
  tell(before, state);
  return {};
}

Result<> AccountDirectory::remove(std::string_view id) {
  std::lock_guard lock(mutex_);
  if (auto done = backing_.remove(id); !done) return done;
  publish(id, std::nullopt);
  return {};
}

Result<> AccountDirectory::commit(std::string_view id, const std::vector<ValueChange>& values) {
  std::unique_lock lock(mutex_);
  if (auto done = backing_.commit(id, values); !done) return done;
  if (!refreshOne(id)) patch(id, values, nullptr);  // it is stored all the same
  const auto row = find(id);
  lock.unlock();
  if (committed && row) committed(*row, values);
  return {};
}

Result<> AccountDirectory::replace(std::string_view id, const std::vector<ValueChange>& values,
                                   const StateRecord& state) {
  std::unique_lock lock(mutex_);
  const auto before = find(id);
  if (auto done = backing_.replace(id, values, state); !done) return done;
  if (!refreshOne(id)) patch(id, values, &state);
  lock.unlock();
  tell(before, state);
  return {};
}

Result<std::optional<std::string>> AccountDirectory::value(std::string_view id,
                                                           std::string_view key) {
  const auto found = find(id);
  if (!found) return backing_.value(id, key);
  if (const auto plain = found->values.find(key); plain != found->values.end())
    return plain->second;
  if (std::ranges::find(found->secret_keys, key) == found->secret_keys.end()) return std::nullopt;
  {
    std::lock_guard lock(rows_mutex_);
    if (const auto known = opened_.find(id); known != opened_.end())
      if (const auto secret = known->second.find(key); secret != known->second.end())
        return secret->second;
  }
  auto secret = backing_.value(id, key);
  if (!secret || !*secret) return secret;
  std::lock_guard lock(rows_mutex_);
  // Another row by now: what was read may be the value from before the change.
  if (const auto row = rows_.find(id); row != rows_.end() && row->second == found)
    opened_[std::string(id)].insert_or_assign(std::string(key), **secret);
  return secret;
}

Result<std::optional<std::string>> AccountDirectory::findByFingerprint(
    std::string_view provider, std::string_view fingerprint) {
  return backing_.findByFingerprint(provider, fingerprint);
}

bool AccountDirectory::applyFailure(std::string_view id, const Error& error, int64_t now_ms) {
  const auto effect = errorRule(error.kind).effect;
  if (effect == AccountEffect::None) return false;
  std::unique_lock lock(mutex_);
  const auto found = find(id);
  if (!found || found->state.state == AccountState::Disabled) return false;

  StateRecord next;
  next.reason = reasonOf(error);
  next.since_ms = now_ms;
  switch (effect) {
    case AccountEffect::Cool:
      // A late limit says less than the graver state that still holds.
      if (found->state.state != AccountState::Cooling && !usableNow(*found, now_ms)) return false;
      next.state = AccountState::Cooling;
      next.until_ms = now_ms + coolingFor(found->state, error, now_ms);
      // A late answer with a short delay does not take back a longer one.
      if (found->state.state == AccountState::Cooling && next.until_ms < found->state.until_ms)
        return false;
      // The start stays too, for the next doubling is of the whole delay.
      if (error.retry_after_ms < 0 && found->state.state == AccountState::Cooling &&
          next.until_ms == found->state.until_ms)
        return false;
      break;
    case AccountEffect::Exhaust:
      next.state = AccountState::Exhausted;
      next.until_ms = error.reset_at_ms > now_ms ? error.reset_at_ms : (now_ms / kDay + 1) * kDay;
      if (found->state.state == AccountState::Exhausted && next.until_ms < found->state.until_ms)
        return false;
      break;
    case AccountEffect::Suspend:
      next.state = AccountState::Suspended;
      if (found->state.state == AccountState::Suspended) next.since_ms = found->state.since_ms;
      next.next_probe_ms = now_ms + kSuspendedProbe;
      break;
    case AccountEffect::ReauthRequired:
      next.state = AccountState::ReauthRequired;
      // A token that stays dead is asked about less and less often, but at least once a day.
      if (found->state.state == AccountState::ReauthRequired) next.since_ms = found->state.since_ms;
      next.next_probe_ms = now_ms + std::clamp(now_ms - next.since_ms, kReauthProbe, kDay);
      break;
    case AccountEffect::None:
      return false;
  }
  // Of several requests that meet the same dead token only the first brings news.
  const bool news =
      waitsForPerson(next.state) && (found->state.state != next.state || usableNow(*found, now_ms));
  return moveTo(std::move(lock), *found, next) && news;
}

// A state that is not written is found out again at the next use.
bool AccountDirectory::moveTo(std::unique_lock<std::mutex> lock, const Connection& before,
                              const StateRecord& next) {
  if (!backing_.setState(before.id, next)) return false;
  if (!refreshOne(before.id)) patch(before.id, {}, &next);
  const auto held = std::make_shared<const Connection>(before);
  lock.unlock();
  tell(held, next);
  return true;
}

bool AccountDirectory::applySuccess(std::string_view id, int64_t now_ms) {
  const auto rests = [](const Connection* row) {
    return row && row->state.state != AccountState::Active &&
           row->state.state != AccountState::Disabled;
  };
  if (!rests(find(id).get())) return false;  // nearly always: without waiting for a writer
  std::unique_lock lock(mutex_);
  const auto found = find(id);
  if (!rests(found.get())) return false;
  // A failure that came in while this success was on its way is newer knowledge.
  if (!usableNow(*found, now_ms)) return false;
  StateRecord next;
  next.since_ms = now_ms;
  return moveTo(std::move(lock), *found, next) && waitsForPerson(found->state.state);
}

void AccountDirectory::recover(std::string_view id, int64_t now_ms) {
  std::unique_lock lock(mutex_);
  const auto found = find(id);
  if (!found || found->state.state == AccountState::Active ||
      found->state.state == AccountState::Disabled)
    return;
  StateRecord next;
  next.since_ms = now_ms;
  moveTo(std::move(lock), *found, next);
}

}  // namespace omni
