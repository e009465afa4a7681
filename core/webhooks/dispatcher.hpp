#pragma once
// Tells webhooks of events: in the background, signed, again and again until the receiver says 2xx
// or the last try is over.
//
// What is sent follows Standard Webhooks 1.0 (standardwebhooks.com, "Webhook headers", "Signature
// scheme"): POST of {"type","timestamp","data"}, headers webhook-id, webhook-timestamp (Unix
// seconds of the attempt) and webhook-signature.

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/background.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/upstream.hpp"
#include "core/ports/webhooks.hpp"

namespace omni::webhooks {

// "account.active", "account.suspended" …; what a webhook may ask for.
const std::vector<std::string>& eventTypes();

struct Event {
  std::string type;
  std::string data_json;  // an object, without secrets
};

// When attempt number `attempts` (from 1) has failed: the time to the next, -1: there is none. The
// jitter is a fifth either way.
int64_t retryDelayMs(int attempts, uint32_t random);

struct DispatcherDeps {
  WebhookStore& store;
  MessageSigner& signer;
  UpstreamClient& client;
  Clock& clock;
  Random& random;
};

// Thread-safe. What deps refer to must outlive it.
class Dispatcher final : public BackgroundWork {
 public:
  explicit Dispatcher(const DispatcherDeps& deps) : deps_(deps) {}

  // What was under way when the service stopped is taken up again. Before the work begins.
  Result<> load();

  // Takes note and returns: no disk, no network. At most 10,000 wait to be written down; what is
  // more is dropped and counted. Those that wait are lost when the process dies.
  void raise(Event event);

  Job take(int64_t steady_now_ms) override;
  int64_t nextDue(int64_t steady_now_ms) override;

  // One attempt now, on this thread, with an event of the type "ping"; written down like others,
  // but never tried again. The delivery tells how it went; an error: it could not be tried.
  Result<WebhookDelivery> ping(const Webhook& webhook, const CancelToken& cancel);
  // It is gone: what waits for it is not sent.
  void forget(std::string_view webhook_id);

  struct Counts {
    uint64_t delivered = 0;
    uint64_t failed_attempts = 0;
    uint64_t given_up = 0;
    uint64_t dropped = 0;
    size_t waiting = 0;
  };
  Counts counts() const;

 private:
  struct Waiting {
    WebhookDelivery delivery;
    int64_t due_steady_ms = 0;
  };

  void writeDown();
  void send(Waiting waiting, const CancelToken& cancel);
  // One POST; fills attempts, status, error.
  void attempt(const Webhook& webhook, WebhookDelivery& delivery, const CancelToken& cancel);
  std::string bodyOf(const Event& event, int64_t at_ms) const;

  DispatcherDeps deps_;
  mutable std::mutex mutex_;
  std::deque<std::pair<Event, int64_t>> raised_;  // with the time
  bool writing_ = false;
  int64_t write_again_ms_ = 0;               // steady; after the store refused
  std::map<int64_t, Waiting> waiting_;       // by delivery
  std::set<std::string, std::less<>> busy_;  // webhooks with an attempt under way
  Counts counts_;
};

}  // namespace omni::webhooks
