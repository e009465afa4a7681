#include "simulator/policy.hpp"

namespace omni::sim {

void Policy::update(const json::object& values) {
  foreign_refresh = text(values, "foreignRefresh", foreign_refresh);
  rotate = text(values, "rotate", rotate);
  fast = flag(values, "fast", fast);
  capture = flag(values, "capture", capture);
  scripted = flag(values, "scripted", scripted);
  auto_approve = flag(values, "autoApprove", auto_approve);
  auto_approve_as = text(values, "autoApproveAs", auto_approve_as);
  require_profile_arn = flag(values, "requireProfileArn", require_profile_arn);
  validate = flag(values, "validate", validate);
  bearer_401 = flag(values, "bearer401", bearer_401);
  social_401 = flag(values, "social401", social_401);
  ua_gate = flag(values, "uaGate", ua_gate);
  signups_paused = flag(values, "signupsPaused", signups_paused);
  system_prompt = text(values, "systemPrompt", system_prompt);
  access_lifetime = static_cast<int>(integer(values, "accessLifetime", access_lifetime));
}

json::object Policy::describe() const {
  return {{"foreignRefresh", foreign_refresh},
          {"rotate", rotate},
          {"fast", fast},
          {"capture", capture},
          {"scripted", scripted},
          {"autoApprove", auto_approve},
          {"autoApproveAs", auto_approve_as},
          {"requireProfileArn", require_profile_arn},
          {"validate", validate},
          {"bearer401", bearer_401},
          {"social401", social_401},
          {"uaGate", ua_gate},
          {"signupsPaused", signups_paused},
          {"systemPrompt", system_prompt},
          {"accessLifetime", access_lifetime}};
}

}  // namespace omni::sim
