#include "core/accounts/keeper.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <vector>

#include "core/base/milliseconds.hpp"
#include "core/errors/error_table.hpp"

namespace omni {
namespace {

namespace json = boost::json;

constexpr size_t kMaxErrorText = 500;
constexpr int64_t kFirstRenewBackOff = kHourMs;

std::optional<json::object> parsed(const std::string& text) {
  boost::system::error_code failed;
  json::value value = json::parse(text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

bool flag(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}

double number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  boost::system::error_code failed;
  return value && value->is_number() ? value->to_number<double>(failed) : 0;
}

// What accounts.usage says about an exhausted account: when it will be refilled; nullopt: it has
// credits now, or the answer does not say that it has none.
std::optional<int64_t> emptyUntil(const std::string& text, int64_t now_ms) {
  const auto usage = parsed(text);
  if (!usage || flag(*usage, "overage")) return std::nullopt;
  const double limit = number(*usage, "limit");
  const int64_t reset = wholeMilliseconds(number(*usage, "resetAt")).value_or(0);
  if (limit <= 0 || number(*usage, "used") < limit || reset <= now_ms) return std::nullopt;
  return reset;
}

bool sameProbe(const StateRecord& a, const StateRecord& b) {
  return a.state == b.state && a.until_ms == b.until_ms && a.next_probe_ms == b.next_probe_ms;
}

}  // namespace

Keeper::Keeper(AccountDirectory& accounts, ProviderRegistry& providers, HealthStore& health,
               Clock& clock, Random& random, KeeperHooks hooks, KeeperOptions options)
    : accounts_(accounts),
      providers_(providers),
      health_(health),
      clock_(clock),
      random_(random),
      hooks_(std::move(hooks)),
      options_(options) {}

Result<> Keeper::load() {
  auto all = health_.all();
  if (!all) return std::unexpected(std::move(all.error()));
  std::lock_guard lock(mutex_);
  for (auto& [id, record] : *all) entries_[id].health = std::move(record);
  return {};
}

double Keeper::chance() {
  std::array<unsigned char, 4> bytes{};
  random_.fill(bytes.data(), bytes.size());
  uint32_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return static_cast<double>(value) / 4294967296.0;
}

Keeper::Due Keeper::dueAt(int64_t wall_ms) const {
  if (wall_ms == kNeverDue) return {};
  return {wall_ms, clock_.steadyMs() + (wall_ms - clock_.nowMs())};
}

// Plans what has changed since the last look; `checked`: a check has just ended, all is planned
// anew.
void Keeper::plan(Entry& entry, bool checked) {
  const Connection& row = *entry.row;
  const int64_t now = clock_.nowMs();
  if (row.state.state == AccountState::Disabled) {
    entry.refresh = entry.probe = entry.renew = {};
    entry.planned_expiry = entry.planned_registration = -1;  // so that enabling plans all anew
    entry.planned_state = row.state;
    return;
  }
  // A back-off counts for whatever is planned, and goes on over a restart.
  const int64_t earliest_retry =
      entry.health.failures > 0 ? entry.health.last_check_ms +
                                      backOff(entry.health.failures, entry.retry_after_ms, chance())
                                : 0;
  // A check that changed nothing, for whatever reason, must not be repeated at once.
  const auto later = [&](int64_t due) {
    if (due == kNeverDue) return due;
    due = std::max(due, earliest_retry);
    return checked && due <= now ? now + kMinuteMs : due;
  };

  const int64_t expiry = tokenExpiry(row);
  if (expiry != entry.planned_expiry) entry.no_refresh = false;
  if (checked || expiry != entry.planned_expiry) {
    entry.planned_expiry = expiry;
    entry.refresh = dueAt(later(refreshDue(expiry, now, chance(), options_)));
  }
  // A dead refresh token is asked about by its probe, not by the clock of its last token.
  if (entry.no_refresh || row.state.state == AccountState::ReauthRequired) {
    entry.refresh = {};
    entry.planned_expiry = entry.no_refresh ? expiry : -1;
  }

  if (checked || !sameProbe(row.state, entry.planned_state)) {
    entry.planned_state = row.state;
    entry.probe = dueAt(later(probeDue(row.state, chance())));
  }

  const int64_t registration = registrationExpiry(row);
  if (registration != entry.planned_registration) {
    entry.planned_registration = registration;
    const int64_t due = renewDue(registration, chance(), options_);
    entry.renew = dueAt(due == kNeverDue ? due : std::max(due, entry.renew_not_before));
    entry.renew_failures = 0;
    entry.renewal.clear();
    entry.warned = RegistrationLevel::Fine;
  }
}

// Writes what it saw once the mutex is free: a disk must not hold up whoever asks.
class Keeper::Sight {
 public:
  explicit Sight(Keeper& keeper) : keeper_(keeper), lock_(keeper.mutex_), changes_(keeper.look()) {}
  ~Sight() {
    lock_.unlock();
    for (const auto& [id, record] : changes_) keeper_.keep(id, record);
  }
  Sight(const Sight&) = delete;
  Sight& operator=(const Sight&) = delete;

 private:
  Keeper& keeper_;
  std::unique_lock<std::mutex> lock_;
  const Changes changes_;
};

void Keeper::keep(const std::string& id, const HealthRecord& record) noexcept {
  try {
    if (auto kept = health_.put(id, record); !kept && hooks_.trouble)
      hooks_.trouble(kept.error().message);
  } catch (...) {
    return;  // known in memory; the next check writes it again
  }
}

Keeper::Changes Keeper::look() {
  Changes changes;
  const uint64_t revision = accounts_.revision();
  if (seen_any_ && revision == seen_revision_) return changes;
  seen_any_ = true;
  seen_revision_ = revision;
  const auto rows = accounts_.rows();
  const auto gone = [&](const std::string& id) {
    return !std::ranges::binary_search(
        rows, id, {}, [](const auto& row) -> const std::string& { return row->id; });
  };
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (gone(it->first)) it->second.row = nullptr;
    it = gone(it->first) && !it->second.busy ? entries_.erase(it) : std::next(it);
  }
  for (const auto& row : rows) {
    Entry& entry = entries_[row->id];
    if (entry.row == row) continue;
    // Somebody else brought a newer token: a request, or another program that shares the session.
    const bool refreshed = entry.row && !entry.busy && tokenExpiry(*entry.row) < tokenExpiry(*row);
    entry.row = row;
    // Not every sign-in brings a token that ends: an API key, or one that was switched off
    // meanwhile.
    const AccountState state = row->state.state;
    const bool well = entry.dead && !entry.busy && state == AccountState::Active;
    if (waitsForPerson(state))
      entry.dead = true;
    else if (state == AccountState::Active)
      entry.dead = false;
    if (refreshed) entry.health.last_check_ms = entry.health.last_success_ms = clock_.nowMs();
    if ((refreshed || well) && (entry.health.failures > 0 || !entry.health.last_error.empty())) {
      entry.health.failures = 0;
      entry.health.last_error.clear();
      changes.emplace_back(row->id, entry.health);
    }
    if (!entry.busy) plan(entry, false);
  }
  return changes;
}

void Keeper::warn() {
  std::vector<std::pair<std::shared_ptr<const Connection>, RegistrationLevel>> ending;
  const int64_t now = clock_.nowMs();
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, entry] : entries_) {
      if (!entry.row || entry.row->state.state == AccountState::Disabled) continue;
      const auto level = registrationLevel(entry.planned_registration, now, options_);
      if (level > entry.warned) ending.emplace_back(entry.row, level);
      entry.warned = level;
    }
  }
  if (hooks_.registration_ends)
    for (const auto& [row, level] : ending)
      hooks_.registration_ends(*row, level, daysLeft(registrationExpiry(*row), now));
}

std::optional<Keeper::Found> Keeper::earliest(int64_t now, int64_t steady) const {
  const Entry* best = nullptr;
  const std::string* best_id = nullptr;
  Check check = Check::Refresh;
  int64_t best_wall = kNeverDue;
  for (const auto& [id, entry] : entries_) {
    if (entry.busy || !entry.row) continue;
    for (const auto& [due, kind] :
         {std::pair(&entry.refresh, Check::Refresh), std::pair(&entry.probe, Check::Probe),
          std::pair(&entry.renew, Check::Renew)}) {
      if (!due->at(now, steady) || (best && due->wall >= best_wall)) continue;
      best = &entry;
      best_id = &id;
      best_wall = due->wall;
      check = kind;
    }
  }
  if (!best) return std::nullopt;
  return Found{*best_id, check};
}

BackgroundWork::Job Keeper::take(int64_t steady_now_ms) {
  {
    const Sight sight(*this);
  }
  warn();
  std::lock_guard lock(mutex_);
  if (running_ >= options_.in_flight || steady_now_ms - last_start_steady_ < options_.gap_ms)
    return {};
  const auto found = earliest(clock_.nowMs(), steady_now_ms);
  if (!found) return {};
  entries_.find(found->id)->second.busy = true;
  ++running_;
  last_start_steady_ = steady_now_ms;
  return [this, id = found->id, check = found->check](const CancelToken& stopping) {
    run(id, check, stopping);
  };
}

int64_t Keeper::nextDue(int64_t steady_now_ms) {
  const Sight sight(*this);
  if (running_ >= options_.in_flight) return kNeverDue;  // whoever ends looks again
  const int64_t now = clock_.nowMs();
  int64_t wait = kNeverDue;
  for (const auto& [id, entry] : entries_) {
    if (entry.busy || !entry.row) continue;
    for (const Due* due : {&entry.refresh, &entry.probe, &entry.renew})
      if (due->wall != kNeverDue)
        wait = std::min({wait, due->wall - now, due->steady - steady_now_ms});
  }
  if (wait == kNeverDue) return kNeverDue;
  return std::max(steady_now_ms + std::max<int64_t>(wait, 0), last_start_steady_ + options_.gap_ms);
}

void Keeper::run(const std::string& id, Check check, const CancelToken& stopping) {
  const auto row = accounts_.find(id);
  int64_t planned = 0;
  {
    std::lock_guard lock(mutex_);
    planned = entries_.find(id)->second.planned_expiry;
  }
  if (row && row->state.state != AccountState::Disabled) {
    if (check == Check::Refresh) {
      // A newer token came while this waited for its turn: no second refresh.
      if (tokenExpiry(*row) == planned) refresh(row, false, stopping);
    } else if (check == Check::Probe) {
      probe(row, stopping);
    } else {
      renew(row, stopping);
    }
  }
  const auto fresh = accounts_.find(id);
  std::lock_guard lock(mutex_);
  Entry& entry = entries_.find(id)->second;
  entry.busy = false;
  --running_;
  entry.row = fresh;
  if (fresh) plan(entry, check != Check::Renew);
}

std::optional<Result<std::string>> Keeper::call(const Connection& row, std::string_view method,
                                                std::string_view input,
                                                const CancelToken& stopping) {
  Provider* provider = providers_.find(row.provider);
  if (!provider)
    return makeError(FailureKind::Unavailable,
                     "the plugin of this account is not loaded; GET /api/plugins says why");
  auto answer = provider->control(row.id, method, input, stopping);
  if (!answer && answer.error().kind == FailureKind::Cancelled) return std::nullopt;
  return answer;
}

void Keeper::remember(const std::string& id, const Error* failure) {
  HealthRecord record;
  {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    HealthRecord& health = found->second.health;
    health.last_check_ms = clock_.nowMs();
    found->second.retry_after_ms = failure ? failure->retry_after_ms : -1;
    if (failure) {
      ++health.failures;
      health.last_error = failure->message.substr(0, kMaxErrorText);
    } else {
      health.failures = 0;
      health.last_success_ms = health.last_check_ms;
      health.last_error.clear();
    }
    record = health;
  }
  keep(id, record);
}

void Keeper::refresh(const std::shared_ptr<const Connection>& row, bool probe,
                     const CancelToken& stopping) {
  const auto answer = call(*row, "accounts.refresh", R"({"force":true})", stopping);
  if (!answer) return;
  const int64_t now = clock_.nowMs();
  if (*answer) {
    remember(row->id, nullptr);
    if (probe) accounts_.recover(row->id, now);
    if (hooks_.refreshed) hooks_.refreshed(*row, nullptr);
    return;
  }
  const Error& error = answer->error();
  if (error.kind == FailureKind::Unsupported) {
    std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(row->id); found != entries_.end())
      found->second.no_refresh = true;
    return;
  }
  remember(row->id, &error);
  // A sign-in service that is slow or full says nothing about requests with the token at hand.
  const AccountEffect effect = errorRule(error.kind).effect;
  if (effect == AccountEffect::ReauthRequired || effect == AccountEffect::Suspend)
    accounts_.applyFailure(row->id, error, now);
  if (hooks_.refreshed) hooks_.refreshed(*row, &error);
}

void Keeper::probe(const std::shared_ptr<const Connection>& row, const CancelToken& stopping) {
  const AccountState state = row->state.state;
  if (state == AccountState::Active) return;
  if (state == AccountState::Cooling) return accounts_.recover(row->id, clock_.nowMs());
  if (state == AccountState::ReauthRequired) return refresh(row, true, stopping);
  // Asks how much is left: it needs a working account, and costs nothing.
  const auto answer = call(*row, "accounts.usage", "{}", stopping);
  if (!answer) return;
  const int64_t now = clock_.nowMs();
  if (!*answer) {
    const Error& error = answer->error();
    if (error.kind == FailureKind::Unsupported)  // then the next request has to find out
      return accounts_.recover(row->id, now);
    remember(row->id, &error);
    accounts_.applyFailure(row->id, error, now);
    return;
  }
  remember(row->id, nullptr);
  if (state == AccountState::Exhausted) {
    if (const auto until = emptyUntil(**answer, now)) {
      Error still;
      still.kind = FailureKind::Quota;
      still.message = "no credits are left";
      still.reason = row->state.reason;
      still.reset_at_ms = *until;
      accounts_.applyFailure(row->id, still, now);
      return;
    }
  }
  accounts_.recover(row->id, now);
}

void Keeper::renew(const std::shared_ptr<const Connection>& row, const CancelToken& stopping) {
  const int64_t expires = registrationExpiry(*row);
  const auto answer = call(*row, "accounts.renew", "{}", stopping);
  const int64_t now = clock_.nowMs();
  std::string trouble;
  bool sign_in_needed = false, renewed = false;
  Due next;
  if (!answer) {
    std::lock_guard lock(mutex_);
    entries_.find(row->id)->second.renew = dueAt(now + kFirstRenewBackOff);
    return;
  }
  if (*answer) {
    const auto object = parsed(**answer);
    sign_in_needed = object && flag(*object, "signInNeeded");
    renewed = object && flag(*object, "renewed");
    if (sign_in_needed) {
      const json::value* message = object->if_contains("message");
      trouble = message && message->is_string() ? std::string(message->get_string())
                                                : std::string("sign this account in again");
    }
  } else if (answer->error().kind != FailureKind::Unsupported) {
    const FailureKind kind = answer->error().kind;
    sign_in_needed = kind == FailureKind::ReauthRequired || kind == FailureKind::BadRequest ||
                     kind == FailureKind::AuthInvalid || kind == FailureKind::NotAuthorized;
    trouble = answer->error().message;
  }
  const bool expired = expires <= now;
  if (sign_in_needed && expired) {
    Error over;
    over.kind = FailureKind::ReauthRequired;
    over.reason = "registration_expired";
    over.message = "the client registration has expired: sign this account in again";
    accounts_.applyFailure(row->id, over, now);
  } else if (sign_in_needed) {
    // Each try makes a registration at the issuer, so there are few: now, when it gets urgent, and
    // at the end.
    const int64_t urgent = expires - options_.urgent_days * kDayMs;
    next = dueAt(now < urgent ? urgent : expires);
  }
  {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_.find(row->id)->second;
    if (!*answer && !sign_in_needed && answer->error().kind != FailureKind::Unsupported) {
      const int64_t wait = kFirstRenewBackOff << std::min(entry.renew_failures++, 5);
      next = dueAt(now + std::min(wait, kDayMs));
    }
    entry.renew = next;
    if (renewed) {
      entry.renew_not_before = now + kDayMs;
      entry.planned_registration = -1;  // planned anew, even should the new one end with the old
    }
    entry.renewal = std::move(trouble).substr(0, kMaxErrorText);
  }
  if (renewed && hooks_.renewed) hooks_.renewed(*row);
}

void Keeper::noted(std::string_view id, const Error* failure) {
  {
    const Sight sight(*this);
  }
  remember(std::string(id), failure);
}

KeeperView Keeper::view(std::string_view id) {
  const Sight sight(*this);
  KeeperView out;
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.row) return out;
  const Entry& entry = found->second;
  out.health = entry.health;
  const int64_t due = std::min({entry.refresh.wall, entry.probe.wall, entry.renew.wall});
  out.next_check_ms = due == kNeverDue ? 0 : due;
  out.token_expires_ms = tokenExpiry(*entry.row);
  out.registration_expires_ms = registrationExpiry(*entry.row);
  out.registration = registrationLevel(out.registration_expires_ms, clock_.nowMs(), options_);
  out.renewal = entry.renewal;
  return out;
}

}  // namespace omni
