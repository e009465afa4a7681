#pragma once
// The record that a call may read and change: a stored account's, or that of an account which is
// just being signed in.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/store.hpp"
#include "service/plugins/unwritten.hpp"

namespace omni::plugins {

class AccountRecord {
 public:
  virtual ~AccountRecord() = default;
  virtual const std::string& id() const = 0;
  virtual Result<std::optional<std::string>> value(std::string_view key) = 0;
  virtual Result<> commit(const std::vector<ValueChange>& changes) = 0;
  // May what was read so far be shown to upstream?
  virtual Result<> mayCall() const { return {}; }
};

// Counts how often an account was signed in anew. A call that began before must not write into the
// record after: a refresh under way would put the old session's token over the new one. Nor may it
// show upstream what it reads after: it would rotate the new session's token and could not keep
// what it gets. Thread-safe.
class Generations {
 public:
  uint64_t of(std::string_view id) const;
  // Runs `write` unless the account was replaced since `generation`.
  template <typename Write>
  Result<> writeIn(std::string_view id, uint64_t generation, Write&& write) const {
    std::shared_lock lock(mutex_);
    if (current(id) != generation) return over();
    return write();
  }
  template <typename Write>
  Result<> replace(std::string_view id, Write&& write) {
    std::unique_lock lock(mutex_);
    if (auto done = write(); !done) return done;
    ++counts_[std::string(id)];
    return {};
  }

  static std::unexpected<Error> over() {
    return makeError(FailureKind::Upstream,
                     "this account was signed in anew while the call was under way; try again");
  }

 private:
  uint64_t current(std::string_view id) const;

  mutable std::shared_mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> counts_;  // 0 is not kept
};

class StoredRecord final : public AccountRecord {
 public:
  StoredRecord(ConnectionStore& store, const Generations& generations, Unwritten& unwritten,
               std::string_view id)
      : store_(store),
        generations_(generations),
        unwritten_(unwritten),
        id_(id),
        generation_(generations.of(id)) {}
  const std::string& id() const override { return id_; }
  Result<std::optional<std::string>> value(std::string_view key) override {
    std::optional<std::string> newer;
    if (unwritten_.find(id_, generation_, key, newer)) return newer;
    auto read = store_.value(id_, key);
    // After the read, so that no value of the new sign-in goes unnoticed.
    if (generations_.of(id_) != generation_) read_what_came_after_ = true;
    return read;
  }
  Result<> mayCall() const override {
    if (read_what_came_after_) return Generations::over();
    return {};
  }
  Result<> commit(const std::vector<ValueChange>& changes) override {
    return generations_.writeIn(
        id_, generation_, [&] { return unwritten_.commit(store_, id_, generation_, changes); });
  }

 private:
  ConnectionStore& store_;
  const Generations& generations_;
  Unwritten& unwritten_;
  std::string id_;
  uint64_t generation_;
  bool read_what_came_after_ = false;
};

// Keeps everything in memory until the sign-in has succeeded. Over an existing account its plain
// values shine through, its secrets do not. The key "fingerprint" is checked as soon as it is
// committed, so a plugin that commits it first causes no upstream traffic for an account that is
// there already.
class DraftRecord final : public AccountRecord {
 public:
  // `base`: the account that is signed in anew, else nullptr; only read here.
  DraftRecord(ConnectionStore& store, std::string_view provider, std::string id,
              const Connection* base);
  const std::string& id() const override { return id_; }
  Result<std::optional<std::string>> value(std::string_view key) override;
  Result<> commit(const std::vector<ValueChange>& changes) override;  // Conflict with conflict_id
  bool empty() const { return changes_.empty(); }
  // What was committed so far.
  std::vector<ValueChange> pending() const;
  // What finish() stores. Secrets of the old sign-in that the new one did not set are removed: they
  // belong to a session that is over.
  std::vector<ValueChange> changes() const;
  // Set once a commit met an account that is there already: the sign-in must fail even if the
  // plugin went on.
  const std::optional<Error>& conflict() const { return conflict_; }

 private:
  ConnectionStore& store_;
  std::string provider_;
  std::string id_;
  std::map<std::string, std::string, std::less<>> base_values_;
  std::vector<std::string> base_secrets_;
  std::map<std::string, ValueChange, std::less<>> changes_;
  std::optional<Error> conflict_;
};

}  // namespace omni::plugins
