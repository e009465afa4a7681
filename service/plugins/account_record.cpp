#include "service/plugins/account_record.hpp"

#include <fmt/format.h>

namespace omni::plugins {

namespace {

constexpr std::string_view kFingerprint = "fingerprint";

}  // namespace

uint64_t Generations::of(std::string_view id) const {
  std::shared_lock lock(mutex_);
  return current(id);
}

uint64_t Generations::current(std::string_view id) const {
  const auto found = counts_.find(id);
  return found == counts_.end() ? 0 : found->second;
}

DraftRecord::DraftRecord(ConnectionStore& store, std::string_view provider, std::string id,
                         const Connection* base)
    : store_(store), provider_(provider), id_(std::move(id)) {
  if (!base) return;
  base_values_ = base->values;
  base_values_.erase(std::string(kFingerprint));
  base_secrets_ = base->secret_keys;
}

Result<std::optional<std::string>> DraftRecord::value(std::string_view key) {
  if (const auto changed = changes_.find(key); changed != changes_.end())
    return changed->second.value;
  const auto found = base_values_.find(key);
  return found == base_values_.end() ? std::nullopt : std::optional(found->second);
}

Result<> DraftRecord::commit(const std::vector<ValueChange>& changes) {
  for (const ValueChange& change : changes) {
    if (change.key != kFingerprint || !change.value) continue;
    auto existing = store_.findByFingerprint(provider_, *change.value);
    if (!existing) return std::unexpected(std::move(existing.error()));
    if (!*existing || **existing == id_) continue;
    Error error;
    error.kind = FailureKind::Conflict;
    error.message = "this account is connected already";
    if (const auto known = store_.get(**existing))
      error.message += fmt::format(", as {}/{}", known->provider, known->name);
    error.conflict_id = **existing;
    conflict_ = error;
    return std::unexpected(std::move(error));
  }
  for (const ValueChange& change : changes) {
    // A removal is remembered only where there is something to remove.
    if (change.value || base_values_.contains(change.key))
      changes_.insert_or_assign(change.key, change);
    else
      changes_.erase(change.key);
  }
  return {};
}

std::vector<ValueChange> DraftRecord::pending() const {
  std::vector<ValueChange> out;
  out.reserve(changes_.size());
  for (const auto& [key, change] : changes_) out.push_back(change);
  return out;
}

std::vector<ValueChange> DraftRecord::changes() const {
  std::vector<ValueChange> out;
  for (const std::string& key : base_secrets_)
    if (!changes_.contains(key)) out.push_back({key, std::nullopt, true});
  for (const auto& [key, change] : changes_) out.push_back(change);
  return out;
}

}  // namespace omni::plugins
