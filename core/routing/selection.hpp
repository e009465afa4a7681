#pragma once
// The one selection: a plan and the state of its candidates in, the order to try them out. Pure but
// for the turns of round-robin and weighted, which are taken only when asked to.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/routing/plan.hpp"

namespace omni::routing {

enum class Tier : uint8_t {
  Ready,
  Doubtful,    // after all that are ready: a probe is under way, the model list lacks it, no quota
  LastResort,  // only if nothing else can: its breaker is open, the model is full
  Excluded,
};

// Why a candidate is where it is. Static texts, so that a request needs no string for them.
enum class Why : uint8_t {
  Ready,
  Disabled,
  Cooling,
  Exhausted,
  Suspended,
  ReauthRequired,
  Probe,         // its time is over: this call finds out
  ProbeRunning,  // its time is over, and another call is finding out
  NoQuota,
  LacksModel,
  EndpointCooling,
  BreakerOpen,
  ModelFull,
  NotPinned,  // the request asked for another account
};
std::string_view whyText(Why why);

struct Standing {
  Tier tier = Tier::Ready;
  Why why = Why::Ready;
  int64_t until_ms = 0;  // when it is looked at anew; 0: not by time
  int in_flight = 0;
  double recent = 0;
  double remaining = -1;  // quota; -1: unknown
  int64_t resets_at_ms = -1;
};

// Indexes of plan.candidates, best first; the excluded ones last.
void orderCandidates(const Plan& plan, const std::vector<Standing>& standings, bool take_turns,
                     std::vector<uint32_t>& out);

}  // namespace omni::routing
