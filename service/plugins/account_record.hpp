#pragma once
// The record that a call may read and change: a stored account's, or that of an account which is
// just being signed in.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/store.hpp"

namespace omni::plugins {

class AccountRecord {
 public:
  virtual ~AccountRecord() = default;
  virtual const std::string& id() const = 0;
  virtual Result<std::optional<std::string>> value(std::string_view key) = 0;
  virtual Result<> commit(const std::vector<ValueChange>& changes) = 0;
};

class StoredRecord final : public AccountRecord {
 public:
  StoredRecord(ConnectionStore& store, std::string_view id) : store_(store), id_(id) {}
  const std::string& id() const override { return id_; }
  Result<std::optional<std::string>> value(std::string_view key) override {
    return store_.value(id_, key);
  }
  Result<> commit(const std::vector<ValueChange>& changes) override {
    return store_.commit(id_, changes);
  }

 private:
  ConnectionStore& store_;
  std::string id_;
};

// Keeps everything in memory until the import has succeeded. The key "fingerprint" is checked as
// soon as it is committed, so a plugin that commits it first causes no upstream traffic for an
// account that is there already.
class ProvisionalRecord final : public AccountRecord {
 public:
  ProvisionalRecord(ConnectionStore& store, std::string_view provider, std::string id)
      : store_(store), provider_(provider), id_(std::move(id)) {}
  const std::string& id() const override { return id_; }
  Result<std::optional<std::string>> value(std::string_view key) override;
  Result<> commit(const std::vector<ValueChange>& changes) override;  // Conflict with conflict_id
  std::vector<ValueChange> changes() const;
  // Set once a commit met an account that is there already: the import must fail even if the plugin
  // went on.
  const std::optional<Error>& conflict() const { return conflict_; }

 private:
  ConnectionStore& store_;
  std::string provider_;
  std::string id_;
  std::map<std::string, ValueChange, std::less<>> values_;
  std::optional<Error> conflict_;
};

}  // namespace omni::plugins
