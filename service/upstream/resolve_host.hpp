#pragma once
// Name look-up by the system that can be given up: getaddrinfo() itself blocks for as long as the
// resolver likes and cannot be stopped.

#include <chrono>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/cancel.hpp"

namespace omni::upstream {

// The addresses of `host` in the system's order; an address is returned as it is. A look-up that
// was given up ends in the background; as many as kMaxLookups may be under way, further ones fail
// at once. Network, Timeout, Cancelled (noticed within 250 ms). Thread-safe.
inline constexpr int kMaxLookups = 64;
Result<std::vector<std::string>> resolveHost(const std::string& host,
                                             std::chrono::steady_clock::time_point deadline,
                                             const CancelToken& cancel);

}  // namespace omni::upstream
