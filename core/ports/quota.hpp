#pragma once
// What is known of an account's quota. Implemented by whoever asks the providers for it; routing
// only reads, and never waits for it.

#include <cstdint>
#include <optional>
#include <string_view>

namespace omni {

struct QuotaReading {
  double limit = -1;  // in the provider's unit (Kiro: credits); -1: unknown
  double used = 0;
  bool unlimited = false;     // or overage is on: never empty
  int64_t resets_at_ms = -1;  // Unix ms; -1: unknown
  int64_t taken_ms = 0;       // when it was asked for
};

class QuotaView {
 public:
  virtual ~QuotaView() = default;
  // Thread-safe, from memory. nullopt: not known.
  virtual std::optional<QuotaReading> quota(std::string_view connection_id) const = 0;
};

}  // namespace omni
