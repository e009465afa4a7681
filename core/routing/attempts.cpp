#include "core/routing/attempts.hpp"

#include <algorithm>
#include <cstring>

#include "core/errors/error_table.hpp"
#include "core/routing/attempt_sink.hpp"
#include "core/routing/failure_report.hpp"

namespace omni::routing {
namespace {

constexpr int64_t kFirstPause = 200;
constexpr int64_t kLongestPause = 2000;
constexpr int64_t kTired = 600;  // of pauses before retries
constexpr int kMostRounds = 10;
constexpr size_t kSpareCalls = 3;  // above two per candidate
constexpr size_t kMostCalls = 64;
constexpr int kModelRefusals = 2;  // of one model by different accounts; more are not asked
constexpr int kModelFull = 3;

std::unexpected<Error> gone() {
  return makeError(FailureKind::Cancelled, "the client has gone");
}

bool passing(const Error& error) {
  const Trouble trouble = errorRule(error.kind).trouble;
  return trouble == Trouble::Way || trouble == Trouble::Model;
}

// Takes the time of the first content, and tells the health book at once: an answer may run for
// minutes.
class FirstContent final : public AttemptSink::Listener {
 public:
  FirstContent(Engine& engine, const PlanCandidate& candidate, RouteReport& report)
      : engine_(engine), candidate_(candidate), report_(report) {}
  void firstContent() override {
    const int64_t now = engine_.deps.clock.nowMs();
    report_.attempts.back().first_ms = now - report_.attempts.back().started_ms;
    engine_.health.succeeded(candidate_.endpoint_key, now);
    engine_.health.succeeded(candidate_.model_key, now);
  }

 private:
  Engine& engine_;
  const PlanCandidate& candidate_;
  RouteReport& report_;
};

}  // namespace

Attempts::Attempts(Engine& engine, const Plan& plan, const chat::ChatRequest& request,
                   chat::EventSink& sink, const CancelToken& cancel, RouteReport& report)
    : engine_(engine),
      plan_(plan),
      request_(request),
      sink_(sink),
      cancel_(cancel),
      report_(report),
      most_calls_(plan.options.max_attempts > 0
                      ? static_cast<size_t>(plan.options.max_attempts)
                      : std::min(2 * plan.candidates.size() + kSpareCalls, kMostCalls)) {}

Result<> Attempts::run() {
  report_.combo = plan_.combo;
  const int64_t now = engine_.deps.clock.nowMs();
  engine_.assess(plan_, request_.connection, now, standings_);
  if (!request_.connection.empty() &&
      std::ranges::all_of(standings_, [](const Standing& s) { return s.why == Why::NotPinned; }))
    return makeError(FailureKind::BadRequest,
                     "x-omniroute-connection names no account that this model may use; POST "
                     "/api/routing/explain shows which ones it may",
                     "x-omniroute-connection");
  for (;; ++round_) {
    orderCandidates(plan_, standings_, round_ == 0, order_);
    if (round_ == 0) placeConversation();
    for (const uint32_t index : order_) {
      switch (tryCandidate(index)) {
        case Next::Done:
        case Next::Stop:
          return std::move(result_);
        case Next::OtherCandidate:
          break;
      }
    }
    const int64_t earliest = reassess();
    if (earliest < 0 || round_ >= kMostRounds || calls_ >= most_calls_) break;
    // All who waited for the same moment would come back together.
    const int64_t time = engine_.deps.clock.nowMs();
    const int64_t wait = std::max<int64_t>(earliest - time, 1) + jittered(0, 50);
    if (wait + waited_for_accounts_ > plan_.options.max_wait_ms) break;
    waited_for_accounts_ += wait;
    if (!pause(wait)) return gone();
    reassess();
  }
  return giveUp();
}

void Attempts::placeConversation() {
  if (!plan_.options.sticky || plan_.candidates.size() < 2) return;
  session_ = sessionKey(request_);
  if (session_.value == 0 || !session_.continues) return;
  const auto place = engine_.sessions.find(session_.value, engine_.deps.clock.nowMs());
  if (!place) return;
  // Home first, the place to stay meanwhile next: home may turn out not to be well.
  for (const uint64_t account : {place->away, place->home}) {
    if (account == 0) continue;
    const auto found = std::ranges::find_if(order_, [&](uint32_t i) {
      return plan_.candidates[i].account_key == account && standings_[i].tier == Tier::Ready;
    });
    if (found == order_.end()) continue;
    std::rotate(order_.begin(), found, found + 1);
    first_reason_ = "sticky";
    report_.sticky = true;
  }
}

bool Attempts::skip(const PlanCandidate& candidate) const {
  if (full_.empty()) return false;
  const auto count = [&](FailureKind kind) {
    const auto found = full_.find({candidate.model_key, kind});
    return found == full_.end() ? 0 : found->second;
  };
  // Another account rarely has what the whole model lacks; another model may.
  return count(FailureKind::ModelUnavailable) >= kModelRefusals ||
         count(FailureKind::Capacity) >= kModelFull;
}

bool Attempts::mayCall(const PlanCandidate& candidate, bool bounded, std::string_view& reason) {
  if (calls_ >= most_calls_) return false;
  int& of_provider = calls_of_[candidate.connection->provider];
  if (of_provider == 0) {
    engine_.budget.request(candidate.connection->provider);
  } else if (!bounded && !result_ && passing(result_.error()) &&
             !engine_.budget.draw(candidate.connection->provider)) {
    return false;
  }
  ++of_provider;
  if (calls_ == 0) reason = first_reason_;
  ++calls_;
  return true;
}

int Attempts::retriesOf(const Error& error, uint32_t index) const {
  if (standings_[index].tier == Tier::LastResort) return 0;
  int most = errorRule(error.kind).retries;
  if (plan_.options.retries >= 0) most = std::min(most, plan_.options.retries);
  const bool tired = report_.waited_ms - waited_for_accounts_ >= kTired;
  if (most < 2 && !tired) return most;
  // Somebody else who is ready is better than a second pause, or than one after many others.
  const auto account = plan_.candidates[index].account_key;
  const bool others = std::ranges::any_of(order_, [&](uint32_t i) {
    return plan_.candidates[i].account_key != account && standings_[i].tier == Tier::Ready;
  });
  return others ? (tired ? 0 : 1) : most;
}

Attempts::Next Attempts::tryCandidate(uint32_t index) {
  const PlanCandidate& candidate = plan_.candidates[index];
  Standing& standing = standings_[index];
  if (standing.tier == Tier::Excluded) return Next::OtherCandidate;
  if (calls_ > 0 || round_ > 0) {
    // Anew: an attempt just made, or another request, may have cooled this account.
    if (standing = engine_.standing(candidate, engine_.deps.clock.nowMs());
        standing.tier == Tier::Excluded)
      return Next::OtherCandidate;
  }
  if (skip(candidate)) return Next::OtherCandidate;
  std::string_view reason = standing.tier == Tier::LastResort ? "last resort"
                            : round_ > 0                      ? "waited"
                                                              : "fallback";
  for (int retry = 0;; ++retry) {
    if (cancel_.cancelled()) {
      result_ = gone();
      return Next::Stop;
    }
    // A closed way is tried once a second at most, whoever asks: that needs no budget.
    const bool bounded = retry == 0 && standing.tier == Tier::LastResort;
    if (!mayCall(candidate, bounded, reason)) return Next::OtherCandidate;
    bool content = false;
    result_ = attempt(index, retry > 0 ? "retry" : reason, content);
    if (result_) return Next::Done;
    const Error& error = result_.error();
    if (error.kind == FailureKind::Cancelled) return Next::Stop;
    const ErrorRule& rule = errorRule(error.kind);
    if (content || !rule.try_other) return Next::Stop;
    if (retry >= retriesOf(error, index)) {
      if (rule.trouble == Trouble::Gate || rule.trouble == Trouble::Model)
        ++full_[{candidate.model_key, error.kind}];
      return Next::OtherCandidate;
    }
    const int64_t high = std::min(kFirstPause << (2 * retry), kLongestPause);
    const int64_t delay = std::max(jittered(high / 2, high), error.retry_after_ms);
    if (delay > kLongestPause) return Next::OtherCandidate;
    if (!pause(delay)) {
      result_ = gone();
      return Next::Stop;
    }
  }
}

Result<> Attempts::attempt(uint32_t index, std::string_view reason, bool& content) {
  const PlanCandidate& candidate = plan_.candidates[index];
  const Connection& account = *candidate.connection;
  Provider* provider = engine_.deps.providers.find(account.provider);
  if (!provider)
    return makeError(FailureKind::ModelUnavailable, "the provider's plugin is not loaded");
  const int64_t started = engine_.deps.clock.nowMs();
  RouteAttempt& record = report_.attempts.emplace_back();
  record.provider = account.provider;
  record.connection_id = account.id;
  record.connection_name = account.name;
  record.model = candidate.model;
  record.reason = reason;
  record.started_ms = started;
  engine_.health.probeStarts(candidate.endpoint_key, started);
  engine_.health.probeStarts(candidate.model_key, started);

  FirstContent listener(engine_, candidate, report_);
  AttemptSink sink(sink_, listener);
  Result<> result;
  {
    const InFlight counted(*candidate.load, started);
    result = provider->completeAs(account.id, candidate.model, request_, sink, cancel_);
  }
  content = sink.content();
  if (result && !content && !sink.clientGone())
    result = makeError(FailureKind::EmptyResponse, "the provider sent an empty answer");
  if (sink.clientGone()) result = gone();
  candidate.load->spent(sink.credits());

  const int64_t now = engine_.deps.clock.nowMs();
  record.duration_ms = now - started;
  record.ok = result.has_value();
  if (result) {
    engine_.succeeded(candidate, now);
    remember(candidate);
    return result;
  }
  record.error = result.error();
  if (result.error().kind == FailureKind::Cancelled) {
    engine_.health.probeEnds(candidate.endpoint_key);
    engine_.health.probeEnds(candidate.model_key);
    // The conversation has begun with this account all the same.
    if (content) remember(candidate);
    return result;
  }
  engine_.failed(candidate, result.error(), now);
  return result;
}

void Attempts::remember(const PlanCandidate& served) {
  if (session_.value == 0) return;
  const int64_t now = engine_.deps.clock.nowMs();
  bool keep_home = false;
  if (const auto place =
          session_.continues ? engine_.sessions.find(session_.value, now) : std::nullopt;
      place && place->home != served.account_key) {
    for (const PlanCandidate& home : plan_.candidates) {
      if (home.account_key != place->home) continue;
      switch (engine_.standing(home, now).why) {
        case Why::Disabled:
        case Why::Exhausted:
        case Why::Suspended:
        case Why::ReauthRequired:
        case Why::LacksModel:
        case Why::NoQuota:
          break;
        default:
          keep_home = true;
      }
      break;
    }
  }
  engine_.sessions.served(session_.value, served.account_key, keep_home, now,
                          plan_.options.session_ttl_ms);
}

bool Attempts::pause(int64_t ms) {
  report_.waited_ms += ms;
  return engine_.deps.waiter.wait(ms, cancel_);
}

int64_t Attempts::jittered(int64_t low_ms, int64_t high_ms) {
  uint32_t number = 0;
  engine_.deps.random.fill(&number, sizeof(number));
  return low_ms + static_cast<int64_t>(number % static_cast<uint64_t>(high_ms - low_ms + 1));
}

int64_t Attempts::reassess() {
  const int64_t now = engine_.deps.clock.nowMs();
  int64_t earliest = -1;
  for (size_t i = 0; i < standings_.size(); ++i) {
    Standing& standing = standings_[i];
    if (standing.why == Why::NotPinned) continue;
    standing = engine_.standing(plan_.candidates[i], now);
    if (standing.until_ms > now && (earliest < 0 || standing.until_ms < earliest))
      earliest = standing.until_ms;
  }
  return earliest;
}

Result<> Attempts::giveUp() {
  const int64_t earliest = reassess();
  const int64_t now = engine_.deps.clock.nowMs();
  for (size_t i = 0; i < standings_.size(); ++i) {
    const PlanCandidate& candidate = plan_.candidates[i];
    const bool asked = std::ranges::any_of(report_.attempts, [&](const RouteAttempt& a) {
      return a.connection_id == candidate.connection->id && a.model == candidate.model;
    });
    if (asked || standings_[i].why == Why::NotPinned) continue;
    report_.passed_over.push_back(
        standingText(candidate, standings_[i], engine_.reason(candidate, standings_[i], now)));
  }
  return std::unexpected(reportFailure(request_.model, plan_, standings_, report_, earliest, now));
}

}  // namespace omni::routing
