#pragma once
// Who would serve a request now, who would be next, and who would not and why. Plain values.

#include <cstdint>
#include <string>
#include <vector>

namespace omni::routing {

struct ExplainedCandidate {
  std::string provider;
  std::string connection_id;
  std::string connection_name;
  std::string model;
  std::string verdict;   // "picked", "fallback", "last resort" or "excluded"
  std::string reason;    // for people
  std::string detail;    // what the provider said; may be empty
  int64_t until_ms = 0;  // Unix ms: when it is looked at anew; 0: not by time
  int in_flight = 0;
  uint64_t served = 0;  // since the start
  double remaining = -1;
  int64_t resets_at_ms = -1;
};

struct Explanation {
  std::string model;
  std::string combo;     // empty: none
  std::string strategy;  // of the combo; "least-used" for others with several accounts
  bool sticky = false;   // the picked one is the conversation's
  std::vector<ExplainedCandidate> candidates;  // in the order in which they would be tried
  std::vector<std::string> missing;            // targets that are no more
  int64_t back_at_ms = -1;                     // when none can serve: when the first may
};

}  // namespace omni::routing
