#include "service/app/gateway.hpp"

#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/accounts/directory.hpp"
#include "core/errors/error_table.hpp"
#include "core/routing/router.hpp"
#include "dashboard/assets.hpp"
#include "service/admin/backup.hpp"
#include "service/admin/local_scan.hpp"
#include "service/admin/proxies.hpp"
#include "service/admin/routes.hpp"
#include "service/admin/transfer.hpp"
#include "service/app/access.hpp"
#include "service/app/account_life.hpp"
#include "service/app/backup_life.hpp"
#include "service/app/insight.hpp"
#include "service/app/liveness.hpp"
#include "service/app/routing_life.hpp"
#include "service/app/system.hpp"
#include "service/app/webhook_life.hpp"
#include "service/http/doors.hpp"
#include "service/http/server.hpp"
#include "service/http/static_assets.hpp"
#include "service/http/tls_identity.hpp"
#include "service/platform/event_log.hpp"
#include "service/platform/file_guard.hpp"
#include "service/platform/folder_lock.hpp"
#include "service/plugins/registry.hpp"
#include "service/secrets/bundle.hpp"
#include "service/secrets/keyed_hash.hpp"
#include "service/secrets/legacy_fields.hpp"
#include "service/secrets/master_key.hpp"
#include "service/secrets/sealer.hpp"
#include "service/storage/foreign_database.hpp"
#include "service/storage/proxy_store.hpp"
#include "service/storage/sqlite_store.hpp"
#include "service/telemetry/log.hpp"
#include "service/telemetry/redact_content.hpp"
#include "service/upstream/client.hpp"
#include "service/upstream/proxy_tester.hpp"

namespace omni::app {
namespace {

namespace fs = std::filesystem;
using telemetry::Level;

Level levelOf(std::string_view name) {
  if (name == "debug") return Level::Debug;
  if (name == "warning") return Level::Warning;
  if (name == "error") return Level::Error;
  return Level::Info;
}

void toEvents(Level level, std::string_view line) {
  platform::writeEvent(
      level == Level::Error ? platform::EventKind::Error : platform::EventKind::Warning, line);
}

Result<> makeDataDir(const fs::path& dir) {
  std::error_code code;
  const bool existed = fs::is_directory(dir, code);
  fs::create_directories(dir, code);
  if (!existed && !code)
    if (auto closed = platform::makePrivate(dir); !closed) return closed;
  if (code) {
    return makeError(FailureKind::Unavailable,
                     fmt::format("the data folder {} cannot be made: {}; create it, or set "
                                 "data.dir to a folder that this "
                                 "user may write",
                                 dir.string(), code.message()));
  }
  return {};
}

std::string pluginsJson(const std::vector<plugins::PluginInfo>& infos) {
  std::string out = "[";
  const auto member = [&](std::string_view name, std::string_view value) {
    out += fmt::format("{}\"{}\":", out.back() == '{' ? "" : ",", name);
    appendJsonString(out, value);
  };
  for (const plugins::PluginInfo& info : infos) {
    if (out.size() > 1) out += ',';
    out += '{';
    member("id", info.id);
    member("name", info.name);
    member("version", info.version);
    member("file", info.file);
    member("status", info.status == plugins::PluginStatus::Loaded ? "loaded" : "refused");
    if (!info.reason.empty()) member("reason", info.reason);
    out += ",\"signInMethods\":" + info.sign_in_methods_json + "}";
  }
  return out + "]";
}

}  // namespace

// Members are in the order of construction: each may use those above it, and is destroyed before
// them.
struct Gateway::Parts {
  std::atomic<std::shared_ptr<const config::Config>> config;
  int listen_fd = -1;
  platform::FolderLock lock;  // let go last, when nothing writes any more
  SystemClock clock;
  SystemRandom random;
  SystemWaiter waiter;
  std::optional<telemetry::Logger> log;
  std::optional<secrets::HmacKeyedHash> keyed_hash;
  std::unique_ptr<secrets::AesGcmSealer> sealer;
  std::unique_ptr<storage::SqliteStore> store;
  std::optional<BackupLife> backups;
  std::optional<AccountDirectory> accounts;
  std::optional<storage::ProxyStore> proxies;
  secrets::ScryptBundleCipher bundles;
  secrets::OmniRouteFields legacy_fields;
  std::optional<storage::SqliteForeignDatabase> foreign_databases;
  std::unique_ptr<upstream::HttpClient> upstream;
  std::optional<upstream::HttpProxyTester> proxy_tester;
  std::optional<plugins::PluginRegistry> plugins;
  std::optional<routing::QuotaBook> quota;
  std::optional<routing::Router> router;
  std::optional<RoutingLife> routing_life;
  telemetry::RefreshMetrics refreshes;
  std::optional<WebhookLife> webhooks;
  std::optional<AccountLife> life;
  std::optional<Access> access;
  std::optional<Insight> insight;
  std::shared_ptr<http::TlsIdentity> tls;
  std::optional<http::Server> server;

  // A certificate that has run out is served all the same: clients that pin it still get in.
  void watchCertificate() {
    if (!tls) return;
    const int64_t left = tls->expiresMs() - clock.nowMs();
    if (left < 14 * kDayMs)
      log->log(Level::Warning,
               left < 0 ? "the TLS certificate has run out; put a new one in place and reload"
                        : "the TLS certificate runs out soon; renew it and reload",
               {{"daysLeft", left / kDayMs}});
  }

  // The numbers that the parts keep themselves.
  void writeMetrics(telemetry::MetricText& out) const {
    const auto gauge = [&](std::string_view name, std::string_view help, size_t value) {
      out.family(name, "gauge", help);
      out.sample({}, static_cast<double>(value));
    };
    if (server) {
      gauge("omniroute_streams_open", "Inference requests under way.", server->activeInference());
      gauge("omniroute_requests_active", "Requests under way, of all kinds.",
            server->activeRequests());
      gauge("omniroute_client_connections_open", "Connections of clients.",
            server->openConnections());
      gauge("omniroute_client_connections_queued", "Connections that wait for a thread.",
            server->queuedConnections());
      out.family("omniroute_client_connections_refused_total", "counter",
                 "Connections closed because the queue was full.");
      out.sample({}, static_cast<double>(server->refusedConnections()));
    }
    if (upstream)
      gauge("omniroute_upstream_idle_connections", "Kept connections to providers.",
            upstream->idleConnections());
    if (router) {
      const auto health = router->health();
      gauge("omniroute_breakers_open", "Accounts and endpoints that are passed over after faults.",
            health.open);
      gauge("omniroute_models_cooling", "Accounts' models that rest after a limit.",
            health.cooling);
    }
    refreshes.write(out);
    if (webhooks) {
      const auto counts = webhooks->counts();
      out.family("omniroute_webhook_deliveries_total", "counter",
                 "Events that receivers took, attempts that failed, events given up or dropped.");
      out.sample({{"result", "delivered"}}, static_cast<double>(counts.delivered));
      out.sample({{"result", "failed_attempt"}}, static_cast<double>(counts.failed_attempts));
      out.sample({{"result", "given_up"}}, static_cast<double>(counts.given_up));
      out.sample({{"result", "dropped"}}, static_cast<double>(counts.dropped));
      gauge("omniroute_webhook_deliveries_waiting", "Events on their way to a webhook.",
            counts.waiting);
    }
    out.family("omniroute_build_info", "gauge", "Always 1.");
    out.sample({{"version", OMNI_VERSION}}, 1);
  }
};

Gateway::Gateway(std::shared_ptr<const config::Config> config, int listen_fd)
    : parts_(std::make_unique<Parts>()) {
  parts_->config = std::move(config);
  parts_->listen_fd = listen_fd;
}

Gateway::~Gateway() {
  stop(std::chrono::milliseconds(0));
}

Result<> Gateway::start() {
  Parts& p = *parts_;
  const auto config = p.config.load();

  if (auto made = makeDataDir(config->data_dir); !made) return made;
  auto lock = platform::FolderLock::take(config->data_dir);
  if (!lock) return std::unexpected(std::move(lock.error()));
  p.lock = std::move(*lock);
  telemetry::Logger::Options logging{.level = levelOf(config->log_level),
                                     .path = config->log_file,
                                     .json = config->log_format == "json"};
  if (platform::wantsEvents()) logging.also = toEvents;
  p.log.emplace(std::move(logging));
  if (!p.lock.held())
    p.log->log(Level::Warning,
               "the data folder cannot be locked: see that no second service uses it",
               {{"folder", config->data_dir.string()}});

  if (auto prepared = prepareDatabase(
          *config, p.clock, [&p](const std::string& done) { p.log->log(Level::Warning, done); });
      !prepared)
    return prepared;
  const fs::path database = databaseFile(*config);
  auto sealed = storage::SqliteStore::hasSealedData(database);
  if (!sealed) return std::unexpected(keepDamaged(sealed.error(), *config, p.clock));
  auto key = secrets::loadOrCreateMasterKey(config->master_key_file, *sealed);
  if (!key) return std::unexpected(key.error());
  auto keyed_hash = secrets::HmacKeyedHash::derive(*key);
  if (!keyed_hash) return std::unexpected(keyed_hash.error());
  p.keyed_hash.emplace(std::move(*keyed_hash));
  p.backups.emplace(*config, std::string(key->bytes().begin(), key->bytes().end()), p.clock);
  p.sealer = std::make_unique<secrets::AesGcmSealer>(std::move(*key));
  auto store = storage::SqliteStore::open(database, *p.sealer, p.clock);
  if (!store) return std::unexpected(keepDamaged(store.error(), *config, p.clock));
  p.store = std::move(*store);
  p.accounts.emplace(*p.store);
  if (auto loaded = p.accounts->load(); !loaded) return loaded;
  p.foreign_databases.emplace(config->data_dir);
  p.proxies.emplace(p.store->sessions(), *p.sealer, p.clock);
  if (auto loaded = p.proxies->load(); !loaded) return loaded;

  upstream::ClientOptions options;
  options.ca_file = config->ca_file;
  p.proxy_tester.emplace(options, p.clock);
  auto client = upstream::HttpClient::create(std::move(options), p.clock, *p.proxies);
  if (!client) return std::unexpected(client.error());
  p.upstream = std::move(*client);
  if (auto loaded = loadPlugins(); !loaded) return loaded;

  p.quota.emplace(*p.plugins, *p.accounts, p.clock);
  p.router.emplace(routing::RouterDeps{.providers = *p.plugins,
                                       .accounts = *p.accounts,
                                       .combos = *p.store,
                                       .clock = p.clock,
                                       .random = p.random,
                                       .waiter = p.waiter,
                                       .quota = &*p.quota,
                                       .checked = [&p](std::string_view id, const Error* failure) {
                                         if (p.life) p.life->keeper().noted(id, failure);
                                       }});
  if (auto loaded = p.router->reloadCombos(); !loaded) return loaded;
  p.access.emplace(AccessDeps{.store = *p.store,
                              .combos = *p.store,
                              .keyed_hash = *p.keyed_hash,
                              .clock = p.clock,
                              .random = p.random,
                              .log = *p.log});
  if (auto opened = p.access->open(*config); !opened) return opened;
  p.insight.emplace(
      InsightDeps{.store = *p.store,
                  .sealer = *p.sealer,
                  .accounts = *p.accounts,
                  .quota = *p.quota,
                  .clock = p.clock,
                  .log = *p.log,
                  .after_batch = [&p] { p.access->flush(); },
                  .more_metrics = [&p](telemetry::MetricText& out) { p.writeMetrics(out); }},
      *config);
  return listen();
}

Result<> Gateway::loadPlugins() {
  Parts& p = *parts_;
  const auto folder = p.config.load()->plugins_dir;
  p.plugins.emplace(plugins::Deps{
      .store = *p.accounts,
      .upstream = *p.upstream,
      .clock = p.clock,
      .random = p.random,
      .log =
          [&p](plugins::LogLevel level, std::string_view plugin, std::string_view message) {
            p.log->log(static_cast<Level>(level), message, {{"plugin", plugin}});
          },
      .setting = [&p](std::string_view id, std::string_view name) -> std::optional<std::string> {
        const auto config = p.config.load();
        const std::string* value = config->pluginSetting(id, name);
        return value ? std::optional(*value) : std::nullopt;
      }});
  auto loaded = p.plugins->loadFolder(folder);
  if (loaded) return {};
  // A folder that is not there is a mistake in the settings. One that others may write to leaves
  // the service without providers, but reachable: the log says so.
  if (loaded.error().kind == FailureKind::NotFound) {
    loaded.error().message +=
        ": it should hold the provider plugins; make it, or set plugins.dir to where they are";
    loaded.error().reason = "plugins_missing";
    return loaded;
  }
  p.log->log(Level::Error, loaded.error().message, {{"folder", folder.string()}});
  return {};
}

Result<> Gateway::listen() {
  Parts& p = *parts_;
  const auto config = p.config.load();
  http::RouteTable routes;
  http::InferenceHooks hooks;
  hooks.admit = [&p](const http::Request& request, const chat::ChatRequest& chat) {
    return p.access->admit(request, chat);
  };
  hooks.visible = [&p](const http::Request& request, const ModelEntry& entry) {
    return p.access->visible(request, entry);
  };
  hooks.leaving = [&p](const http::InferenceRecord& record) { p.access->leaving(record); };
  hooks.finished = [&p](const http::InferenceRecord& record) { p.insight->finished(record); };
  const size_t content_bytes =
      config->request_content ? static_cast<size_t>(config->request_content_kib) * 1024 : 0;
  http::addInferenceRoutes(routes, {*p.router, p.clock, p.random, std::move(hooks), content_bytes,
                                    telemetry::redactContent});
  p.webhooks.emplace(WebhookLifeDeps{.store = *p.store,
                                     .sealer = *p.sealer,
                                     .client = *p.upstream,
                                     .clock = p.clock,
                                     .random = p.random,
                                     .log = *p.log});
  if (auto loaded = p.webhooks->load(); !loaded) return loaded;
  p.accounts->committed = [&p](const Connection& connection,
                               const std::vector<ValueChange>& values) {
    // What is committed to an account that is here already is a token got anew (accounts are made
    // with create(), signed in again with replace()).
    for (const ValueChange& value : values)
      if (value.key == "accessToken" && value.value) return p.refreshes.done(connection);
  };
  p.life.emplace(AccountLifeDeps{.accounts = *p.accounts,
                                 .providers = *p.plugins,
                                 .proxies = *p.proxies,
                                 .store = *p.store,
                                 .sealer = *p.sealer,
                                 .clock = p.clock,
                                 .random = p.random,
                                 .log = *p.log,
                                 .webhooks = &*p.webhooks,
                                 .refreshes = &p.refreshes});
  if (auto loaded = p.life->load(); !loaded) return loaded;
  if (auto swept = p.proxies->sweep(p.life->pendingAccounts()); !swept) return swept;
  p.webhooks->addRoutes(routes, p.life->audit());
  admin::addAdminRoutes(
      routes, {.accounts = *p.accounts,
               .providers = *p.plugins,
               .combos = *p.store,
               .clock = p.clock,
               .random = p.random,
               .version = OMNI_VERSION,
               .plugins_json = [&p] { return pluginsJson(p.plugins->plugins()); },
               .combos_changed =
                   [&p] {
                     if (auto loaded = p.router->reloadCombos(); !loaded)
                       p.log->log(Level::Error, loaded.error().message);
                   },
               .ready = {},
               .storable = [&p] { return p.store->sessions()->storable(); },
               .audit = &p.life->audit(),
               .keeper = &p.life->keeper(),
               .proxies = &*p.proxies,
               .quota = &*p.quota,
               .renamed = [&p](std::string_view from, std::string_view to,
                               bool is_combo) { p.access->renamed(from, to, is_combo); }});
  p.life->addRoutes(routes);
  p.routing_life.emplace(RoutingLifeDeps{
      .router = *p.router, .quota = *p.quota, .combos = *p.store, .clock = p.clock, .log = *p.log});
  p.routing_life->addRoutes(routes);
  admin::addLocalScanRoutes(routes, {.accounts = *p.accounts,
                                     .providers = *p.plugins,
                                     .clock = p.clock,
                                     .audit = &p.life->audit()});
  admin::addProxyRoutes(routes, {.proxies = *p.proxies,
                                 .tester = *p.proxy_tester,
                                 .accounts = *p.accounts,
                                 .providers = *p.plugins,
                                 .clock = p.clock,
                                 .random = p.random,
                                 .audit = &p.life->audit(),
                                 .test_urls = config->proxy_test_urls});
  admin::addTransferRoutes(routes, {.accounts = *p.accounts,
                                    .providers = *p.plugins,
                                    .proxies = *p.proxies,
                                    .assigner = *p.proxies,
                                    .bundles = p.bundles,
                                    .fields = p.legacy_fields,
                                    .databases = *p.foreign_databases,
                                    .clock = p.clock,
                                    .audit = &p.life->audit(),
                                    .combos = &*p.store,
                                    .combos_changed = [&p] {
                                      if (auto loaded = p.router->reloadCombos(); !loaded)
                                        p.log->log(Level::Error, loaded.error().message);
                                    }});
  admin::addBackupRoutes(routes,
                         {.backups = *p.backups, .clock = p.clock, .audit = &p.life->audit()});
  p.access->addRoutes(routes, [&p](std::string_view pattern, bool is_combo) {
    return p.router->answers(pattern, is_combo);
  });
  p.insight->addRoutes(routes, p.life->audit());
  std::vector<http::StaticAsset> files;
  for (const dashboard::Asset& file : dashboard::assets())
    files.push_back({file.path, file.content_type, file.etag, file.gzip, file.immutable});
  http::addAssetRoutes(routes, files);
  http::ServerOptions options;
  options.authorize = [&p](http::Request& request, const http::Route& route) {
    return p.access->authorize(request, route);
  };
  options.address = config->address;
  options.port = config->port;
  options.listen_fd = p.listen_fd;
  options.max_streams = config->max_streams;
  options.max_admin = config->max_admin;
  options.max_queued = config->max_queued;
  options.send_timeout_ms = config->send_timeout_s * 1000;
  options.allowed_hosts = config->allowed_hosts;
  options.access_log = [&p](const http::AccessLogEntry& entry) {
    // One line a request would be most of the log; what went wrong is always there.
    const Level level = entry.status >= 500 || entry.aborted ? Level::Warning : Level::Debug;
    if (!p.log->enabled(level)) return;
    p.log->log(level, "request",
               {{"method", entry.method},
                {"path", entry.path},
                {"status", entry.status},
                {"bytes", entry.bytes_sent},
                {"durationUs", entry.duration_us},
                {"aborted", entry.aborted},
                {"requestId", entry.request_id}});
  };
  if (!config->tls_certificate.empty()) {
    auto identity = http::TlsIdentity::load(config->tls_certificate, config->tls_key);
    if (!identity) return std::unexpected(std::move(identity.error()));
    p.tls = std::move(*identity);
    options.tls = p.tls;
    options.tls_address = config->tls_address;
    options.tls_port = config->tls_port;
    p.watchCertificate();
  }
  p.server.emplace(std::move(options), std::move(routes), p.random);
  if (auto started = p.server->start(); !started) {
    started.error().message += fmt::format(
        " Choose another with server.port (now {}){}, or 0 for a free one.", config->port,
        p.tls ? fmt::format(" or server.tls.port (now {})", config->tls_port) : "");
    started.error().reason = "address_unusable";
    return started;
  }
  p.webhooks->start();
  p.life->start();
  p.routing_life->start();
  p.log->log(Level::Info, "listening", {{"address", config->address}, {"port", p.server->port()}});
  if (p.tls)
    p.log->log(Level::Info, "listening with TLS",
               {{"address", config->tls_address}, {"port", p.server->tlsPort()}});
  return {};
}

bool Gateway::alive(std::chrono::milliseconds timeout) const {
  const auto config = parts_->config.load();
  // A wildcard address is no address to connect to.
  const std::string host = config->address == "0.0.0.0" ? "127.0.0.1"
                           : config->address == "::"    ? "::1"
                                                        : config->address;
  return answersHealthCheck(host, port(), timeout);
}

uint16_t Gateway::port() const {
  return parts_->server ? parts_->server->port() : 0;
}

uint16_t Gateway::tlsPort() const {
  return parts_->server ? parts_->server->tlsPort() : 0;
}

void Gateway::reload(const std::shared_ptr<const config::Config>& config) {
  Parts& p = *parts_;
  const auto old = p.config.load();
  p.config = config;
  p.log->setLevel(levelOf(config->log_level));
  if (auto reopened = p.log->reopen(); !reopened)
    p.log->log(Level::Error, reopened.error().message);
  if (p.tls) {
    if (auto fresh = p.tls->reload(); !fresh)
      p.log->log(Level::Error,
                 "the TLS certificate of before stays in use: " + fresh.error().message);
    p.watchCertificate();
  }
  const bool restart =
      old->address != config->address || old->port != config->port ||
      old->tls_certificate != config->tls_certificate || old->tls_key != config->tls_key ||
      old->tls_address != config->tls_address || old->tls_port != config->tls_port ||
      old->data_dir != config->data_dir || old->plugins_dir != config->plugins_dir ||
      old->max_streams != config->max_streams || old->max_admin != config->max_admin ||
      old->max_queued != config->max_queued || old->ca_file != config->ca_file ||
      old->log_format != config->log_format || old->log_file != config->log_file;
  p.log->log(
      Level::Info, "configuration reloaded",
      {{"note", restart ? "log level and plugin settings are in force; other changes need a restart"
                        : "all is in force"}});
}

void Gateway::stop(std::chrono::milliseconds drain) {
  Parts& p = *parts_;
  if (!p.log) return;
  if (p.server) {
    p.log->log(Level::Info, "stopping", {{"running", p.server->activeRequests()}});
    if (p.insight) p.insight->closeViews();
    p.server->drain(drain);
  }
  if (p.life) p.life->stop();
  if (p.routing_life) p.routing_life->stop();
  if (p.webhooks) p.webhooks->stop();  // after those that have something to tell
  // Nothing calls a plugin any more; everything else goes in the reverse order of its making.
  if (p.plugins) p.plugins->shutdown();
  p.server.reset();
  if (p.insight) p.insight->stop();
  p.insight.reset();
  p.access.reset();
  p.life.reset();
  p.webhooks.reset();
  p.routing_life.reset();
  p.router.reset();
  p.quota.reset();
  p.plugins.reset();
  p.upstream.reset();
  p.proxies.reset();
  p.accounts.reset();
  p.backups.reset();
  p.store.reset();
  p.sealer.reset();
  p.keyed_hash.reset();
  p.log->log(Level::Info, "stopped");
  p.log.reset();
}

}  // namespace omni::app
