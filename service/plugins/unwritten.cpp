#include "service/plugins/unwritten.hpp"

#include <algorithm>

#include "service/plugins/account_record.hpp"

namespace omni::plugins {

namespace {

// Others are about the account itself and will not pass.
bool passes(const Error& error) {
  return error.kind == FailureKind::Unavailable || error.kind == FailureKind::Internal;
}

bool holdsSecret(const std::vector<ValueChange>& changes) {
  return std::ranges::any_of(
      changes, [](const ValueChange& change) { return change.secret && change.value; });
}

}  // namespace

std::vector<ValueChange> Unwritten::merged(const Waiting& waiting,
                                           const std::vector<ValueChange>& changes) {
  auto all = waiting.changes;
  for (const ValueChange& change : changes) all.insert_or_assign(change.key, change);
  std::vector<ValueChange> out;
  out.reserve(all.size());
  for (auto& [key, change] : all) out.push_back(std::move(change));
  return out;
}

Result<> Unwritten::commit(ConnectionStore& store, std::string_view id, uint64_t generation,
                           const std::vector<ValueChange>& changes) {
  if (count_ == 0) {
    auto done = store.commit(id, changes);
    if (done || !passes(done.error()) || !holdsSecret(changes)) return done;
    std::lock_guard lock(mutex_);
    Waiting& waiting = waiting_[std::string(id)];
    if (waiting.generation != generation) waiting = {generation, {}};
    for (const ValueChange& change : changes) waiting.changes.insert_or_assign(change.key, change);
    count_ = waiting_.size();
    return done;
  }
  std::lock_guard lock(mutex_);
  const auto found = waiting_.find(id);
  const bool current = found != waiting_.end() && found->second.generation == generation;
  const auto all = current ? merged(found->second, changes) : changes;
  auto done = store.commit(id, all);
  if (!done && passes(done.error()) && (current || holdsSecret(changes))) {
    Waiting& waiting = waiting_[std::string(id)];
    if (!current) waiting = {generation, {}};
    for (const ValueChange& change : all) waiting.changes.insert_or_assign(change.key, change);
  } else if (found != waiting_.end()) {
    waiting_.erase(found);
  }
  count_ = waiting_.size();
  return done;
}

// The lock of generations comes first here as in commit(), whose caller holds it.
Result<> Unwritten::flush(ConnectionStore& store, const Generations& generations,
                          std::string_view id) {
  if (count_ == 0) return {};
  uint64_t generation = 0;
  {
    std::lock_guard lock(mutex_);
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return {};
    generation = found->second.generation;
  }
  auto done = generations.writeIn(id, generation, [&]() -> Result<> {
    std::lock_guard lock(mutex_);
    const auto found = waiting_.find(id);
    if (found == waiting_.end() || found->second.generation != generation) return {};
    auto written = store.commit(id, merged(found->second, {}));
    if (written) waiting_.erase(found);
    count_ = waiting_.size();
    return written;
  });
  if (done) return done;
  if (passes(done.error())) {
    done.error().message =
        "the newest token of this account could not be written down yet, and it is not used before "
        "that: " +
        done.error().message;
    return done;
  }
  // Of no use any more: the account was signed in anew or removed.
  std::lock_guard lock(mutex_);
  const auto found = waiting_.find(id);
  if (found != waiting_.end() && found->second.generation == generation) waiting_.erase(found);
  count_ = waiting_.size();
  return {};
}

void Unwritten::flushAll(ConnectionStore& store, const Generations& generations) {
  std::vector<std::string> ids;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, waiting] : waiting_) ids.push_back(id);
  }
  for (const std::string& id : ids) (void)flush(store, generations, id);
}

bool Unwritten::find(std::string_view id, uint64_t generation, std::string_view key,
                     std::optional<std::string>& value) const {
  if (count_ == 0) return false;
  std::lock_guard lock(mutex_);
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second.generation != generation) return false;
  const auto change = found->second.changes.find(key);
  if (change == found->second.changes.end()) return false;
  value = change->second.value;
  return true;
}

}  // namespace omni::plugins
