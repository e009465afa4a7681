#include "service/app/webhook_life.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>

#include "core/json/plain.hpp"
#include "service/admin/webhooks.hpp"
#include "service/app/background_pool.hpp"
#include "service/secrets/message_signer.hpp"
#include "service/storage/webhook_store.hpp"

namespace omni::app {
namespace {

namespace json = boost::json;

constexpr size_t kThreads = 2;  // one slow receiver does not hold up the others

json::value timeOf(int64_t unix_ms) {
  if (unix_ms <= 0) return nullptr;
  return json::string(fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(unix_ms / 1000), unix_ms % 1000));
}

json::object accountJson(const Connection& connection) {
  return {{"id", connection.id}, {"provider", connection.provider}, {"name", connection.name}};
}

}  // namespace

struct WebhookLife::Parts {
  explicit Parts(const WebhookLifeDeps& given)
      : deps(given),
        table(given.store.sessions(), given.sealer),
        signer(given.random),
        dispatcher({table, signer, given.client, given.clock, given.random}) {}

  WebhookLifeDeps deps;
  storage::SqliteWebhookStore table;
  secrets::StandardWebhookSigner signer;
  webhooks::Dispatcher dispatcher;
  std::optional<BackgroundPool> threads;
};

WebhookLife::WebhookLife(const WebhookLifeDeps& deps) : parts_(std::make_unique<Parts>(deps)) {}

WebhookLife::~WebhookLife() {
  stop();
}

Result<> WebhookLife::load() {
  return parts_->dispatcher.load();
}

void WebhookLife::addRoutes(http::RouteTable& table, AuditLog& audit) {
  Parts& p = *parts_;
  admin::addWebhookRoutes(table, {.store = p.table,
                                  .signer = p.signer,
                                  .dispatcher = p.dispatcher,
                                  .clock = p.deps.clock,
                                  .random = p.deps.random,
                                  .audit = &audit});
}

void WebhookLife::start() {
  Parts& p = *parts_;
  p.threads.emplace(p.dispatcher, p.deps.clock, kThreads, [&p](const std::string& what) {
    p.deps.log.log(telemetry::Level::Error, "background work failed", {{"error", what}});
  });
}

void WebhookLife::stop() {
  parts_->threads.reset();
}

void WebhookLife::stateChanged(const Connection& before, const StateRecord& after) {
  parts_->dispatcher.raise(
      {fmt::format("account.{}", accountStateName(after.state)),
       omni::json::plainText(json::object{{"account", accountJson(before)},
                                          {"from", accountStateName(before.state.state)},
                                          {"to", accountStateName(after.state)},
                                          {"reason", after.reason},
                                          {"until", timeOf(after.until_ms)},
                                          {"nextCheck", timeOf(after.next_probe_ms)}})});
}

void WebhookLife::refreshFailed(const Connection& connection, const Error& failure) {
  parts_->dispatcher.raise({"token.refresh_failed",
                            omni::json::plainText(json::object{{"account", accountJson(connection)},
                                                               {"error", failure.message}})});
}

void WebhookLife::registrationEnds(const Connection& connection, RegistrationLevel level,
                                   int64_t days_left) {
  parts_->dispatcher.raise({"registration.ending", omni::json::plainText(json::object{
                                                       {"account", accountJson(connection)},
                                                       {"level", registrationLevelName(level)},
                                                       {"daysLeft", days_left}})});
}

webhooks::Dispatcher::Counts WebhookLife::counts() const {
  return parts_->dispatcher.counts();
}

}  // namespace omni::app
