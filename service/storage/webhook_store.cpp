#include "service/storage/webhook_store.hpp"

#include <Poco/Data/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "service/storage/database.hpp"

namespace omni::storage {
namespace {

using Poco::Data::Session;
using Poco::Data::Statement;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

std::string secretContext(std::string_view id) {
  return fmt::format("webhooks/{}/secret", id);
}

std::vector<std::string> splitWords(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::unexpected<Error> noWebhook() {
  return makeError(FailureKind::NotFound,
                   "There is no such webhook. GET /api/webhooks lists them.");
}

// `where` is this file's own text; its parameters are bound by the caller's function.
template <typename Bind>
std::vector<WebhookDelivery> select(Session& session, const char* where, Bind&& binding) {
  std::vector<Poco::Int64> ids, created, next, done;
  std::vector<std::string> webhooks, events, types, bodies, errors;
  std::vector<int> states, attempts, statuses;
  Statement rows(session);
  rows << "SELECT id, webhook_id, event_id, type, body, state, attempts, status, error,"
          " created_ms, next_ms, done_ms FROM webhook_deliveries "
       << where,
      into(ids), into(webhooks), into(events), into(types), into(bodies), into(states),
      into(attempts), into(statuses), into(errors), into(created), into(next), into(done);
  binding(rows);
  rows.execute();
  std::vector<WebhookDelivery> out(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    WebhookDelivery& d = out[i];
    d.id = ids[i];
    d.webhook_id = std::move(webhooks[i]);
    d.event_id = std::move(events[i]);
    d.type = std::move(types[i]);
    d.body = std::move(bodies[i]);
    d.state = states[i] == 1   ? DeliveryState::Delivered
              : states[i] == 2 ? DeliveryState::Failed
                               : DeliveryState::Pending;
    d.attempts = attempts[i];
    d.status = statuses[i];
    d.error = std::move(errors[i]);
    d.created_ms = created[i];
    d.next_ms = next[i];
    d.done_ms = done[i];
  }
  return out;
}

}  // namespace

Result<std::vector<Webhook>> SqliteWebhookStore::listWebhooks() {
  return sessions_->read([](Session& session) -> Result<std::vector<Webhook>> {
    std::vector<std::string> ids, names, urls, events;
    std::vector<int> enabled;
    std::vector<Poco::Int64> created, updated;
    session << "SELECT id, name, url, events, enabled, created_ms, updated_ms FROM webhooks"
               " ORDER BY name COLLATE NOCASE",
        into(ids), into(names), into(urls), into(events), into(enabled), into(created),
        into(updated), now;
    std::vector<Webhook> out(ids.size());
    for (size_t i = 0; i < ids.size(); ++i)
      out[i] = {std::move(ids[i]), std::move(names[i]), std::move(urls[i]), splitWords(events[i]),
                enabled[i] != 0,   created[i],          updated[i]};
    return out;
  });
}

Result<> SqliteWebhookStore::putWebhook(const Webhook& webhook,
                                        const std::optional<std::string>& secret) {
  std::string sealed;
  if (secret) {
    auto hidden = sealer_.seal(*secret, secretContext(webhook.id));
    if (!hidden) return std::unexpected(std::move(hidden.error()));
    sealed = std::move(*hidden);
  }
  return sessions_->write([&](Session& session) -> Result<> {
    std::string other;
    Statement named(session);
    named << "SELECT id FROM webhooks WHERE name=? COLLATE NOCASE AND id<>?", into(other),
        bind(webhook.name), bind(webhook.id);
    if (named.execute() > 0) {
      auto error =
          makeError(FailureKind::Conflict,
                    fmt::format("There is a webhook \"{}\" already.", webhook.name), "name");
      error.error().conflict_id = other;
      return error;
    }
    session << "INSERT INTO webhooks(id, name, url, events, secret, enabled, created_ms,"
               " updated_ms) VALUES(?,?,?,?,?,?,?,?)"
               " ON CONFLICT(id) DO UPDATE SET name=excluded.name, url=excluded.url,"
               " events=excluded.events, enabled=excluded.enabled, updated_ms=excluded.updated_ms",
        bind(webhook.id), bind(webhook.name), bind(webhook.url),
        bind(fmt::format("{}", fmt::join(webhook.events, " "))), bind(sealed),
        bind(webhook.enabled ? 1 : 0), bind(Poco::Int64(webhook.created_ms)),
        bind(Poco::Int64(webhook.updated_ms)), now;
    if (secret)
      session << "UPDATE webhooks SET secret=? WHERE id=?", bind(sealed), bind(webhook.id), now;
    return {};
  });
}

Result<> SqliteWebhookStore::removeWebhook(std::string_view id) {
  return sessions_->write([&](Session& session) -> Result<> {
    const std::string given(id);
    Statement gone(session);
    gone << "DELETE FROM webhooks WHERE id=?", bind(given);
    if (gone.execute() == 0) return noWebhook();
    return {};
  });
}

Result<std::string> SqliteWebhookStore::webhookSecret(std::string_view id) {
  auto sealed = sessions_->read([&](Session& session) -> Result<std::string> {
    std::string out;
    const std::string given(id);
    Statement one(session);
    one << "SELECT secret FROM webhooks WHERE id=?", into(out), bind(given);
    if (one.execute() == 0) return noWebhook();
    return out;
  });
  if (!sealed) return sealed;
  return sealer_.open(*sealed, secretContext(id));
}

Result<std::vector<WebhookDelivery>> SqliteWebhookStore::addDeliveries(
    std::vector<WebhookDelivery> deliveries) {
  return sessions_->write([&](Session& session) -> Result<std::vector<WebhookDelivery>> {
    std::vector<WebhookDelivery> out;
    std::set<std::string> webhooks;
    for (WebhookDelivery& d : deliveries) {
      Statement insert(session);
      // The webhook may have been removed a moment ago.
      insert << "INSERT INTO webhook_deliveries(webhook_id, event_id, type, body, state, attempts,"
                " status, error, created_ms, next_ms, done_ms)"
                " SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM webhooks WHERE id=?",
          bind(d.event_id), bind(d.type), bind(d.body), bind(static_cast<int>(d.state)),
          bind(d.attempts), bind(d.status), bind(d.error), bind(Poco::Int64(d.created_ms)),
          bind(Poco::Int64(d.next_ms)), bind(Poco::Int64(d.done_ms)), bind(d.webhook_id);
      if (insert.execute() == 0) continue;
      Poco::Int64 id = 0;
      session << "SELECT last_insert_rowid()", into(id), now;
      d.id = id;
      webhooks.insert(d.webhook_id);
      out.push_back(std::move(d));
    }
    for (const std::string& id : webhooks)
      session << "DELETE FROM webhook_deliveries WHERE webhook_id=? AND state<>0 AND id NOT IN"
                 " (SELECT id FROM webhook_deliveries WHERE webhook_id=? AND state<>0"
                 " ORDER BY id DESC LIMIT ?)",
          bind(id), bind(id), bind(kKeptDeliveries), now;
    return out;
  });
}

Result<> SqliteWebhookStore::updateDelivery(const WebhookDelivery& d) {
  return sessions_->write([&](Session& session) -> Result<> {
    session << "UPDATE webhook_deliveries SET state=?, attempts=?, status=?, error=?, next_ms=?,"
               " done_ms=? WHERE id=?",
        bind(static_cast<int>(d.state)), bind(d.attempts), bind(d.status), bind(d.error),
        bind(Poco::Int64(d.next_ms)), bind(Poco::Int64(d.done_ms)), bind(Poco::Int64(d.id)), now;
    return {};
  });
}

Result<std::vector<WebhookDelivery>> SqliteWebhookStore::pendingDeliveries() {
  return sessions_->read([](Session& session) -> Result<std::vector<WebhookDelivery>> {
    return select(session, "WHERE state=0 ORDER BY id", [](Statement&) {});
  });
}

Result<std::vector<WebhookDelivery>> SqliteWebhookStore::listDeliveries(std::string_view webhook_id,
                                                                        int64_t before_id,
                                                                        int limit) {
  return sessions_->read([&](Session& session) -> Result<std::vector<WebhookDelivery>> {
    std::string id(webhook_id);
    Poco::Int64 before = before_id;
    return select(
        session, "WHERE webhook_id=? AND (?=0 OR id<?) ORDER BY id DESC LIMIT ?",
        [&](Statement& rows) { rows, bind(id), bind(before), bind(before), bind(limit); });
  });
}

}  // namespace omni::storage
