#pragma once
// Who is told of changes, and what was told. Stored by service/storage; signed by service/secrets.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace omni {

struct Webhook {
  std::string id;    // UUID
  std::string name;  // unique without regard to case
  std::string url;
  std::vector<std::string> events;  // webhooks::eventTypes(); empty: all
  bool enabled = true;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
};

enum class DeliveryState { Pending, Delivered, Failed };

// One event on its way to one webhook.
struct WebhookDelivery {
  int64_t id = 0;  // given by the store
  std::string webhook_id;
  std::string event_id;  // the same for every webhook and every attempt: the receiver's key
  std::string type;
  std::string body;  // JSON, what is signed
  DeliveryState state = DeliveryState::Pending;
  int attempts = 0;
  int status = 0;     // the last answer's, 0: none
  std::string error;  // why the last attempt failed
  int64_t created_ms = 0;
  int64_t next_ms = 0;  // Pending: when it is tried (again)
  int64_t done_ms = 0;  // when it was delivered or given up; 0: under way
};

// Thread-safe; durable when it returns success.
class WebhookStore {
 public:
  virtual ~WebhookStore() = default;
  virtual Result<std::vector<Webhook>> listWebhooks() = 0;  // by name
  // Inserts or replaces by id. No secret: the stored one stays. Conflict with conflict_id when the
  // name is another's.
  virtual Result<> putWebhook(const Webhook& webhook, const std::optional<std::string>& secret) = 0;
  virtual Result<> removeWebhook(std::string_view id) = 0;  // with its deliveries; NotFound
  virtual Result<std::string> webhookSecret(std::string_view id) = 0;

  // Gives ids. Of each webhook only the newest kept finished deliveries stay.
  virtual Result<std::vector<WebhookDelivery>> addDeliveries(
      std::vector<WebhookDelivery> deliveries) = 0;
  virtual Result<> updateDelivery(const WebhookDelivery& delivery) = 0;
  virtual Result<std::vector<WebhookDelivery>> pendingDeliveries() = 0;
  // Newest first, older than `before_id` (0: all).
  virtual Result<std::vector<WebhookDelivery>> listDeliveries(std::string_view webhook_id,
                                                              int64_t before_id, int limit) = 0;
};

// Thread-safe.
class MessageSigner {
 public:
  virtual ~MessageSigner() = default;
  // A new shared secret: "whsec_" and base64 of 32 random bytes.
  virtual Result<std::string> newSecret() = 0;
  // HMAC-SHA-256 over "<id>.<seconds>.<body>" as "v1,<base64>".
  virtual Result<std::string> sign(std::string_view secret, std::string_view id, int64_t seconds,
                                   std::string_view body) = 0;
};

}  // namespace omni
