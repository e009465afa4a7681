#pragma once
// What an API key may do. Pure values and functions; thread-safe.

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace omni::access {

// 0: no limit.
struct Budgets {
  double credits_per_day = 0;
  double credits_per_month = 0;
  int64_t tokens_per_day = 0;  // input and output together
  int64_t tokens_per_month = 0;
  bool any() const;
};

struct KeyPolicy {
  bool inference = true;
  bool admin = false;
  // Patterns of what a client may write as model; "*" stands for any text. Both empty: everything.
  // As soon as one holds something, only what one of them names is allowed: a list of models alone
  // would otherwise be passed by through a combo.
  std::vector<std::string> models;
  std::vector<std::string> combos;
  int requests_per_minute = 0;  // also the burst
  int max_concurrent = 0;
  Budgets budgets;

  bool restricted() const { return !models.empty() || !combos.empty(); }
  bool allows(std::string_view model, bool is_combo) const;
};

// "*" matches any text, also none; everything else itself. Linear in time for any input.
bool matches(std::string_view pattern, std::string_view text);

// The JSON that the admin API speaks and the store keeps: {"scopes":["inference"],"models":[…],
// "combos":[…],"requestsPerMinute":n,"maxConcurrent":n,"budgets":{"creditsPerDay":…,
// "creditsPerMonth":…,"tokensPerDay":…,"tokensPerMonth":…}}; a limit that is null or absent is
// none. Members that are absent keep what `base` says. BadRequest with the member's path in
// `field`.
Result<KeyPolicy> parsePolicy(const boost::json::object& object, const KeyPolicy& base = {});
boost::json::object policyJson(const KeyPolicy& policy);

}  // namespace omni::access
