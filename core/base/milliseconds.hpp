#pragma once
// Times and delays that come from outside, as whole milliseconds. Pure functions.

#include <cstdint>
#include <optional>

namespace omni {

// 30,000 years: what is farther away nobody can mean, and sums with anything nearer cannot
// overflow.
constexpr int64_t kFarthestMs = 1'000'000'000'000'000;

// nullopt: negative, not a number, or farther away than that.
inline std::optional<int64_t> wholeMilliseconds(double value) {
  if (!(value >= 0 && value <= static_cast<double>(kFarthestMs))) return std::nullopt;
  return static_cast<int64_t>(value);
}

}  // namespace omni
