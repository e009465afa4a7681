#pragma once
// Webhooks: GET and POST /api/webhooks, GET, PATCH and DELETE /api/webhooks/{id}, a test delivery
// and the log of deliveries. A secret is in the answer that made it and nowhere else.

#include "core/ports/audit.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/webhooks.hpp"
#include "core/webhooks/dispatcher.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

struct WebhookDeps {
  WebhookStore& store;
  MessageSigner& signer;
  webhooks::Dispatcher& dispatcher;
  Clock& clock;
  Random& random;
  AuditLog* audit = nullptr;  // may be null
};

// What deps refer to must outlive the routes.
void addWebhookRoutes(http::RouteTable& table, WebhookDeps deps);

}  // namespace omni::admin
