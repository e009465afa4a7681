#pragma once
// Checks on a request's headers that keep other web sites and rebound names out. Immutable, so
// thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "core/base/ascii.hpp"
#include "core/ports/clock.hpp"

namespace omni::http {

class HostGuard {
 public:
  HostGuard(const std::vector<std::string>& allowed_hosts,
            const std::vector<std::string>& allowed_origins);

  // `host` is the Host header. Against DNS rebinding: a page of evil.example whose name now points
  // at 127.0.0.1 sends its own name here.
  bool hostAllowed(std::string_view host) const;
  // A name of this machine itself: localhost, 127.0.0.1, [::1]. What an administrator has allowed
  // besides is what others call it by, through a reverse proxy for instance.
  static bool isLocalName(std::string_view host);
  // `origin` is the Origin header of a request that may change something; `host` its Host header.
  bool originAllowed(std::string_view origin, std::string_view host) const;

 private:
  std::vector<std::string> hosts_;
  std::vector<std::string> origins_;
};

// The client's id when it is 1 to 64 letters, digits, '-', '_' or '.'; else 16 random hex digits.
std::string requestId(std::string_view from_client, Random& random);
std::string randomHex(Random& random, size_t bytes);

}  // namespace omni::http
