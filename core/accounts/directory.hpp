#pragma once
// All connections in memory, written through to the store: requests read a snapshot and never wait
// for a disk.

#include <atomic>
#include <functional>
#include <map>
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
  // All of them at this moment. Made when first asked for after a change, so that a thousand
  // refreshes in a row do not copy a thousand accounts each.
  std::shared_ptr<const Snapshot> snapshot() const;
  // One of them without copying anything; nullptr: none has this id.
  std::shared_ptr<const Connection> find(std::string_view id) const;

  // The same without copying, sorted by id; and a number that changes with every change.
  std::vector<std::shared_ptr<const Connection>> rows() const;
  uint64_t revision() const { return revision_.load(); }

  Result<std::vector<Connection>> list() override;
  Result<Connection> get(std::string_view id) override;
  Result<std::string> providerOf(std::string_view id) override;
  Result<> create(const Connection& connection, const std::vector<ValueChange>& values) override;
  Result<> rename(std::string_view id, std::string_view name) override;
  Result<> setState(std::string_view id, const StateRecord& state) override;
  Result<> remove(std::string_view id) override;
  Result<> commit(std::string_view id, const std::vector<ValueChange>& values) override;
  Result<> replace(std::string_view id, const std::vector<ValueChange>& values,
                   const StateRecord& state) override;
  Result<std::optional<std::string>> value(std::string_view id, std::string_view key) override;
  Result<std::optional<std::string>> findByFingerprint(std::string_view provider,
                                                       std::string_view fingerprint) override;

  // What a failed or successful use means for the account's state (core/errors). A person's
  // `disabled` is never touched. Cooling without a known delay grows from 1 minute to 10; Exhausted
  // without a known reset ends at the next UTC midnight.
  // True: this is the first to find out, or to find out again, that a person has to do something
  // before the account can serve (suspended, sign-in needed).
  bool applyFailure(std::string_view id, const Error& error, int64_t now_ms);
  // True: it could not, in that way, and can again.
  bool applySuccess(std::string_view id, int64_t now_ms);
  // Active again whatever it was, unless a person disabled it: after a check that proves it.
  void recover(std::string_view id, int64_t now_ms);

  // Called after each change of a state, on the thread that made it; it may ask the directory. Set
  // once, before other threads use the directory.
  std::function<void(const Connection& before, const StateRecord& after)> state_changed;
  // Called after each commit() to an account that is here, as above.
  std::function<void(const Connection&, const std::vector<ValueChange>&)> committed;

 private:
  using Rows = std::map<std::string, std::shared_ptr<const Connection>, std::less<>>;

  // Writes a state that this side found out; a store that cannot write must not fail a request.
  bool moveTo(std::unique_lock<std::mutex> lock, const Connection& before, const StateRecord& next);
  void tell(const std::shared_ptr<const Connection>& before, const StateRecord& after) const;
  Result<> refreshOne(std::string_view id);  // re-reads one connection; mutex_ held
  // What the store was told, for when it cannot be read back; mutex_ held.
  void patch(std::string_view id, const std::vector<ValueChange>& values, const StateRecord* state);
  void publish(std::string_view id, std::optional<Connection> row);  // nullopt: gone

  ConnectionStore& backing_;
  std::mutex mutex_;  // one writer at a time
  mutable std::mutex rows_mutex_;
  Rows rows_;
  std::atomic<uint64_t> revision_{0};
  // Secrets that were asked for since their row last changed: every request needs its access token,
  // and opening it anew costs a look into the database and a decryption.
  std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>> opened_;
  mutable std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<Snapshot>();  // null: stale
};

// May it serve a request now? Suspended and ReauthRequired count as usable for one probe once
// next_probe_ms has passed.
bool usableNow(const Connection& connection, int64_t now_ms);

}  // namespace omni
