#pragma once
// What each account has left, from the control method accounts.usage, for the quota strategies.
// Asked for in the background.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/ports/quota.hpp"
#include "core/routing/account_poller.hpp"

namespace omni::routing {

// Thread-safe.
class QuotaBook final : public AccountPoller, public QuotaView {
 public:
  QuotaBook(ProviderRegistry& providers, AccountDirectory& accounts, Clock& clock)
      : AccountPoller(providers, accounts, clock, "accounts.usage",
                      {.fresh_ms = 300000, .retry_ms = 120000}),
        clock_(clock) {}

  std::optional<QuotaReading> quota(std::string_view connection_id) const override;

 protected:
  bool received(const std::string& connection_id, std::string_view answer) override;
  void dropped(const std::string& connection_id) override;

 private:
  Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, QuotaReading, std::less<>> readings_;
};

// {"items":[{"kind","limit","used","resetAt"}],"overage"?}: all pools together, with the soonest
// reset of those that are not empty. nullopt: no such answer, or it names no limit.
std::optional<QuotaReading> parseUsage(std::string_view json, int64_t now_ms);

}  // namespace omni::routing
