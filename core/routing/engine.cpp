#include "core/routing/engine.hpp"

#include <algorithm>
#include <limits>

#include "core/errors/error_table.hpp"

namespace omni::routing {
namespace {

constexpr int64_t kMinute = 60000;
constexpr int64_t kDay = 1440 * kMinute;
constexpr int64_t kGate = 10 * kMinute;  // a plan or model list may change at any time
constexpr int64_t kLimit = kMinute;      // a limit without a delay
constexpr int64_t kProbePoll = 250;      // when to look again while another request finds out

void lower(Standing& standing, Tier tier, Why why, int64_t until_ms) {
  if (tier <= standing.tier) return;
  standing.tier = tier;
  standing.why = why;
  standing.until_ms = until_ms;
}

void applyHealth(Standing& standing, const Health& health, bool of_model, int64_t now_ms) {
  const Why open = of_model ? Why::ModelFull : Why::BreakerOpen;
  switch (health.state) {
    case Health::State::Good:
      return;
    case Health::State::Due:
      if (standing.why == Why::Ready) standing.why = Why::Probe;
      return;
    case Health::State::Probing:
      return lower(standing, Tier::Excluded, Why::ProbeRunning, now_ms + kProbePoll);
    case Health::State::Open:
      return lower(standing, Tier::LastResort, open, health.until_ms);
    case Health::State::OpenNoForce:
      return lower(standing, Tier::Excluded, open, health.until_ms);
    case Health::State::Cooling:
      return lower(standing, Tier::Excluded, Why::EndpointCooling, health.until_ms);
    case Health::State::Gated:
      return lower(standing, Tier::LastResort, Why::EndpointCooling, 0);
  }
}

}  // namespace

bool isPinned(const Connection& account, std::string_view connection) {
  if (account.id == connection || account.name == connection) return true;
  return connection.size() == account.provider.size() + 1 + account.name.size() &&
         connection.starts_with(account.provider) && connection.ends_with(account.name) &&
         connection[account.provider.size()] == '/';
}

Standing Engine::judge(const PlanCandidate& candidate, const StateRecord& state,
                       int64_t now_ms) const {
  Standing out;
  out.in_flight = candidate.load->inFlight();
  const auto excluded = [&](Why why, int64_t until_ms) {
    out.tier = Tier::Excluded;
    out.why = why;
    out.until_ms = until_ms;
  };
  switch (state.state) {
    case AccountState::Active:
      break;
    case AccountState::Disabled:
      excluded(Why::Disabled, 0);
      return out;
    case AccountState::Cooling:
    case AccountState::Exhausted:
      if (now_ms < state.until_ms) {
        excluded(state.state == AccountState::Cooling ? Why::Cooling : Why::Exhausted,
                 state.until_ms);
        return out;
      }
      out.why = out.in_flight > 0 ? Why::ProbeRunning : Why::Probe;
      if (out.in_flight > 0) out.tier = Tier::Doubtful;
      break;
    case AccountState::Suspended:
    case AccountState::ReauthRequired:
      if (state.next_probe_ms == 0 || now_ms < state.next_probe_ms || out.in_flight > 0) {
        excluded(state.state == AccountState::Suspended ? Why::Suspended : Why::ReauthRequired, 0);
        return out;
      }
      out.why = Why::Probe;
      break;
  }
  if (candidate.lacks_model) lower(out, Tier::Doubtful, Why::LacksModel, 0);
  if (!health.quiet()) {
    applyHealth(out, health.endpoint(candidate.endpoint_key, now_ms), false, now_ms);
    applyHealth(out, health.model(candidate.model_key, now_ms), true, now_ms);
  }
  return out;
}

void Engine::addQuota(const PlanCandidate& candidate, Standing& standing) const {
  if (!deps.quota) return;
  const auto reading = deps.quota->quota(candidate.connection->id);
  if (!reading) return;
  if (reading->unlimited) {
    standing.remaining = std::numeric_limits<double>::max();
  } else if (reading->limit >= 0) {
    standing.remaining = std::max(
        0.0, reading->limit - reading->used - candidate.load->spentSince(reading->taken_ms));
    if (standing.remaining <= 0) lower(standing, Tier::Doubtful, Why::NoQuota, 0);
  }
  standing.resets_at_ms = reading->resets_at_ms;
}

void Engine::assess(const Plan& plan, std::string_view connection, int64_t now_ms,
                    std::vector<Standing>& out) const {
  out.clear();
  out.reserve(plan.candidates.size());
  for (const PlanCandidate& candidate : plan.candidates) {
    Standing standing = judge(candidate, candidate.connection->state, now_ms);
    if (plan.wants_recent) standing.recent = candidate.load->recent(now_ms);
    if (plan.wants_quota) addQuota(candidate, standing);
    if (!connection.empty() && !isPinned(*candidate.connection, connection))
      standing = {.tier = Tier::Excluded, .why = Why::NotPinned};
    out.push_back(standing);
  }
}

Standing Engine::standing(const PlanCandidate& candidate, int64_t now_ms) const {
  const auto account = deps.accounts.find(candidate.connection->id);
  if (!account) return {.tier = Tier::Excluded, .why = Why::Disabled};
  return judge(candidate, account->state, now_ms);
}

std::string Engine::reason(const PlanCandidate& candidate, const Standing& standing,
                           int64_t now_ms) const {
  switch (standing.why) {
    case Why::Disabled:
    case Why::Cooling:
    case Why::Exhausted:
    case Why::Suspended:
    case Why::ReauthRequired:
      if (const auto account = deps.accounts.find(candidate.connection->id))
        return account->state.reason;
      return "deleted";
    case Why::EndpointCooling:
    case Why::BreakerOpen:
      return health.endpoint(candidate.endpoint_key, now_ms).reason;
    case Why::ModelFull:
      return health.model(candidate.model_key, now_ms).reason;
    default:
      return {};
  }
}

void Engine::failed(const PlanCandidate& candidate, const Error& error, int64_t now_ms) {
  const ErrorRule& rule = errorRule(error.kind);
  const std::string_view why = error.reason.empty() ? error.message : error.reason;
  // What does not count against the way ends its probe.
  if (rule.trouble != Trouble::Way) health.probeEnds(candidate.endpoint_key);
  if (rule.trouble != Trouble::Model) health.probeEnds(candidate.model_key);
  switch (rule.trouble) {
    case Trouble::None:
      break;
    case Trouble::Way:
      health.endpointFailed(candidate.endpoint_key, now_ms, why);
      break;
    case Trouble::Gate:
      health.endpointCools(candidate.endpoint_key, now_ms + kGate, now_ms, why, true);
      break;
    case Trouble::Model:
      health.modelFull(candidate.model_key, now_ms, error.retry_after_ms, why);
      break;
  }
  if (error.kind == FailureKind::RateLimited && error.scope == FailureScope::AccountModel) {
    const int64_t delay =
        error.retry_after_ms >= 0 ? std::clamp<int64_t>(error.retry_after_ms, 1000, kDay) : kLimit;
    health.endpointCools(candidate.endpoint_key, now_ms + delay, now_ms, why);
    return;
  }
  if (error.kind == FailureKind::Quota && error.reset_at_ms < 0) {
    // Providers seldom say when: what was read of the account's quota does. Without it the
    // directory's own rule holds, and the keeper looks again then.
    Error dated = error;
    if (const auto reading =
            deps.quota ? deps.quota->quota(candidate.connection->id) : std::nullopt;
        reading && reading->resets_at_ms > now_ms)
      dated.reset_at_ms = reading->resets_at_ms;
    deps.accounts.applyFailure(candidate.connection->id, dated, now_ms);
    return;
  }
  if (deps.accounts.applyFailure(candidate.connection->id, error, now_ms) && deps.checked)
    deps.checked(candidate.connection->id, &error);
}

void Engine::succeeded(const PlanCandidate& candidate, int64_t now_ms) {
  health.succeeded(candidate.endpoint_key, now_ms);
  health.succeeded(candidate.model_key, now_ms);
  if (deps.accounts.applySuccess(candidate.connection->id, now_ms) && deps.checked)
    deps.checked(candidate.connection->id, nullptr);
}

}  // namespace omni::routing
