#pragma once
// What recent failures say about an endpoint (an account asked for a model) and about a model of a
// provider. Never about a provider as a whole, and nothing here is an account's own state: that is
// the directory's. Forgotten by a success, and at a restart.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/routing/breaker.hpp"

namespace omni::routing {

uint64_t endpointKey(std::string_view connection_id, std::string_view model);
uint64_t modelKey(std::string_view provider, std::string_view model);

struct Health {
  enum class State {
    Good,
    Probing,      // one call is finding out; others only if nothing else can
    Due,          // closed for long enough: the next call finds out
    Open,         // closed; may be forced when nothing else can
    OpenNoForce,  // closed, and tried a moment ago; until_ms is when it may be forced
    Cooling,      // refused with a delay: not before then
    Gated,        // refused for good, it seems: only if nothing else can
  };
  State state = State::Good;
  int64_t until_ms = 0;
  std::string reason;  // empty for Good
};

// Thread-safe. Bounded: the client's model names reach it.
class HealthBook {
 public:
  explicit HealthBook(BreakerRules endpoint_rules = {}, size_t most = 8192);

  // Nothing has failed lately: no question needs to be asked.
  bool quiet() const { return entries_.load(std::memory_order_relaxed) == 0; }

  Health endpoint(uint64_t key, int64_t now_ms) const;
  Health model(uint64_t key, int64_t now_ms) const { return endpoint(key, now_ms); }

  // A passing fault of the way to this account's model.
  void endpointFailed(uint64_t key, int64_t now_ms, std::string_view reason);
  // The account must not ask for this model before `until_ms`.
  void endpointCools(uint64_t key, int64_t until_ms, int64_t now_ms, std::string_view reason,
                     bool gate = false);
  // The model has no capacity, whoever asks. `retry_after_ms` < 0: not said.
  void modelFull(uint64_t key, int64_t now_ms, int64_t retry_after_ms, std::string_view reason);
  void succeeded(uint64_t key, int64_t now_ms);

  // A call on an endpoint or model that is not Good begins; one that ends without a verdict (the
  // client left) takes it back.
  void probeStarts(uint64_t key, int64_t now_ms);
  void probeEnds(uint64_t key);

  struct Count {
    size_t open = 0;
    size_t cooling = 0;
  };
  Count count(int64_t now_ms) const;

 private:
  struct Entry {
    Breaker breaker;
    int64_t cool_until_ms = 0;
    int64_t touched_ms = 0;
    bool gate = false;
    std::string reason;
  };
  Entry& entry(uint64_t key, int64_t now_ms, const BreakerRules& rules);
  void makeRoom(int64_t now_ms);

  const BreakerRules endpoint_rules_;
  const size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<uint64_t, Entry> book_;
  std::atomic<size_t> entries_{0};
};

}  // namespace omni::routing
