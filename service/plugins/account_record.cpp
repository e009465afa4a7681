#include "service/plugins/account_record.hpp"

namespace omni::plugins {

Result<std::optional<std::string>> ProvisionalRecord::value(std::string_view key) {
  const auto found = values_.find(key);
  return found == values_.end() ? std::nullopt : found->second.value;
}

Result<> ProvisionalRecord::commit(const std::vector<ValueChange>& changes) {
  for (const ValueChange& change : changes) {
    if (change.key != "fingerprint" || !change.value) continue;
    auto existing = store_.findByFingerprint(provider_, *change.value);
    if (!existing) return std::unexpected(std::move(existing.error()));
    if (!*existing) continue;
    Error error;
    error.kind = FailureKind::Conflict;
    error.message = "this account is connected already";
    error.conflict_id = **existing;
    conflict_ = error;
    return std::unexpected(std::move(error));
  }
  for (const ValueChange& change : changes) {
    if (change.value)
      values_.insert_or_assign(change.key, change);
    else
      values_.erase(change.key);
  }
  return {};
}

std::vector<ValueChange> ProvisionalRecord::changes() const {
  std::vector<ValueChange> out;
  for (const auto& [key, change] : values_) out.push_back(change);
  return out;
}

}  // namespace omni::plugins
