#pragma once
// The Kiro provider. Thread-safe: an account's state is the host's; it only remembers
// which hosts did not answer, and catalogues that it has read.

#include <omniroute/sdk.hpp>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/generate.hpp"

namespace omni::kiro {

class KiroProvider final : public sdk::Provider {
 public:
  explicit KiroProvider(sdk::Host host) : endpoints_(host) {}
  sdk::Result<> complete(sdk::Call& call, const omni_request_t& request,
                         sdk::EventSink& sink) override;
  sdk::Result<std::optional<std::string>> control(sdk::Call& call, std::string_view method,
                                                  std::string_view input) override;
  // "omni.local-scan/1": accounts of other tools on this machine.
  const void* extension(std::string_view name) override;

 private:
  Endpoints endpoints_;
  Memory memory_;
};

}  // namespace omni::kiro
