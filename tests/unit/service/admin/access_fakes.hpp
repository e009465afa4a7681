#pragma once
// Keys, settings, passwords and the request log in memory, and the routes on them.

#include "fakes.hpp"
#include "service/admin/auth.hpp"
#include "service/admin/doorkeeper.hpp"
#include "service/admin/keys.hpp"
#include "service/admin/requests.hpp"

namespace omni::admin::testing {

struct FakeKeyedHash final : KeyedHash {
  Result<std::string> keyedHash(std::string_view purpose, std::string_view data) override {
    return "#" + std::string(purpose) + std::to_string(std::hash<std::string_view>{}(data));
  }
};

struct FakePasswords final : PasswordHasher {
  int verified = 0;
  Result<std::string> hashPassword(std::string_view password) override {
    return "hashed:" + std::string(password);
  }
  Result<bool> verifyPassword(std::string_view password, std::string_view hash) override {
    ++verified;
    return hash == "hashed:" + std::string(password);
  }
};

struct FakeSettings final : SettingsStore {
  std::map<std::string, std::string, std::less<>> rows;
  Result<std::string> setting(std::string_view key) override {
    const auto found = rows.find(key);
    return found == rows.end() ? std::string() : found->second;
  }
  Result<> putSetting(std::string_view key, std::string_view value) override {
    rows[std::string(key)] = value;
    return {};
  }
};

struct FakeKeys final : ApiKeyStore {
  std::map<std::string, ApiKey, std::less<>> rows;
  Result<std::vector<ApiKey>> listKeys() override {
    std::vector<ApiKey> out;
    for (const auto& [id, key] : rows) out.push_back(key);
    return out;
  }
  Result<> putKey(const ApiKey& key) override {
    for (const auto& [id, row] : rows)
      if (row.name == key.name && id != key.id)
        return makeError(FailureKind::Conflict, "The name is taken.", "name");
    rows[key.id] = key;
    return {};
  }
  Result<> removeKey(std::string_view id) override {
    rows.erase(std::string(id));
    return {};
  }
  Result<> addSpending(const std::vector<KeySpending>&,
                       const std::map<std::string, int64_t>&) override {
    return {};
  }
  Result<std::vector<KeySpending>> spendingOf(const std::vector<std::string>&) override {
    return std::vector<KeySpending>{};
  }
};

struct FakeRequestLog final : RequestLogStore, RequestFeed {
  std::vector<RequestEntry> rows;
  std::vector<UsageRow> usage;
  RequestFilter asked;
  std::string first_day;
  std::vector<Batch> batches;  // what follow() gives, one a call; then closed
  Result<> append(const std::vector<RequestEntry>&) override { return {}; }
  Result<std::vector<RequestEntry>> requests(const RequestFilter& filter) override {
    asked = filter;
    return rows;
  }
  Result<std::vector<UsageRow>> usageSince(std::string_view day) override {
    first_day = day;
    return usage;
  }
  Result<bool> trim(int64_t, int64_t, std::string_view) override { return false; }
  std::optional<RequestContent> said;
  int trims_needed = 1;
  int trims = 0;
  Result<std::optional<RequestContent>> content(const RequestEntry&) override { return said; }
  Result<bool> trimContents(int64_t, int64_t) override { return ++trims < trims_needed; }
  Batch follow(int64_t, std::chrono::milliseconds) override {
    if (batches.empty()) return {.next = 0, .closed = true, .entries = {}};
    Batch out = std::move(batches.front());
    batches.erase(batches.begin());
    return out;
  }
};

struct AccessParts {
  AccessParts(FakeClock& clock, FakeRandom& random, http::RouteTable& table)
      : ring(keys, hash, clock, random),
        sessions(hash, clock, random),
        doorkeeper({.keys = ring,
                    .sessions = sessions,
                    .settings = settings,
                    .passwords = passwords,
                    .clock = clock}) {
    addAuthRoutes(table, {.doorkeeper = doorkeeper,
                          .sessions = sessions,
                          .audit = [this](std::string_view action, std::string_view actor) {
                            noted.push_back(std::string(action) + " " + std::string(actor));
                          }});
    addKeyRoutes(
        table,
        {.keys = ring,
         .clock = clock,
         .audit = [this](std::string_view action, const ApiKey& key, std::string_view actor) {
           noted.push_back(std::string(action) + " " + key.name + " " + std::string(actor));
         }});
    addRequestRoutes(table, {.log = log, .feed = log, .clock = clock});
  }
  FakeKeyedHash hash;
  FakePasswords passwords;
  FakeSettings settings;
  FakeKeys keys;
  FakeRequestLog log;
  access::KeyRing ring;
  access::AdminSessions sessions;
  Doorkeeper doorkeeper;
  std::vector<std::string> noted;
};

}  // namespace omni::admin::testing
