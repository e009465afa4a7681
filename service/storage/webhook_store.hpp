#pragma once
// Webhooks and what was told to them, in the service's database.

#include <memory>

#include "core/ports/sealer.hpp"
#include "core/ports/webhooks.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe; the sealer is borrowed. A secret is sealed with the context "webhooks/<id>/secret".
class SqliteWebhookStore final : public WebhookStore {
 public:
  static constexpr int kKeptDeliveries = 200;  // finished ones, of each webhook

  SqliteWebhookStore(std::shared_ptr<Sessions> sessions, Sealer& sealer)
      : sessions_(std::move(sessions)), sealer_(sealer) {}

  Result<std::vector<Webhook>> listWebhooks() override;
  Result<> putWebhook(const Webhook& webhook, const std::optional<std::string>& secret) override;
  Result<> removeWebhook(std::string_view id) override;
  Result<std::string> webhookSecret(std::string_view id) override;

  Result<std::vector<WebhookDelivery>> addDeliveries(
      std::vector<WebhookDelivery> deliveries) override;
  Result<> updateDelivery(const WebhookDelivery& delivery) override;
  Result<std::vector<WebhookDelivery>> pendingDeliveries() override;
  Result<std::vector<WebhookDelivery>> listDeliveries(std::string_view webhook_id,
                                                      int64_t before_id, int limit) override;

 private:
  std::shared_ptr<Sessions> sessions_;
  Sealer& sealer_;
};

}  // namespace omni::storage
