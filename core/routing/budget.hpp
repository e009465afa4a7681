#pragma once
// Keeps retries from becoming a storm: each request of a provider pays in, each further call on the
// same provider because of a passing fault draws out. Thread-safe.

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace omni::routing {

struct BudgetRules {
  double per_request = 2;  // further calls that a request pays for, on average
  double most = 100;       // what can be saved up; also what there is at the start
};

class RetryBudget {
 public:
  explicit RetryBudget(const BudgetRules& rules = {}) : rules_(rules) {}

  void request(std::string_view provider) {
    std::lock_guard lock(mutex_);
    double& left = of(provider);
    left = std::min(rules_.most, left + rules_.per_request);
  }
  bool draw(std::string_view provider) {
    std::lock_guard lock(mutex_);
    double& left = of(provider);
    if (left < 1) return false;
    left -= 1;
    return true;
  }

 private:
  double& of(std::string_view provider) {
    const auto found = left_.find(provider);
    return found != left_.end() ? found->second
                                : left_.emplace(std::string(provider), rules_.most).first->second;
  }
  const BudgetRules rules_;
  std::mutex mutex_;
  std::map<std::string, double, std::less<>> left_;  // providers are few and known
};

}  // namespace omni::routing
