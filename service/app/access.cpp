#include "service/app/access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "core/access/admin_sessions.hpp"
#include "core/access/key_ring.hpp"
#include "service/admin/auth.hpp"
#include "service/admin/doorkeeper.hpp"
#include "service/admin/keys.hpp"
#include "service/secrets/password.hpp"
#include "service/storage/audit_store.hpp"
#include "service/storage/key_store.hpp"
#include "service/storage/settings_store.hpp"

namespace omni::app {
namespace {

using telemetry::Level;

constexpr size_t kShortestGivenKey = 32;

bool isLoopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

// The first line, without its end.
Result<std::string> readSecretFile(const std::filesystem::path& path, std::string_view key) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line))
    return makeError(FailureKind::BadRequest,
                     fmt::format("the file {} cannot be read or is empty ({})", path.string(), key),
                     std::string(key));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

}  // namespace

struct Access::Parts {
  explicit Parts(const AccessDeps& given)
      : deps(given),
        key_store(given.store.sessions()),
        settings(given.store.sessions()),
        audit(given.store.sessions()),
        passwords(given.random),
        keys(key_store, given.keyed_hash, given.clock, given.random),
        sessions(given.keyed_hash, given.clock, given.random) {}

  void note(AuditEntry entry, bool repeated = false) {
    entry.at_ms = deps.clock.nowMs();
    const auto done = repeated ? audit.recordRepeated(entry) : audit.record(entry);
    if (!done)
      deps.log.log(Level::Error, "the audit log cannot be written",
                   {{"error", done.error().message}});
  }

  AccessDeps deps;
  storage::KeyStore key_store;
  storage::SettingsTable settings;
  storage::AuditStore audit;
  secrets::ScryptHasher passwords;
  access::KeyRing keys;
  access::AdminSessions sessions;
  std::optional<admin::Doorkeeper> doorkeeper;
};

Access::Access(const AccessDeps& deps) : parts_(std::make_unique<Parts>(deps)) {}
Access::~Access() = default;

Result<> Access::open(const config::Config& config) {
  Parts& p = *parts_;
  if (auto loaded = p.keys.load(); !loaded) return loaded;
  p.doorkeeper.emplace(admin::Doorkeeper::Deps{.keys = p.keys,
                                               .sessions = p.sessions,
                                               .settings = p.settings,
                                               .passwords = p.passwords,
                                               .clock = p.deps.clock,
                                               .keys_on_loopback = config.keys_on_loopback});
  if (auto loaded = p.doorkeeper->load(); !loaded) return loaded;

  if (!config.password_file.empty() && !p.doorkeeper->hasPassword()) {
    auto password = readSecretFile(config.password_file, "access.passwordFile");
    if (!password) return std::unexpected(std::move(password.error()));
    if (auto set = p.doorkeeper->setPassword({}, *password, "start"); !set) {
      set.error().message +=
          fmt::format(" (access.passwordFile = {})", config.password_file.string());
      return set;
    }
  }
  if (!config.key_file.empty() && p.keys.list().empty()) {
    auto key = readSecretFile(config.key_file, "access.keyFile");
    if (!key) return std::unexpected(std::move(key.error()));
    if (!key->starts_with(access::kKeyPrefix) || key->size() < kShortestGivenKey)
      return makeError(
          FailureKind::BadRequest,
          fmt::format("the key in {} must begin with {} and have at least {} characters "
                      "(access.keyFile)",
                      config.key_file.string(), access::kKeyPrefix, kShortestGivenKey),
          "access.keyFile");
    auto made = p.keys.create({.name = "first key", .secret = std::move(*key)});
    if (!made) return std::unexpected(std::move(made.error()));
  }
  const bool tls = !config.tls_certificate.empty() && !isLoopback(config.tls_address);
  if (isLoopback(config.address) && !tls) return {};
  if (!p.doorkeeper->hasPassword() || !p.keys.anyUsable(false))
    return makeError(
        FailureKind::BadRequest,
        fmt::format(
            "{} = {} can be reached from other machines, so {} must be there "
            "first: start on 127.0.0.1 and use PUT /api/settings/password and POST "
            "/api/keys, or set access.passwordFile and access.keyFile",
            tls ? "server.tls.address" : "server.address",
            tls ? config.tls_address : config.address,
            p.doorkeeper->hasPassword() ? "an API key" : "an admin password and an API key"),
        tls ? "server.tls.address" : "server.address");
  return {};
}

void Access::addRoutes(http::RouteTable& table,
                       std::function<bool(std::string_view, bool)> answers) {
  Parts& p = *parts_;
  admin::addAuthRoutes(table, {.doorkeeper = *p.doorkeeper,
                               .sessions = p.sessions,
                               .audit = [&p](std::string_view action, std::string_view actor) {
                                 AuditEntry entry;
                                 entry.actor = actor;
                                 entry.action = action;
                                 entry.subject = "setting";
                                 entry.subject_id = "admin";
                                 // Somebody who guesses passwords must not fill the log.
                                 p.note(std::move(entry), true);
                               }});
  admin::addKeyRoutes(
      table, {.keys = p.keys,
              .clock = p.deps.clock,
              .audit =
                  [&p](std::string_view action, const ApiKey& key, std::string_view actor) {
                    AuditEntry entry;
                    entry.actor = actor;
                    entry.action = action;
                    entry.subject = "key";
                    entry.subject_id = key.id;
                    entry.subject_name = key.name;
                    p.note(std::move(entry));
                  },
              .answers = std::move(answers)});
}

Result<> Access::authorize(http::Request& request, const http::Route& route) {
  return parts_->doorkeeper->authorize(request, route);
}

Result<> Access::admit(const http::Request& request, const chat::ChatRequest& chat) {
  if (request.caller_id.empty()) return {};
  return parts_->keys.enter(request.caller_id, chat.model, [&](std::string_view model) {
    auto combos = parts_->deps.combos.listCombos();
    return combos && std::ranges::any_of(
                         *combos, [&](const routing::Combo& combo) { return combo.name == model; });
  });
}

bool Access::visible(const http::Request& request, const ModelEntry& entry) const {
  return request.caller_id.empty() ||
         parts_->keys.mayUse(request.caller_id, entry.id, entry.owner == "combo");
}

void Access::leaving(const http::InferenceRecord& record) {
  if (record.caller_id.empty()) return;
  access::Spent spent;
  spent.requests = 1;
  spent.tokens = std::max<int64_t>(record.usage.input_tokens, 0) +
                 std::max<int64_t>(record.usage.output_tokens, 0);
  spent.credits = std::max(record.usage.credits, 0.0);
  parts_->keys.leave(record.caller_id, spent);
}

void Access::renamed(std::string_view from, std::string_view to, bool is_combo) {
  const auto followed = parts_->keys.renamed(from, to, is_combo);
  if (!followed)
    parts_->deps.log.log(Level::Error, "keys that name it could not follow a new name",
                         {{"from", from}, {"to", to}, {"error", followed.error().message}});
  else if (*followed > 0)
    parts_->deps.log.log(Level::Info, "keys follow a new name", {{"from", from}, {"to", to}});
}

void Access::flush() {
  if (auto done = parts_->keys.flush(); !done)
    parts_->deps.log.log(Level::Error, "the keys' spending cannot be written",
                         {{"error", done.error().message}});
}

}  // namespace omni::app
