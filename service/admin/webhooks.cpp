#include "service/admin/webhooks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <mutex>

#include "core/webhooks/target_url.hpp"
#include "service/admin/answering.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/names.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;

constexpr size_t kMostWebhooks = 50;
constexpr size_t kMostShown = 200;

struct Context {
  explicit Context(const WebhookDeps& given) : deps(given) {}
  WebhookDeps deps;
  std::mutex writes;  // read, change and put must not interleave
};

json::array texts(const std::vector<std::string>& list) {
  json::array out;
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

json::object webhookJson(const Webhook& webhook) {
  return {{"id", webhook.id},
          {"name", webhook.name},
          {"url", webhook.url},
          {"events", texts(webhook.events)},
          {"isActive", webhook.enabled},
          {"createdAt", isoTime(webhook.created_ms)},
          {"updatedAt", isoTime(webhook.updated_ms)}};
}

json::object deliveryJson(const WebhookDelivery& d) {
  const char* state = d.state == DeliveryState::Delivered ? "delivered"
                      : d.state == DeliveryState::Failed  ? "failed"
                                                          : "pending";
  return {{"id", d.id},
          {"eventId", d.event_id},
          {"type", d.type},
          {"state", state},
          {"attempts", d.attempts},
          {"status", d.status > 0 ? json::value(d.status) : json::value(nullptr)},
          {"error", d.error.empty() ? json::value(nullptr) : json::value(d.error)},
          {"createdAt", isoTime(d.created_ms)},
          {"nextAttemptAt",
           d.state == DeliveryState::Pending ? isoTime(d.next_ms) : json::value(nullptr)},
          {"finishedAt", isoTime(d.done_ms)},
          {"body", d.body}};
}

Result<Webhook> findWebhook(Context& context, const Request& request) {
  auto all = context.deps.store.listWebhooks();
  if (!all) return std::unexpected(std::move(all.error()));
  const std::string given = param(request, "id");
  for (Webhook& webhook : *all)
    if (webhook.id == given) return std::move(webhook);
  for (Webhook& webhook : *all)
    if (webhook.name == given) return std::move(webhook);
  return makeError(FailureKind::NotFound,
                   "No webhook has this id or name. GET /api/webhooks lists them.", "id");
}

void note(Context& context, const Request& request, std::string_view action,
          const Webhook& webhook) {
  noteChange(context.deps.audit, context.deps.clock, request,
             {.action = action,
              .subject = "webhook",
              .id = webhook.id,
              .name = webhook.name,
              .detail = {{"url", webhook.url}}});
}

Result<std::vector<std::string>> readEvents(const json::value& value) {
  std::vector<std::string> out;
  if (value.is_null()) return out;
  const auto& known = webhooks::eventTypes();
  const auto bad = [&](const std::string& field, std::string_view what) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("{} {}; known are {}. An empty list means all.", field, what,
                                 fmt::join(known, ", ")),
                     field);
  };
  if (!value.is_array()) return bad("events", "must be a list of event types");
  for (const auto& entry : value.get_array()) {
    const std::string field = fmt::format("events[{}]", out.size());
    if (!entry.is_string()) return bad(field, "must be the name of an event type");
    std::string type(entry.get_string());
    if (std::ranges::find(known, type) == known.end())
      return bad(field, "is no event type of this service");
    if (std::ranges::find(out, type) != out.end()) return bad(field, "occurs twice");
    out.push_back(std::move(type));
  }
  return out;
}

// Applies what the body names.
Result<bool> readForm(const Request& request, Webhook& webhook, bool is_new) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  auto fine = is_new ? refuseUnknown(*body, {"name", "url", "events", "isActive"})
                     : refuseUnknown(*body, {"name", "url", "events", "isActive", "rotateSecret"});
  if (!fine) return std::unexpected(std::move(fine.error()));
  if (body->empty() && !is_new)
    return makeError(FailureKind::BadRequest, "There is nothing to change.", "body");
  auto name = stringMember(*body, "name");
  if (!name) return std::unexpected(std::move(name.error()));
  auto url = stringMember(*body, "url");
  if (!url) return std::unexpected(std::move(url.error()));
  for (const auto& [given, field] : {std::pair{&*name, "name"}, {&*url, "url"}})
    if (is_new && !*given)
      return makeError(FailureKind::BadRequest, fmt::format("{} is missing.", field), field);
  if (*name) {
    if (auto checked = checkName(**name, "name"); !checked)
      return std::unexpected(std::move(checked.error()));
    webhook.name = std::move(**name);
  }
  if (*url) {
    if (auto checked = webhooks::checkTargetUrl(**url); !checked)
      return std::unexpected(std::move(checked.error()));
    webhook.url = std::move(**url);
  }
  if (const auto* events = body->if_contains("events")) {
    auto read = readEvents(*events);
    if (!read) return std::unexpected(std::move(read.error()));
    webhook.events = std::move(*read);
  }
  auto active = boolMember(*body, "isActive");
  if (!active) return std::unexpected(std::move(active.error()));
  webhook.enabled = active->value_or(webhook.enabled);
  auto rotate = boolMember(*body, "rotateSecret");
  if (!rotate) return std::unexpected(std::move(rotate.error()));
  return rotate->value_or(is_new);
}

// Stores it; the answer holds the secret if there is a new one.
Answer store(Context& context, const Webhook& webhook, bool new_secret) {
  std::optional<std::string> secret;
  if (new_secret) {
    auto made = context.deps.signer.newSecret();
    if (!made) return std::unexpected(std::move(made.error()));
    secret = std::move(*made);
  }
  if (auto stored = context.deps.store.putWebhook(webhook, secret); !stored)
    return std::unexpected(std::move(stored.error()));
  json::object out = webhookJson(webhook);
  if (secret) out["secret"] = *secret;
  return out;
}

Answer list(Context& context, const Request&, const CancelToken&) {
  auto all = context.deps.store.listWebhooks();
  if (!all) return std::unexpected(std::move(all.error()));
  json::array out;
  for (const Webhook& webhook : *all) out.push_back(webhookJson(webhook));
  return json::object{{"webhooks", std::move(out)}, {"eventTypes", texts(webhooks::eventTypes())}};
}

Answer create(Context& context, const Request& request, const CancelToken&) {
  Webhook webhook;
  auto form = readForm(request, webhook, true);
  if (!form) return std::unexpected(std::move(form.error()));
  const std::lock_guard lock(context.writes);
  auto all = context.deps.store.listWebhooks();
  if (!all) return std::unexpected(std::move(all.error()));
  if (all->size() >= kMostWebhooks)
    return makeError(
        FailureKind::BadRequest,
        fmt::format("There are {} webhooks already, which is the most.", kMostWebhooks), "name");
  webhook.id = newUuid(context.deps.random);
  webhook.created_ms = webhook.updated_ms = context.deps.clock.nowMs();
  auto out = store(context, webhook, true);
  if (out) note(context, request, "webhook.created", webhook);
  return out;
}

Answer show(Context& context, const Request& request, const CancelToken&) {
  auto webhook = findWebhook(context, request);
  if (!webhook) return std::unexpected(std::move(webhook.error()));
  return webhookJson(*webhook);
}

Answer change(Context& context, const Request& request, const CancelToken&) {
  const std::lock_guard lock(context.writes);
  auto webhook = findWebhook(context, request);
  if (!webhook) return std::unexpected(std::move(webhook.error()));
  auto rotate = readForm(request, *webhook, false);
  if (!rotate) return std::unexpected(std::move(rotate.error()));
  webhook->updated_ms = context.deps.clock.nowMs();
  auto out = store(context, *webhook, *rotate);
  if (out) note(context, request, "webhook.changed", *webhook);
  return out;
}

Answer remove(Context& context, const Request& request, const CancelToken&) {
  const std::lock_guard lock(context.writes);
  auto webhook = findWebhook(context, request);
  if (!webhook) return std::unexpected(std::move(webhook.error()));
  if (auto done = context.deps.store.removeWebhook(webhook->id); !done)
    return std::unexpected(std::move(done.error()));
  context.deps.dispatcher.forget(webhook->id);
  note(context, request, "webhook.removed", *webhook);
  return json::object{{"deleted", webhook->id}};
}

Answer test(Context& context, const Request& request, const CancelToken& cancel) {
  auto webhook = findWebhook(context, request);
  if (!webhook) return std::unexpected(std::move(webhook.error()));
  auto delivery = context.deps.dispatcher.ping(*webhook, cancel);
  if (!delivery) return std::unexpected(std::move(delivery.error()));
  return deliveryJson(*delivery);
}

Answer deliveries(Context& context, const Request& request, const CancelToken&) {
  if (auto fine = refuseUnknownQuery(request, {"limit", "before"}); !fine)
    return std::unexpected(std::move(fine.error()));
  auto webhook = findWebhook(context, request);
  if (!webhook) return std::unexpected(std::move(webhook.error()));
  auto limit = queryNumber(request, "limit", 50);
  if (!limit) return std::unexpected(std::move(limit.error()));
  auto before = queryNumber(request, "before", 0);
  if (!before) return std::unexpected(std::move(before.error()));
  if (*limit < 1 || *limit > kMostShown)
    return makeError(FailureKind::BadRequest,
                     fmt::format("limit must be a whole number from 1 to {}.", kMostShown),
                     "limit");
  auto found = context.deps.store.listDeliveries(webhook->id, static_cast<int64_t>(*before),
                                                 static_cast<int>(*limit) + 1);
  if (!found) return std::unexpected(std::move(found.error()));
  const bool more = found->size() > *limit;
  if (more) found->pop_back();
  json::array out;
  for (const WebhookDelivery& delivery : *found) out.push_back(deliveryJson(delivery));
  return json::object{{"deliveries", std::move(out)},
                      {"nextBefore", more ? json::value(found->back().id) : json::value(nullptr)}};
}

}  // namespace

void addWebhookRoutes(http::RouteTable& table, WebhookDeps deps) {
  const auto context = std::make_shared<Context>(deps);
  addAnswering(table, context, "GET", "/api/webhooks", 200, false, list);
  addAnswering(table, context, "POST", "/api/webhooks", 201, true, create);
  addAnswering(table, context, "GET", "/api/webhooks/{id}", 200, false, show);
  addAnswering(table, context, "PATCH", "/api/webhooks/{id}", 200, true, change);
  addAnswering(table, context, "DELETE", "/api/webhooks/{id}", 200, false, remove);
  addAnswering(table, context, "POST", "/api/webhooks/{id}/test", 200, false, test);
  addAnswering(table, context, "GET", "/api/webhooks/{id}/deliveries", 200, false, deliveries);
}

}  // namespace omni::admin
