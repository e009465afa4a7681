#pragma once
// A keeper with accounts whose tokens live in memory, and two clocks that a test moves.

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/accounts/keeper.hpp"
#include "unit/core/fakes.hpp"

namespace omni::testing {

struct TwoClocks final : Clock {
  int64_t wall = 1'767'225'600'000;
  int64_t steady = 1'000'000;
  int64_t nowMs() const override { return wall; }
  int64_t steadyMs() const override { return steady; }
  void advance(int64_t ms) {
    wall += ms;
    steady += ms;
  }
};

struct SeededRandom final : Random {
  explicit SeededRandom(uint64_t seed) : engine(seed) {}
  std::mt19937_64 engine;
  void fill(void* out, size_t size) override {
    for (size_t i = 0; i < size; ++i)
      static_cast<unsigned char*>(out)[i] = static_cast<unsigned char>(engine());
  }
};

struct MemoryHealth final : HealthStore {
  std::map<std::string, HealthRecord, std::less<>> records;
  Result<std::map<std::string, HealthRecord, std::less<>>> all() override { return records; }
  Result<> put(std::string_view id, const HealthRecord& record) override {
    records[std::string(id)] = record;
    return {};
  }
};

// Gives a new token for `life` on every refresh, unless a script says otherwise.
struct TokenProvider final : Provider {
  TokenProvider(ConnectionStore*& given, Clock& time) : accounts(given), clock(time) {}
  ConnectionStore*& accounts;
  Clock& clock;
  int64_t life = kHourMs;
  // nullopt: as usual.
  std::function<std::optional<Result<std::string>>(std::string_view id, std::string_view method)>
      script;
  struct Call {
    int64_t at;
    std::string id, method;
  };
  std::vector<Call> calls;

  std::string_view id() const override { return "kiro"; }
  Result<> complete(std::string_view, const chat::ChatRequest&, chat::EventSink&,
                    const CancelToken&) override {
    return {};
  }
  Result<std::string> control(std::string_view account, std::string_view method, std::string_view,
                              const CancelToken&) override {
    calls.push_back({clock.nowMs(), std::string(account), std::string(method)});
    if (script)
      if (auto answer = script(account, method)) return *answer;
    if (method == "accounts.refresh") {
      const std::string expiry = std::to_string(clock.nowMs() + life);
      if (auto done = accounts->commit(account, {{"expiresAt", expiry, false}}); !done)
        return std::unexpected(done.error());
      return "{\"expiresAt\":" + expiry + "}";
    }
    return std::string("{}");
  }
  size_t count(std::string_view method) const {
    return static_cast<size_t>(std::ranges::count(calls, method, &Call::method));
  }
};

struct KeeperWorld {
  TwoClocks clock;
  SeededRandom random{7};
  MemoryStore store;
  MemoryHealth health;
  std::unique_ptr<AccountDirectory> accounts = std::make_unique<AccountDirectory>(store);
  ConnectionStore* connections = accounts.get();
  TokenProvider provider{connections, clock};
  OneProvider providers{provider};
  std::vector<std::pair<RegistrationLevel, int64_t>> warnings;
  int renewals = 0;
  std::vector<bool> refreshes;
  KeeperOptions options;
  std::unique_ptr<Keeper> keeper;

  Connection& add(const std::string& name, int64_t token_life, int64_t registration_life = 0) {
    Connection made = account("kiro", name);
    if (token_life) made.values["expiresAt"] = std::to_string(clock.wall + token_life);
    if (registration_life)
      made.values["clientSecretExpiresAt"] = std::to_string(clock.wall + registration_life);
    store.rows.push_back(std::move(made));
    return store.rows.back();
  }
  // Also what a restart does.
  void start() {
    keeper.reset();
    accounts = std::make_unique<AccountDirectory>(store);
    connections = accounts.get();
    (void)accounts->load();
    KeeperHooks hooks;
    hooks.refreshed = [this](const Connection&, const Error* e) { refreshes.push_back(!e); };
    hooks.renewed = [this](const Connection&) { ++renewals; };
    hooks.registration_ends = [this](const Connection&, RegistrationLevel level, int64_t days) {
      warnings.emplace_back(level, days);
    };
    keeper = std::make_unique<Keeper>(*accounts, providers, health, clock, random, hooks, options);
    (void)keeper->load();
  }
  int runDue() {
    int jobs = 0;
    while (auto job = keeper->take(clock.steady)) {
      job(NeverCancelled());
      ++jobs;
    }
    return jobs;
  }
  // Sleeps as the pool of threads would, but at most ten seconds as that does.
  void run(int64_t ms) {
    const int64_t end = clock.steady + ms;
    while (true) {
      runDue();
      if (clock.steady >= end) return;
      const int64_t due = std::min({keeper->nextDue(clock.steady), end, clock.steady + longest});
      clock.advance(std::max<int64_t>(1, due - clock.steady));
    }
  }
  int64_t longest = 10'000;
  AccountState state(const std::string& name) const {
    return accounts->find("id-" + name)->state.state;
  }
  int64_t expiry(const std::string& name) const {
    return tokenExpiry(*accounts->find("id-" + name));
  }
};

}  // namespace omni::testing
