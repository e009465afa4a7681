#include "core/routing/failure_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/errors/error_table.hpp"

namespace omni::routing {
namespace {

// At most so many in one message; the request log has them all.
constexpr size_t kMostNamed = 12;
constexpr int64_t kPassesSoon = 1000;  // a fault that gives no time of its own

// What a candidate that was not asked would have meant for the client.
FailureKind kindOf(Why why) {
  switch (why) {
    case Why::Exhausted:
      return FailureKind::Quota;
    case Why::Suspended:
      return FailureKind::Suspended;
    case Why::ReauthRequired:
      return FailureKind::ReauthRequired;
    case Why::Cooling:
      return FailureKind::RateLimited;
    case Why::LacksModel:
      return FailureKind::ModelUnavailable;
    default:
      return FailureKind::Unavailable;
  }
}

// What all have in common. An account that only waits goes with any failure that passes by itself.
std::optional<FailureKind> common(const RouteReport& report, const std::vector<FailureKind>& rest) {
  std::optional<FailureKind> kind;
  for (const RouteAttempt& attempt : report.attempts) {
    if (kind && *kind != attempt.error.kind) return std::nullopt;
    kind = attempt.error.kind;
  }
  const bool passes =
      kind && (*kind == FailureKind::RateLimited || *kind == FailureKind::Capacity ||
               errorRule(*kind).trouble == Trouble::Way);
  for (const FailureKind other : rest) {
    if (kind && *kind == other) continue;
    const bool waits = other == FailureKind::Unavailable || other == FailureKind::RateLimited;
    if (kind && waits && passes) continue;
    if (kind) return std::nullopt;
    kind = other;
  }
  return kind;
}

}  // namespace

std::string standingText(const PlanCandidate& candidate, const Standing& standing,
                         std::string_view reason) {
  const Connection& account = *candidate.connection;
  std::string what;
  switch (standing.why) {
    case Why::Disabled:
    case Why::Cooling:
    case Why::Exhausted:
    case Why::Suspended:
    case Why::ReauthRequired:
      what = fmt::format("is {}", accountStateName(account.state.state));
      break;
    case Why::Ready:
    case Why::Probe:
      what = fmt::format("({}) was not asked any more", candidate.model);
      break;
    default:
      what = fmt::format("({}): {}", candidate.model, whyText(standing.why));
  }
  std::string out = fmt::format("{}/{} {}", account.provider, account.name, what);
  if (!reason.empty()) out += fmt::format(" ({})", reason);
  return out;
}

Error reportFailure(std::string_view model, const Plan& plan,
                    const std::vector<Standing>& standings, const RouteReport& report,
                    int64_t earliest_ms, int64_t now_ms) {
  std::vector<std::string> parts;
  for (const RouteAttempt& attempt : report.attempts) {
    std::string text =
        fmt::format("{}/{}: {}", attempt.provider, attempt.connection_name, attempt.error.message);
    if (std::ranges::find(parts, text) == parts.end()) parts.push_back(std::move(text));
  }
  std::vector<FailureKind> rest;
  for (size_t i = 0; i < standings.size(); ++i) {
    const Connection& account = *plan.candidates[i].connection;
    // Ready, and still not asked: what the others were told is the model's, or the calls are used
    // up.
    if (standings[i].why == Why::NotPinned || standings[i].tier == Tier::Ready ||
        std::ranges::any_of(report.attempts,
                            [&](const RouteAttempt& a) { return a.connection_id == account.id; }))
      continue;
    rest.push_back(kindOf(standings[i].why));
  }
  parts.insert(parts.end(), report.passed_over.begin(), report.passed_over.end());
  for (const std::string& gone : plan.missing)
    parts.push_back(fmt::format("target {} does not exist any more", gone));
  const size_t named = parts.size();
  if (named > kMostNamed) {
    parts.resize(kMostNamed);
    parts.push_back(fmt::format("and {} more", named - kMostNamed));
  }

  Error error;
  if (!report.attempts.empty()) error = report.attempts.back().error;
  const auto kind = common(report, rest);
  if (!kind || *kind != error.kind || report.attempts.empty()) {
    error.kind = kind.value_or(FailureKind::Unavailable);
    error.reason.clear();
    error.upstream_status = 0;
    error.retry_after_ms = -1;
  }
  if (report.attempts.empty())
    error.message =
        fmt::format("no account can serve \"{}\" now: {}", model, fmt::join(parts, "; "));
  else if (kind == FailureKind::ModelUnavailable)
    error.message = report.attempts.front().error.message;  // it holds for all of them
  else if (named > 1)
    error.message = fmt::format("every account failed: {}", fmt::join(parts, "; "));
  else
    error.message = parts.front();
  if (errorRule(error.kind).http_status >= 402) {
    if (earliest_ms >= 0)
      error.retry_after_ms = std::max<int64_t>(earliest_ms - now_ms, 1000);
    else if (report.attempts.size() > 1 || error.retry_after_ms < 0)
      error.retry_after_ms =
          std::ranges::any_of(report.attempts,
                              [](const RouteAttempt& a) {
                                return errorRule(a.error.kind).trouble == Trouble::Way ||
                                       errorRule(a.error.kind).trouble == Trouble::Model;
                              })
              ? kPassesSoon
              : -1;
  }
  return error;
}

}  // namespace omni::routing
