#pragma once
// Where each part of AWS and Kiro is. Settings of the plugin may point elsewhere: a simulator, a
// private endpoint.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

namespace omni::kiro {

// The three generations of the data plane (kiro-protocol section 0.3).
enum class Wire { Kiro, CodeWhisperer, Legacy };

// Base URLs without a trailing slash. `region` must have passed isRegion().
class Endpoints {
 public:
  explicit Endpoints(sdk::Host host) : host_(host) {}
  std::string oidc(std::string_view region) const;
  std::string social() const;  // us-east-1 only
  std::string portal() const;  // the page where a browser signs in
  std::string runtime(std::string_view region) const;
  std::string management(std::string_view region) const;
  std::string legacy(std::string_view region) const;
  // Setting "wire": auto, kiro, codewhisperer or legacy. Auto takes the newest when a profile is
  // known.
  Wire wire(bool has_profile) const;
  // Nobody has chosen: another generation may be tried.
  bool wireIsAuto() const;

 private:
  std::string url(std::string_view name, std::string_view fallback, std::string_view region) const;
  sdk::Host host_;
};

std::string userAgent();

}  // namespace omni::kiro
