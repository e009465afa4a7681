#pragma once
// Runs a check where its crash or hang does no harm: in a forked child on POSIX, in this process
// elsewhere.

#include <functional>

#include "sdk/check/report.hpp"

namespace omni::check {

// Calls `body` and returns its finding; a signal, an exit or `timeout_ms` without an end become a
// Fail that says so.
Finding runApart(const std::function<Finding()>& body, int timeout_ms);

}  // namespace omni::check
