#pragma once
// The parts of the service that an account lives by, with the real Kiro plugin linked in, in a
// world whose clocks the test moves.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <string>

#include "core/accounts/directory.hpp"
#include "core/accounts/keeper.hpp"
#include "core/accounts/sign_ins.hpp"
#include "service/plugins/registry.hpp"
#include "sign_in_world.hpp"

extern "C" const omni_plugin_entry_t omni_plugin_entry_kiro;

namespace omni::plugins::testing {

struct MovedClock final : Clock {
  std::atomic<int64_t> wall{1'767'225'600'000};
  std::atomic<int64_t> steady{1'000'000};
  int64_t nowMs() const override { return wall; }
  int64_t steadyMs() const override { return steady; }
};

struct SeededRandom final : Random {
  explicit SeededRandom(uint64_t seed) : engine(seed) {}
  std::mutex mutex;
  std::mt19937_64 engine;
  void fill(void* out, size_t size) override {
    std::lock_guard lock(mutex);
    for (size_t i = 0; i < size; ++i)
      static_cast<unsigned char*>(out)[i] = static_cast<unsigned char>(engine());
  }
};

struct MemoryHealth final : HealthStore {
  std::mutex mutex;
  std::map<std::string, HealthRecord, std::less<>> records;
  Result<std::map<std::string, HealthRecord, std::less<>>> all() override {
    std::lock_guard lock(mutex);
    return records;
  }
  Result<> put(std::string_view id, const HealthRecord& record) override {
    std::lock_guard lock(mutex);
    records[std::string(id)] = record;
    return {};
  }
};

// What runs in one process; destroying it is the end of that process.
struct Service {
  Service(DurableStore& store, SignInWorld& world, MemoryHealth& health, MovedClock& clock,
          SeededRandom& random, KeeperHooks hooks = {})
      : accounts(store),
        registry(Deps{accounts, world, clock, random, {}, {}}),
        sign_ins(registry, accounts, clock, random, {}),
        keeper(accounts, registry, health, clock, random, std::move(hooks), options()) {
    EXPECT_TRUE(accounts.load());
    EXPECT_TRUE(registry.addStatic(omni_plugin_entry_kiro));
    EXPECT_TRUE(keeper.load());
  }
  static KeeperOptions options() {
    KeeperOptions out;
    out.gap_ms = 0;
    return out;
  }
  Provider& kiro() { return *registry.find("kiro"); }
  void background(Clock& clock) {
    while (auto job = keeper.take(clock.steadyMs())) job(NeverCancelled());
    while (auto job = sign_ins.take(clock.steadyMs())) job(NeverCancelled());
  }

  AccountDirectory accounts;
  PluginRegistry registry;
  SignIns sign_ins;
  Keeper keeper;
};

}  // namespace omni::plugins::testing
