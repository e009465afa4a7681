#pragma once
// Signs messages for receivers that hold the same secret, as Standard Webhooks 1.0 says
// (standardwebhooks.com, "Signature scheme", v1).

#include "core/ports/clock.hpp"
#include "core/ports/webhooks.hpp"

namespace omni::secrets {

// Thread-safe. The random source is borrowed.
class StandardWebhookSigner final : public MessageSigner {
 public:
  explicit StandardWebhookSigner(Random& random) : random_(random) {}
  Result<std::string> newSecret() override;
  Result<std::string> sign(std::string_view secret, std::string_view id, int64_t seconds,
                           std::string_view body) override;

 private:
  Random& random_;
};

}  // namespace omni::secrets
