#include "service/app/account_life.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>

#include "core/accounts/sign_ins.hpp"
#include "service/admin/sign_in_routes.hpp"
#include "service/app/background_pool.hpp"
#include "service/app/webhook_life.hpp"
#include "service/storage/audit_store.hpp"
#include "service/storage/health_store.hpp"
#include "service/storage/sign_in_store.hpp"

namespace omni::app {
namespace {

namespace json = boost::json;
using telemetry::Level;

constexpr size_t kSignInThreads = 4;
constexpr size_t kKeeperThreads = 8;

}  // namespace

struct AccountLife::Parts {
  explicit Parts(const AccountLifeDeps& given)
      : deps(given),
        audit(given.store.sessions()),
        health(given.store.sessions()),
        kept_sign_ins(given.store.sessions(), given.sealer, given.clock),
        sign_ins(given.providers, given.accounts, given.clock, given.random, signInHooks(), {},
                 &kept_sign_ins),
        keeper(given.accounts, given.providers, health, given.clock, given.random, keeperHooks()) {
    deps.accounts.state_changed = [this](const Connection& before, const StateRecord& after) {
      stateChanged(before, after);
    };
  }
  ~Parts() { deps.accounts.state_changed = nullptr; }

  SignInHooks signInHooks() {
    SignInHooks hooks;
    hooks.assign_proxy = [this](std::string_view connection_id, std::string_view proxy_id) {
      return deps.proxies.assign(connection_id, proxy_id);
    };
    hooks.forget_proxy = [this](std::string_view connection_id) {
      if (auto done = deps.proxies.unassign(connection_id); !done)
        deps.log.log(Level::Warning, "a proxy assignment was left behind",
                     {{"connection", connection_id}, {"error", done.error().message}});
    };
    hooks.completed = [this](const SignInView& view) {
      note(view.actor, view.replaces ? "connection.signed_in_again" : "connection.signed_in",
           view.connection_id);
      if (keeper.wake) keeper.wake();  // a new token to look after
    };
    hooks.trouble = [this](std::string_view what) {
      deps.log.log(Level::Warning, "a sign-in is not written down", {{"error", what}});
    };
    return hooks;
  }

  KeeperHooks keeperHooks() {
    KeeperHooks hooks;
    hooks.refreshed = [this](const Connection& connection, const Error* failure) {
      if (!failure) return note("service", "token.refreshed", connection.id, {}, true);
      if (deps.refreshes) deps.refreshes->failed(connection);
      if (deps.webhooks) deps.webhooks->refreshFailed(connection, *failure);
      deps.log.log(Level::Warning, "a token was not refreshed",
                   {{"connection", connection.provider + "/" + connection.name},
                    {"error", failure->message},
                    {"detail", failure->detail}});
      note("service", "token.refresh_failed", connection.id,
           json::serialize(json::object{{"error", failure->message}}), true);
    };
    hooks.renewed = [this](const Connection& connection) {
      note("service", "registration.renewed", connection.id);
    };
    hooks.registration_ends = [this](const Connection& connection, RegistrationLevel level,
                                     int64_t days) {
      if (deps.webhooks) deps.webhooks->registrationEnds(connection, level, days);
      deps.log.log(level == RegistrationLevel::Soon ? Level::Warning : Level::Error,
                   level == RegistrationLevel::Expired
                       ? "a client registration has expired: sign the account in again"
                       : "a client registration ends soon",
                   {{"connection", connection.provider + "/" + connection.name},
                    {"daysLeft", days},
                    {"level", registrationLevelName(level)}});
    };
    hooks.trouble = [this](std::string_view what) {
      deps.log.log(Level::Error, "a check was not written down", {{"error", what}});
    };
    return hooks;
  }

  // Cooling comes and goes with the traffic; it is in the request log, not here.
  void stateChanged(const Connection& before, const StateRecord& after) {
    if (deps.webhooks) deps.webhooks->stateChanged(before, after);
    const auto passing = [](AccountState state) {
      return state == AccountState::Active || state == AccountState::Cooling;
    };
    if (passing(before.state.state) && passing(after.state)) return;
    const bool waits = waitsForPerson(after.state);
    deps.log.log(waits ? Level::Warning : Level::Info,
                 waits ? "an account needs a person" : "an account changed its state",
                 {{"connection", before.provider + "/" + before.name},
                  {"from", accountStateName(before.state.state)},
                  {"state", accountStateName(after.state)},
                  {"reason", after.reason}});
    // What a person does is written down with the person.
    if (before.state.state == AccountState::Disabled || after.state == AccountState::Disabled)
      return;
    note("service", fmt::format("connection.{}", accountStateName(after.state)), before.id,
         json::serialize(json::object{{"from", accountStateName(before.state.state)},
                                      {"reason", after.reason}}));
  }

  // A log of changes that cannot be written must not stop the change.
  void note(std::string actor, std::string action, const std::string& connection_id,
            std::string detail = {}, bool repeated = false) {
    AuditEntry entry;
    entry.at_ms = deps.clock.nowMs();
    entry.actor = std::move(actor);
    entry.action = std::move(action);
    entry.subject = "connection";
    entry.subject_id = connection_id;
    entry.detail = std::move(detail);
    if (const auto connection = deps.accounts.find(connection_id))
      entry.subject_name = connection->provider + "/" + connection->name;
    const auto done = repeated ? audit.recordRepeated(entry) : audit.record(entry);
    if (!done)
      deps.log.log(Level::Error, "the audit log cannot be written",
                   {{"action", entry.action}, {"error", done.error().message}});
  }

  const AccountLifeDeps deps;
  storage::AuditStore audit;
  storage::SqliteHealthStore health;
  storage::SqliteSignInStore kept_sign_ins;
  SignIns sign_ins;
  Keeper keeper;
  std::optional<BackgroundPool> sign_in_threads;
  std::optional<BackgroundPool> keeper_threads;
};

AccountLife::AccountLife(const AccountLifeDeps& deps) : parts_(std::make_unique<Parts>(deps)) {}

AccountLife::~AccountLife() {
  stop();
}

Keeper& AccountLife::keeper() {
  return parts_->keeper;
}

AuditLog& AccountLife::audit() {
  return parts_->audit;
}

Result<> AccountLife::load() {
  if (auto loaded = parts_->keeper.load(); !loaded) return loaded;
  return parts_->sign_ins.load();
}

std::vector<std::string> AccountLife::pendingAccounts() const {
  return parts_->sign_ins.pendingAccounts();
}

void AccountLife::addRoutes(http::RouteTable& table) {
  Parts& p = *parts_;
  admin::addSignInRoutes(
      table, {.sign_ins = p.sign_ins, .accounts = p.deps.accounts, .clock = p.deps.clock});
}

void AccountLife::start() {
  Parts& p = *parts_;
  const auto log = [&p](const std::string& what) {
    p.deps.log.log(Level::Error, "background work failed", {{"error", what}});
  };
  p.sign_in_threads.emplace(p.sign_ins, p.deps.clock, kSignInThreads, log);
  p.keeper_threads.emplace(p.keeper, p.deps.clock, kKeeperThreads, log);
}

void AccountLife::stop() {
  parts_->sign_in_threads.reset();
  parts_->keeper_threads.reset();
}

}  // namespace omni::app
