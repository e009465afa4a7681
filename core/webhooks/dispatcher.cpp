#include "core/webhooks/dispatcher.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/uuid.hpp"
#include "core/errors/error_table.hpp"

namespace omni::webhooks {
namespace {

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
// A receiver that restarts is back within seconds; one that is broken is mended within a day.
constexpr std::array<int64_t, 7> kRetries = {kSecond,      5 * kSecond, 30 * kSecond, 5 * kMinute,
                                             30 * kMinute, 3 * kHour,   12 * kHour};
constexpr size_t kMostRaised = 10'000;
constexpr size_t kMostWaiting = 10'000;
constexpr int64_t kTimeout = 15 * kSecond;
constexpr size_t kMostAnswer = 64u << 10;  // read so that the connection can be kept, then dropped
constexpr int kGone = 410;                 // Standard Webhooks: the receiver wants no more

std::string isoTime(int64_t unix_ms) {
  return fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(unix_ms / 1000), unix_ms % 1000);
}

bool wants(const Webhook& webhook, std::string_view type) {
  return webhook.enabled && (webhook.events.empty() ||
                             std::ranges::find(webhook.events, type) != webhook.events.end());
}

}  // namespace

const std::vector<std::string>& eventTypes() {
  static const std::vector<std::string> types = {
      "account.active",   "account.cooling",         "account.exhausted",    "account.suspended",
      "account.disabled", "account.reauth_required", "token.refresh_failed", "registration.ending"};
  return types;
}

int64_t retryDelayMs(int attempts, uint32_t random) {
  if (attempts < 1 || static_cast<size_t>(attempts) > kRetries.size()) return -1;
  const int64_t delay = kRetries[static_cast<size_t>(attempts) - 1];
  return delay - delay / 5 +
         static_cast<int64_t>(random % static_cast<uint64_t>(delay / 5 * 2 + 1));
}

Result<> Dispatcher::load() {
  auto pending = deps_.store.pendingDeliveries();
  if (!pending) return std::unexpected(std::move(pending.error()));
  const int64_t now = deps_.clock.nowMs();
  const int64_t steady = deps_.clock.steadyMs();
  const std::lock_guard lock(mutex_);
  for (WebhookDelivery& delivery : *pending) {
    const int64_t due = steady + std::clamp<int64_t>(delivery.next_ms - now, 0, 24 * kHour);
    const int64_t id = delivery.id;
    waiting_.insert_or_assign(id, Waiting{std::move(delivery), due});
  }
  return {};
}

void Dispatcher::raise(Event event) {
  const int64_t now = deps_.clock.nowMs();
  {
    const std::lock_guard lock(mutex_);
    if (raised_.size() >= kMostRaised || waiting_.size() >= kMostWaiting) {
      ++counts_.dropped;
      return;
    }
    raised_.emplace_back(std::move(event), now);
  }
  if (wake) wake();
}

std::string Dispatcher::bodyOf(const Event& event, int64_t at_ms) const {
  return fmt::format(R"({{"type":"{}","timestamp":"{}","data":{}}})", event.type, isoTime(at_ms),
                     event.data_json);
}

BackgroundWork::Job Dispatcher::take(int64_t steady_now_ms) {
  const std::lock_guard lock(mutex_);
  if (!raised_.empty() && !writing_ && steady_now_ms >= write_again_ms_) {
    writing_ = true;
    return [this](const CancelToken&) { writeDown(); };
  }
  for (auto& [id, waiting] : waiting_) {
    if (waiting.due_steady_ms > steady_now_ms || busy_.contains(waiting.delivery.webhook_id))
      continue;
    busy_.insert(waiting.delivery.webhook_id);
    return [this, copy = waiting](const CancelToken& cancel) { send(copy, cancel); };
  }
  return {};
}

int64_t Dispatcher::nextDue(int64_t steady_now_ms) {
  const std::lock_guard lock(mutex_);
  int64_t next = kNeverDue;
  if (!raised_.empty() && !writing_) next = std::max(write_again_ms_, steady_now_ms);
  for (const auto& [id, waiting] : waiting_)
    if (!busy_.contains(waiting.delivery.webhook_id)) next = std::min(next, waiting.due_steady_ms);
  return next;
}

void Dispatcher::writeDown() {
  std::deque<std::pair<Event, int64_t>> events;
  {
    const std::lock_guard lock(mutex_);
    events.swap(raised_);
  }
  auto webhooks = deps_.store.listWebhooks();
  Result<std::vector<WebhookDelivery>> stored;
  if (webhooks) {
    std::vector<WebhookDelivery> made;
    for (const auto& [event, at] : events) {
      const std::string event_id = "evt_" + newUuid(deps_.random);
      for (const Webhook& webhook : *webhooks) {
        if (!wants(webhook, event.type)) continue;
        WebhookDelivery delivery;
        delivery.webhook_id = webhook.id;
        delivery.event_id = event_id;
        delivery.type = event.type;
        delivery.body = bodyOf(event, at);
        delivery.created_ms = at;
        delivery.next_ms = at;
        made.push_back(std::move(delivery));
      }
    }
    stored = made.empty() ? std::move(made) : deps_.store.addDeliveries(std::move(made));
  } else {
    stored = std::unexpected(std::move(webhooks.error()));
  }
  const int64_t steady = deps_.clock.steadyMs();
  const std::lock_guard lock(mutex_);
  writing_ = false;
  if (!stored) {  // a full disk is no reason to forget
    raised_.insert(raised_.begin(), std::make_move_iterator(events.begin()),
                   std::make_move_iterator(events.end()));
    write_again_ms_ = steady + 5 * kSecond;
    return;
  }
  for (WebhookDelivery& delivery : *stored) {
    const int64_t id = delivery.id;
    waiting_.insert_or_assign(id, Waiting{std::move(delivery), steady});
  }
}

void Dispatcher::attempt(const Webhook& webhook, WebhookDelivery& delivery,
                         const CancelToken& cancel) {
  ++delivery.attempts;
  delivery.status = 0;
  delivery.error.clear();
  const int64_t seconds = deps_.clock.nowMs() / 1000;
  auto secret = deps_.store.webhookSecret(webhook.id);
  auto signature = secret ? deps_.signer.sign(*secret, delivery.event_id, seconds, delivery.body)
                          : Result<std::string>(std::unexpected(std::move(secret.error())));
  if (!signature) {  // never unsigned
    delivery.error = signature.error().message;
    return;
  }
  const std::string at = fmt::format("{}", seconds);
  HttpCall call;
  call.method = "POST";
  call.url = webhook.url;
  call.headers = {{"Content-Type", "application/json"},
                  {"webhook-id", delivery.event_id},
                  {"webhook-timestamp", at},
                  {"webhook-signature", *signature}};
  call.body = delivery.body;
  call.first_byte_timeout_ms = kTimeout;
  call.idle_timeout_ms = kTimeout;
  size_t received = 0;
  const auto sent = deps_.client.call(
      "webhooks/" + webhook.id, call,
      [&](int status, const std::vector<HttpHeader>&) -> Result<> {
        delivery.status = status;
        return {};
      },
      [&](std::string_view bytes) -> Result<> {
        received += bytes.size();
        if (received > kMostAnswer) return makeError(FailureKind::Protocol, "a long answer");
        return {};
      },
      cancel);
  // Its status counts, whatever becomes of the rest.
  if (delivery.status >= 200 && delivery.status < 300) return;
  if (delivery.status != 0)
    delivery.error =
        delivery.status >= 300 && delivery.status < 400
            ? fmt::format("the receiver answered {}: redirects are not followed", delivery.status)
            : fmt::format("the receiver answered {}", delivery.status);
  else
    delivery.error = sent ? "the receiver did not answer" : sent.error().message;
}

void Dispatcher::send(Waiting waiting, const CancelToken& cancel) {
  WebhookDelivery& delivery = waiting.delivery;
  const auto webhooks = deps_.store.listWebhooks();
  const Webhook* webhook = nullptr;
  if (webhooks) {
    const auto found = std::ranges::find(*webhooks, delivery.webhook_id, &Webhook::id);
    if (found != webhooks->end()) webhook = &*found;
  }
  bool keep = true;
  int64_t delay = 0;
  if (!webhooks) {
    delay = 5 * kSecond;
  } else if (!webhook) {
    keep = false;
  } else if (!webhook->enabled) {
    delivery.state = DeliveryState::Failed;
    delivery.error = "the webhook was switched off";
    delivery.done_ms = deps_.clock.nowMs();
    keep = false;
    (void)deps_.store.updateDelivery(delivery);
  } else {
    attempt(*webhook, delivery, cancel);
    const int64_t now = deps_.clock.nowMs();
    const bool delivered = delivery.error.empty();
    if (!delivered && cancel.cancelled()) {
      // The service stops: that was no attempt. It is taken up again at the next start.
      const std::lock_guard lock(mutex_);
      busy_.erase(delivery.webhook_id);
      return;
    }
    uint32_t random = 0;
    deps_.random.fill(&random, sizeof(random));
    delay = delivered || delivery.status == kGone ? -1 : retryDelayMs(delivery.attempts, random);
    if (delay < 0) {
      delivery.state = delivered ? DeliveryState::Delivered : DeliveryState::Failed;
      delivery.done_ms = now;
      keep = false;
    } else {
      delivery.next_ms = now + delay;
    }
    // Not written: after a restart it is sent once more, which the receiver sees by the id.
    (void)deps_.store.updateDelivery(delivery);
    const std::lock_guard lock(mutex_);
    counts_.delivered += delivered;
    counts_.failed_attempts += !delivered;
    counts_.given_up += !delivered && delay < 0;
  }
  const int64_t steady = deps_.clock.steadyMs();
  const std::lock_guard lock(mutex_);
  busy_.erase(delivery.webhook_id);
  const auto found = waiting_.find(delivery.id);
  if (found == waiting_.end()) return;
  if (keep)
    found->second = {std::move(delivery), steady + delay};
  else
    waiting_.erase(found);
}

Result<WebhookDelivery> Dispatcher::ping(const Webhook& webhook, const CancelToken& cancel) {
  const int64_t now = deps_.clock.nowMs();
  WebhookDelivery delivery;
  delivery.webhook_id = webhook.id;
  delivery.event_id = "evt_" + newUuid(deps_.random);
  delivery.type = "ping";
  std::string data = "{\"webhook\":";
  appendJsonString(data, webhook.name);
  delivery.body = bodyOf({delivery.type, data + "}"}, now);
  delivery.created_ms = delivery.next_ms = now;
  attempt(webhook, delivery, cancel);
  delivery.state = delivery.error.empty() ? DeliveryState::Delivered : DeliveryState::Failed;
  delivery.done_ms = deps_.clock.nowMs();
  {
    const std::lock_guard lock(mutex_);
    ++(delivery.error.empty() ? counts_.delivered : counts_.failed_attempts);
  }
  auto stored = deps_.store.addDeliveries({std::move(delivery)});
  if (!stored) return std::unexpected(std::move(stored.error()));
  if (stored->empty())
    return makeError(FailureKind::NotFound, "The webhook was removed during its test.");
  return std::move(stored->front());
}

void Dispatcher::forget(std::string_view webhook_id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_,
                [&](const auto& item) { return item.second.delivery.webhook_id == webhook_id; });
}

Dispatcher::Counts Dispatcher::counts() const {
  const std::lock_guard lock(mutex_);
  Counts out = counts_;
  out.waiting = waiting_.size() + raised_.size();
  return out;
}

}  // namespace omni::webhooks
