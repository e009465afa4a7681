#pragma once
// The one honest error when nothing could serve: what was tried, what was not and why, and when to
// come back.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/chat_backend.hpp"
#include "core/routing/selection.hpp"

namespace omni::routing {

// "kiro/kiro-dev is cooling (USER_REQUEST_RATE_EXCEEDED)"
std::string standingText(const PlanCandidate& candidate, const Standing& standing,
                         std::string_view reason);

// `standings` are of after the last attempt; `earliest_ms`: when the first candidate may serve
// again, -1: not by itself. The kind is the one that all have in common, else Unavailable.
Error reportFailure(std::string_view model, const Plan& plan,
                    const std::vector<Standing>& standings, const RouteReport& report,
                    int64_t earliest_ms, int64_t now_ms);

}  // namespace omni::routing
