#pragma once
// A provider that talks to nobody: it streams the last user text back in words. It is the reference
// for plugin authors and, with its directives, the upstream of the service's own tests.
//
// Thread-safety: as omni::sdk::Provider; the object holds no state of a call. Time comes from the
// host, except that "/slow" really waits. Errors: the "/fail" directive yields the failure kind
// asked for.

#include <omniroute/sdk.hpp>

namespace omni::echo {

class EchoProvider final : public sdk::Provider {
 public:
  explicit EchoProvider(sdk::Host host) : host_(host) {}

  sdk::Result<> complete(sdk::Call& call, const omni_request_t& request,
                         sdk::EventSink& sink) override;
  sdk::Result<std::optional<std::string>> control(sdk::Call& call, std::string_view method,
                                                  std::string_view input) override;

 private:
  sdk::Host host_;
};

}  // namespace omni::echo
