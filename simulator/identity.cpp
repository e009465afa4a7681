#include "simulator/identity.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/random.hpp"

namespace omni::sim {
namespace {

constexpr std::int64_t kSecretLifetime = 90LL * 24 * 3600;

double planLimit(std::string_view plan) {
  if (plan == "PRO") return 1000;
  if (plan == "PRO_PLUS") return 2000;
  if (plan == "POWER") return 10000;
  return 50;
}

std::string masked(const std::string& secret, bool reveal) {
  return reveal || secret.empty() ? secret : secret.substr(0, 9) + "***" + shortHash(secret);
}

void applyChange(Account& account, const json::object& change) {
  account.email = text(change, "email", account.email);
  if (change.contains("plan")) {
    account.plan = text(change, "plan");
    account.limit = planLimit(account.plan);
  }
  account.suspended = flag(change, "suspended", account.suspended);
  account.overage = flag(change, "overage", account.overage);
  if (const auto* quota = object(member(change, "quota"))) {
    account.metered = true;
    account.used = number(*quota, "used", account.used);
    account.limit = number(*quota, "limit", account.limit);
    account.trial_limit = number(*quota, "trialLimit", account.trial_limit);
    account.trial_used = number(*quota, "trialUsed", account.trial_used);
  }
  if (const auto* bonuses = array(member(change, "bonuses"))) {
    account.bonuses.clear();
    for (const auto& bonus : *bonuses) {
      if (bonus.is_object()) account.bonuses.push_back(bonus.as_object());
    }
  }
  if (const auto* profiles = array(member(change, "profiles"))) {
    account.profiles.clear();
    for (const auto& arn : *profiles) account.profiles.push_back(text(&arn));
  }
}

}  // namespace

std::optional<AccountKind> accountKind(std::string_view kind) {
  if (kind == "social") return AccountKind::kSocial;
  if (kind == "builder_id") return AccountKind::kBuilderId;
  if (kind == "idc") return AccountKind::kIdc;
  if (kind == "api_key") return AccountKind::kApiKey;
  if (kind == "external_idp") return AccountKind::kExternalIdp;
  return std::nullopt;
}

std::string_view name(AccountKind kind) {
  switch (kind) {
    case AccountKind::kSocial:
      return "social";
    case AccountKind::kBuilderId:
      return "builder_id";
    case AccountKind::kIdc:
      return "idc";
    case AccountKind::kApiKey:
      return "api_key";
    case AccountKind::kExternalIdp:
      return "external_idp";
  }
  return "social";
}

bool Account::exhausted() const {
  double total = limit + trial_limit;
  double spent = used + trial_used;
  for (const auto& bonus : bonuses) {
    if (text(bonus, "status", "ACTIVE") != "ACTIVE") continue;
    total += number(bonus, "usageLimit");
    spent += number(bonus, "currentUsage");
  }
  return !overage && spent >= total;
}

std::shared_ptr<Account> Identity::createLocked(const json::object& spec) {
  auto account = std::make_shared<Account>();
  account->id = text(spec, "id", fmt::format("acc-{}", next_account_++));
  account->kind = accountKind(text(spec, "kind", "social")).value_or(AccountKind::kSocial);
  account->region = text(spec, "region", "us-east-1");
  account->email = account->id + "@example.com";
  account->user_id = fmt::format("d-{}.{}", randomDigits(10), uuid());
  const auto profile_region = text(
      spec, "profileRegion", account->region.starts_with("eu-") ? "eu-central-1" : "us-east-1");
  switch (account->kind) {
    case AccountKind::kSocial:
      account->profiles = {std::string(kSocialProfile)};
      break;
    case AccountKind::kBuilderId:
      account->profiles = {std::string(kBuilderIdProfile)};
      break;
    default:
      account->profiles = {fmt::format("arn:aws:codewhisperer:{}:{}:profile/{}", profile_region,
                                       randomDigits(12), randomText(12))};
  }
  if (account->kind == AccountKind::kApiKey) account->api_key = "ksk_" + randomText(40);
  applyChange(*account, spec);
  accounts_[account->id] = account;
  if (!account->api_key.empty()) api_keys_[account->api_key] = account->id;
  return account;
}

std::shared_ptr<Account> Identity::createAccount(const json::object& spec) {
  const std::unique_lock lock(mutex_);
  return createLocked(spec);
}

std::shared_ptr<Account> Identity::account(const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const auto found = accounts_.find(id);
  return found == accounts_.end() ? nullptr : std::make_shared<Account>(*found->second);
}

bool Identity::changeAccount(const std::string& id, const json::object& change) {
  const std::unique_lock lock(mutex_);
  const auto found = accounts_.find(id);
  if (found == accounts_.end()) return false;
  // Readers keep the old copy: what they hold never changes under them.
  auto changed = std::make_shared<Account>(*found->second);
  applyChange(*changed, change);
  found->second = std::move(changed);
  return true;
}

void Identity::addUsage(const std::string& id, double credits) {
  const std::unique_lock lock(mutex_);
  const auto found = accounts_.find(id);
  if (found == accounts_.end()) return;
  auto changed = std::make_shared<Account>(*found->second);
  changed->used += credits;
  found->second = std::move(changed);
}

Client Identity::registerClient(Client client) {
  client.id = randomText(22) + base64Url(client.region);
  client.secret = "eyJraWQiOiJr" + randomText(160) + "." + randomText(80);
  client.issued_at = clock_.seconds();
  client.expires_at = client.issued_at + kSecretLifetime;
  const std::unique_lock lock(mutex_);
  clients_[client.id] = client;
  return client;
}

std::optional<Client> Identity::client(const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const auto found = clients_.find(id);
  return found == clients_.end() ? std::nullopt : std::optional(found->second);
}

IssuedTokens Identity::issue(Session& session, bool rotate) {
  IssuedTokens out;
  out.expires_in = policy_.get()->access_lifetime;
  out.access_token = accessToken();
  session.access_token = out.access_token;
  session.access_expires_at = clock_.seconds() + out.expires_in;
  const auto owner = std::ranges::find(sessions_, &session, [](const auto& s) { return s.get(); });
  access_tokens_[out.access_token] = {*owner, session.access_expires_at};
  if (rotate) {
    out.refresh_token = refreshToken();
    session.refresh_token = out.refresh_token;
    refresh_tokens_[out.refresh_token] = *owner;
  }
  if (const auto found = accounts_.find(session.account); found != accounts_.end()) {
    out.profile_arn = found->second->profileArn();
  }
  return out;
}

IssuedTokens Identity::signIn(const std::string& account, const std::string& client,
                              const std::string& region) {
  const std::unique_lock lock(mutex_);
  auto session = std::make_shared<Session>();
  session->id = uuid();
  session->account = account;
  session->client = client;
  session->region = region;
  if (!client.empty()) {
    auto& live = live_by_client_[client];
    if (live) live->ended = "another sign-in with the same client registration";
    live = session;
  }
  sessions_.push_back(session);
  return issue(*session, true);
}

Session* Identity::liveSession(const std::string& token) {
  const auto found = refresh_tokens_.find(token);
  if (found == refresh_tokens_.end()) return nullptr;
  auto& session = *found->second;
  return session.ended.empty() && session.refresh_token == token ? &session : nullptr;
}

std::expected<IssuedTokens, Identity::RefreshProblem> Identity::refresh(const std::string& token,
                                                                        const Client& client) {
  const std::unique_lock lock(mutex_);
  auto* session = liveSession(token);
  if (session == nullptr) return std::unexpected(RefreshProblem::kUnknown);
  if (session->client != client.id) {
    if (policy_.get()->foreign_refresh != "adopt") return std::unexpected(RefreshProblem::kForeign);
    // The session moves to the registration that presented its token, and pushes out whoever lived
    // there.
    const auto self = refresh_tokens_.at(token);
    auto& live = live_by_client_[client.id];
    if (live) live->ended = "another sign-in with the same client registration";
    if (!session->client.empty()) live_by_client_.erase(session->client);
    live = self;
    session->client = client.id;
    session->region = client.region;
  }
  if (session->region != client.region) return std::unexpected(RefreshProblem::kWrongRegion);
  ++session->refreshes;
  const bool rotate = policy_.get()->rotate == "always" ||
                      (policy_.get()->rotate == "sometimes" && session->refreshes % 2 == 0);
  return issue(*session, rotate);
}

std::expected<IssuedTokens, Identity::RefreshProblem> Identity::refreshSocial(
    const std::string& token) {
  const std::unique_lock lock(mutex_);
  auto* session = liveSession(token);
  if (session == nullptr) return std::unexpected(RefreshProblem::kUnknown);
  if (!session->client.empty()) return std::unexpected(RefreshProblem::kForeign);
  ++session->refreshes;
  return issue(*session, true);
}

bool Identity::endByRefreshToken(const std::string& token, std::string_view why) {
  const std::unique_lock lock(mutex_);
  auto* session = liveSession(token);
  if (session == nullptr) return false;
  session->ended = why;
  session->access_expires_at = 0;
  std::erase_if(access_tokens_, [&](const auto& e) { return e.second.session.get() == session; });
  return true;
}

std::size_t Identity::endAccount(const std::string& account, std::string_view why) {
  const std::unique_lock lock(mutex_);
  std::size_t ended = 0;
  for (auto& session : sessions_) {
    if (session->account != account || !session->ended.empty()) continue;
    session->ended = why;
    session->access_expires_at = 0;
    ++ended;
  }
  std::erase_if(access_tokens_,
                [&](const auto& e) { return e.second.session->account == account; });
  return ended;
}

void Identity::removeAccount(const std::string& account) {
  endAccount(account, "account deleted");
  const std::unique_lock lock(mutex_);
  accounts_.erase(account);
  std::erase_if(api_keys_, [&](const auto& e) { return e.second == account; });
}

std::expected<std::shared_ptr<const Account>, BearerProblem> Identity::bearer(
    const std::string& token, std::string_view token_type) const {
  const std::shared_lock lock(mutex_);
  std::string owner;
  if (token.starts_with("ksk_")) {
    const auto found = api_keys_.find(token);
    if (found == api_keys_.end()) return std::unexpected(BearerProblem::kInvalid);
    if (token_type != "API_KEY") return std::unexpected(BearerProblem::kInvalid);
    owner = found->second;
  } else {
    const auto found = access_tokens_.find(token);
    if (found == access_tokens_.end() || found->second.expires_at <= clock_.seconds()) {
      return std::unexpected(BearerProblem::kInvalid);
    }
    owner = found->second.session->account;
  }
  const auto account = accounts_.find(owner);
  if (account == accounts_.end()) return std::unexpected(BearerProblem::kInvalid);
  const bool external = account->second->kind == AccountKind::kExternalIdp;
  if (external != (token_type == "EXTERNAL_IDP")) return std::unexpected(BearerProblem::kTokenType);
  if (account->second->suspended) return std::unexpected(BearerProblem::kSuspended);
  return std::shared_ptr<const Account>(account->second);
}

std::string Identity::ownerOf(const std::string& token) const {
  const std::shared_lock lock(mutex_);
  if (const auto found = access_tokens_.find(token); found != access_tokens_.end()) {
    return found->second.session->account;
  }
  if (const auto found = refresh_tokens_.find(token); found != refresh_tokens_.end()) {
    return found->second->account;
  }
  const auto key = api_keys_.find(token);
  return key == api_keys_.end() ? std::string() : key->second;
}

DeviceCode Identity::addDevice(DeviceCode device) {
  device.device_code = randomText(86);
  device.user_code = userCode();
  device.interval = policy_.get()->fast ? 1000 : 5000;
  const std::unique_lock lock(mutex_);
  if (policy_.get()->auto_approve) {
    json::object spec;
    if (!device.provider.empty()) {
      spec["kind"] = "social";
    } else {
      spec["kind"] =
          device.start_url.find("//view.awsapps.com") != std::string::npos ? "builder_id" : "idc";
      spec["region"] = device.region;
    }
    const std::string as = policy_.get()->auto_approve_as;
    device.account = accounts_.contains(as) ? as : createLocked(spec)->id;
    device.status = "approved";
  }
  devices_[device.device_code] = device;
  return device;
}

bool Identity::decideDevice(const std::string& user_code, bool approve, const json::object& spec) {
  const std::unique_lock lock(mutex_);
  for (auto& [code, device] : devices_) {
    if (device.user_code != user_code || device.status != "pending") continue;
    if (!approve) {
      device.status = "denied";
      return true;
    }
    const auto existing = text(spec, "accountId");
    if (!existing.empty()) {
      if (!accounts_.contains(existing)) return false;
      device.account = existing;
    } else {
      json::object account = spec;
      if (!account.contains("kind")) {
        const bool builder = device.start_url.find("//view.awsapps.com") != std::string::npos;
        account["kind"] = !device.provider.empty() ? "social" : builder ? "builder_id" : "idc";
      }
      if (!account.contains("region")) {
        account["region"] = device.region.empty() ? "us-east-1" : device.region;
      }
      device.account = createLocked(account)->id;
    }
    device.status = "approved";
    return true;
  }
  return false;
}

std::expected<DeviceCode, Identity::PollProblem> Identity::pollDevice(
    const std::string& device_code, const std::string& client) {
  const std::unique_lock lock(mutex_);
  const auto found = devices_.find(device_code);
  if (found == devices_.end() || found->second.client != client) {
    return std::unexpected(PollProblem::kUnknown);
  }
  auto& device = found->second;
  const auto now = clock_.milliseconds();
  if (device.status == "used") return std::unexpected(PollProblem::kUsed);
  if (device.expires_at <= now / 1000) return std::unexpected(PollProblem::kExpired);
  if (device.status == "denied") return std::unexpected(PollProblem::kDenied);
  // A little early is forgiven: a client's timer and the network do not agree to the millisecond.
  const bool early = device.last_poll != 0 && now - device.last_poll < device.interval * 9 / 10;
  device.last_poll = now;
  if (early) {
    device.interval += policy_.get()->fast ? 1000 : 5000;
    return std::unexpected(PollProblem::kSlowDown);
  }
  if (device.status == "pending") return std::unexpected(PollProblem::kPending);
  device.status = "used";
  return device;
}

void Identity::addCode(AuthorizationCode code) {
  const std::unique_lock lock(mutex_);
  codes_[code.code] = std::move(code);
}

std::optional<AuthorizationCode> Identity::takeCode(const std::string& code) {
  const std::unique_lock lock(mutex_);
  const auto found = codes_.find(code);
  if (found == codes_.end()) return std::nullopt;
  auto out = found->second;
  codes_.erase(found);
  if (out.expires_at <= clock_.seconds()) return std::nullopt;
  return out;
}

json::object Identity::state(bool reveal) const {
  const std::shared_lock lock(mutex_);
  json::array accounts;
  for (const auto& [id, account] : accounts_) {
    json::object one{{"accountId", id},
                     {"kind", name(account->kind)},
                     {"region", account->region},
                     {"email", account->email},
                     {"plan", account->plan},
                     {"userId", account->user_id},
                     {"suspended", account->suspended},
                     {"overage", account->overage},
                     {"quota",
                      {{"used", account->used},
                       {"limit", account->limit},
                       {"trialUsed", account->trial_used},
                       {"trialLimit", account->trial_limit}}},
                     {"profiles", json::value_from(account->profiles)}};
    if (!account->api_key.empty()) one["apiKey"] = masked(account->api_key, reveal);
    accounts.push_back(std::move(one));
  }
  json::array sessions;
  for (const auto& session : sessions_) {
    sessions.push_back({{"sessionId", session->id},
                        {"accountId", session->account},
                        {"clientId", session->client},
                        {"region", session->region},
                        {"live", session->ended.empty()},
                        {"ended", session->ended},
                        {"refreshes", session->refreshes},
                        {"refreshToken", masked(session->refresh_token, reveal)},
                        {"accessToken", masked(session->access_token, reveal)},
                        {"accessExpiresAt", session->access_expires_at}});
  }
  json::array clients;
  for (const auto& [id, client] : clients_) {
    clients.push_back({{"clientId", id},
                       {"clientName", client.name},
                       {"region", client.region},
                       {"issuerUrl", client.issuer},
                       {"scopes", json::value_from(client.scopes)},
                       {"grantTypes", json::value_from(client.grant_types)},
                       {"clientSecret", masked(client.secret, reveal)},
                       {"clientSecretExpiresAt", client.expires_at}});
  }
  json::array devices;
  for (const auto& [code, device] : devices_) {
    devices.push_back({{"userCode", device.user_code},
                       {"status", device.status},
                       {"region", device.region},
                       {"clientId", device.client},
                       {"expiresAt", device.expires_at}});
  }
  return {{"accounts", std::move(accounts)},
          {"sessions", std::move(sessions)},
          {"clients", std::move(clients)},
          {"devices", std::move(devices)}};
}

void Identity::clear() {
  const std::unique_lock lock(mutex_);
  accounts_.clear();
  clients_.clear();
  sessions_.clear();
  refresh_tokens_.clear();
  access_tokens_.clear();
  api_keys_.clear();
  live_by_client_.clear();
  devices_.clear();
  codes_.clear();
}

}  // namespace omni::sim
