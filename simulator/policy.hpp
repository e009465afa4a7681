#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "simulator/json.hpp"

namespace omni::sim {

// What the operator of the simulator may choose where the real services are known to differ, or
// where nobody knows.
struct Policy {
  std::string foreign_refresh = "strict";  // strict | adopt
  std::string rotate = "always";           // always | never | sometimes
  bool fast = false;                       // 1 s polling interval of device sign-ins
  bool capture = true;
  bool scripted = false;  // without a queued turn the data plane fails loudly instead of echoing
  bool auto_approve = false;    // device sign-ins need no control call
  std::string auto_approve_as;  // the account that does; empty: a new one each
  bool require_profile_arn = true;
  bool validate = true;
  bool bearer_401 = false;  // 401 instead of 403 for a bad bearer token
  bool social_401 = false;  // 401 instead of 400 for a bad social refresh token
  bool ua_gate = false;     // refuse callers that look like the language servers
  bool signups_paused = false;
  std::string system_prompt = "reject";  // reject | accept
  int access_lifetime = 3600;

  void update(const json::object& values);
  json::object describe() const;
};

// Readers take a snapshot that never changes under them.
class PolicyBox {
 public:
  std::shared_ptr<const Policy> get() const { return current_.load(); }
  void set(Policy policy) { current_ = std::make_shared<const Policy>(std::move(policy)); }
  void update(const json::object& values) {
    auto next = *get();
    next.update(values);
    set(std::move(next));
  }

 private:
  std::atomic<std::shared_ptr<const Policy>> current_{std::make_shared<const Policy>()};
};

}  // namespace omni::sim
