#pragma once
// The Kiro provider. Thread-safe: it holds no state of its own; an account's state is the host's.

#include <omniroute/sdk.hpp>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

class KiroProvider final : public sdk::Provider {
 public:
  explicit KiroProvider(sdk::Host host) : endpoints_(host) {}
  sdk::Result<> complete(sdk::Call& call, const omni_request_t& request,
                         sdk::EventSink& sink) override;
  sdk::Result<std::optional<std::string>> control(sdk::Call& call, std::string_view method,
                                                  std::string_view input) override;

 private:
  Endpoints endpoints_;
};

}  // namespace omni::kiro
