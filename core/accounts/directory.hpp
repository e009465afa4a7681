#pragma once
// All connections in memory, written through to the store: requests read a snapshot and never wait
// for a disk.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/store.hpp"

namespace omni {

// Thread-safe. The backing store must outlive it. Writers are serialised; a snapshot never changes.
class AccountDirectory final : public ConnectionStore {
 public:
  using Snapshot = std::vector<Connection>;  // sorted by provider, then name

  explicit AccountDirectory(ConnectionStore& backing) : backing_(backing) {}
  Result<> load();
  std::shared_ptr<const Snapshot> snapshot() const;

  Result<std::vector<Connection>> list() override;
  Result<Connection> get(std::string_view id) override;
  Result<> create(const Connection& connection, const std::vector<ValueChange>& values) override;
  Result<> rename(std::string_view id, std::string_view name) override;
  Result<> setState(std::string_view id, const StateRecord& state) override;
  Result<> remove(std::string_view id) override;
  Result<> commit(std::string_view id, const std::vector<ValueChange>& values) override;
  Result<std::optional<std::string>> value(std::string_view id, std::string_view key) override;
  Result<std::optional<std::string>> findByFingerprint(std::string_view provider,
                                                       std::string_view fingerprint) override;

  // What a failed or successful use means for the account's state (core/errors). A person's
  // `disabled` is never touched. Cooling without a known delay grows from 1 minute to 10; Exhausted
  // without a known reset ends at the next UTC midnight.
  void applyFailure(std::string_view id, const Error& error, int64_t now_ms);
  void applySuccess(std::string_view id, int64_t now_ms);

 private:
  Result<> refreshOne(
      std::string_view id);     // re-reads one connection into a new snapshot; mutex_ held
  void publish(Snapshot next);  // mutex_ held

  ConnectionStore& backing_;
  std::mutex mutex_;  // one writer at a time
  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<Snapshot>();
};

// May it serve a request now? Suspended and ReauthRequired count as usable for one probe once
// next_probe_ms has passed.
bool usableNow(const Connection& connection, int64_t now_ms);

}  // namespace omni
