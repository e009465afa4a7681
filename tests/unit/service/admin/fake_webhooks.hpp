#pragma once
// Webhooks in memory, with a receiver that remembers.

#include "core/webhooks/dispatcher.hpp"
#include "fakes.hpp"

namespace omni::admin::testing {

struct FakeWebhooks final : WebhookStore, MessageSigner, UpstreamClient {
  std::vector<Webhook> rows;
  std::map<std::string, std::string, std::less<>> secrets;
  std::vector<WebhookDelivery> log;
  std::vector<std::string> called;  // addresses
  int status = 200;
  int made = 0;
  FakeClock clock;
  FakeRandom random;
  webhooks::Dispatcher dispatcher{{*this, *this, *this, clock, random}};

  Result<std::vector<Webhook>> listWebhooks() override { return rows; }
  Result<> putWebhook(const Webhook& webhook, const std::optional<std::string>& secret) override {
    for (const Webhook& row : rows)
      if (row.name == webhook.name && row.id != webhook.id)
        return makeError(FailureKind::Conflict, "The name is taken.", "name");
    std::erase_if(rows, [&](const Webhook& row) { return row.id == webhook.id; });
    rows.push_back(webhook);
    if (secret) secrets[webhook.id] = *secret;
    return {};
  }
  Result<> removeWebhook(std::string_view id) override {
    std::erase_if(rows, [&](const Webhook& row) { return row.id == id; });
    return {};
  }
  Result<std::string> webhookSecret(std::string_view id) override {
    return secrets.find(id)->second;
  }
  Result<std::vector<WebhookDelivery>> addDeliveries(
      std::vector<WebhookDelivery> deliveries) override {
    for (WebhookDelivery& delivery : deliveries) {
      delivery.id = static_cast<int64_t>(log.size()) + 1;
      log.push_back(delivery);
    }
    return deliveries;
  }
  Result<> updateDelivery(const WebhookDelivery&) override { return {}; }
  Result<std::vector<WebhookDelivery>> pendingDeliveries() override {
    return std::vector<WebhookDelivery>{};
  }
  Result<std::vector<WebhookDelivery>> listDeliveries(std::string_view webhook_id, int64_t before,
                                                      int limit) override {
    std::vector<WebhookDelivery> out;
    for (auto row = log.rbegin(); row != log.rend(); ++row)
      if (row->webhook_id == webhook_id && (before == 0 || row->id < before) &&
          out.size() < static_cast<size_t>(limit))
        out.push_back(*row);
    return out;
  }

  Result<std::string> newSecret() override { return "whsec_" + std::to_string(++made); }
  Result<std::string> sign(std::string_view, std::string_view, int64_t, std::string_view) override {
    return "v1,x";
  }

  Result<> call(std::string_view, const HttpCall& request, const OnResponse& on_response,
                const OnBody&, const CancelToken&) override {
    called.emplace_back(request.url);
    return on_response(status, {});
  }
};

}  // namespace omni::admin::testing
