#pragma once
// Keeps accounts signed in: refreshes tokens ahead of their expiry, looks at resting accounts
// again, renews registrations and warns before they end. Nothing is ever erased, and what a person
// disabled is left alone.
//
// Two clocks decide: a check is due when the wall clock says so (a machine that slept) or the
// steady clock does (a wall clock that was set back). Single flight per account is twofold: one job
// per account here, and the plugin's own lock against requests that refresh at the same moment.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/accounts/directory.hpp"
#include "core/accounts/keeper_plan.hpp"
#include "core/base/error.hpp"
#include "core/ports/background.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/health.hpp"
#include "core/ports/provider.hpp"

namespace omni {

// What may be shown of an account's checks. Times are Unix ms, 0: none.
struct KeeperView {
  HealthRecord health;
  int64_t next_check_ms = 0;
  int64_t token_expires_ms = 0;
  int64_t registration_expires_ms = 0;
  RegistrationLevel registration = RegistrationLevel::Fine;
  std::string renewal;  // why a registration could not be renewed; empty: no trouble
};

struct KeeperHooks {
  // After each refresh by the keeper. nullptr: it worked.
  std::function<void(const Connection&, const Error*)> refreshed;
  std::function<void(const Connection&)> renewed;
  // Once per level and registration (and once more after a restart).
  std::function<void(const Connection&, RegistrationLevel, int64_t days_left)> registration_ends;
  std::function<void(std::string_view)> trouble;  // the keeper's own: a record that was not kept
};

// Thread-safe. What it is given must outlive it.
class Keeper final : public BackgroundWork {
 public:
  Keeper(AccountDirectory& accounts, ProviderRegistry& providers, HealthStore& health, Clock& clock,
         Random& random, KeeperHooks hooks, KeeperOptions options = {});

  Result<> load();  // what was remembered; before the work begins
  Job take(int64_t steady_now_ms) override;
  int64_t nextDue(int64_t steady_now_ms) override;

  // A check that somebody else made: a refresh or test that a person asked for, or a request that
  // found out that the account is dead, or well again. nullptr: it worked.
  void noted(std::string_view id, const Error* failure);
  // Empty view for an account that is not known.
  KeeperView view(std::string_view id);

 private:
  enum class Check { Refresh, Probe, Renew };
  struct Due {
    int64_t wall = kNeverDue;
    int64_t steady = kNeverDue;
    bool at(int64_t now, int64_t steady_now) const { return now >= wall || steady_now >= steady; }
  };
  struct Entry {
    std::shared_ptr<const Connection> row;
    HealthRecord health;
    Due refresh, probe, renew;
    int64_t planned_expiry = 0;        // that `refresh` is for
    int64_t planned_registration = 0;  // that `renew` is for
    StateRecord planned_state;         // that `probe` is for
    int64_t retry_after_ms = -1;
    int renew_failures = 0;
    int64_t renew_not_before = 0;  // an issuer of short registrations must not make a loop
    bool no_refresh = false;       // the provider knows no refresh for this account
    bool busy = false;
    bool dead = false;  // suspended or without a sign-in, and not seen well since
    RegistrationLevel warned = RegistrationLevel::Fine;
    std::string renewal;
  };
  struct Found {
    std::string id;
    Check check;
  };

  // mutex_ held, and all accounts as they are now.
  class Sight;
  using Changes = std::vector<std::pair<std::string, HealthRecord>>;

  // All with mutex_ held. look() tells what is to be written.
  Changes look();
  void plan(Entry& entry, bool checked);
  void keep(const std::string& id, const HealthRecord& record) noexcept;  // mutex_ not held
  Due dueAt(int64_t wall_ms) const;
  std::optional<Found> earliest(int64_t now, int64_t steady) const;
  double chance();

  void run(const std::string& id, Check check, const CancelToken& stopping);
  std::optional<Result<std::string>> call(const Connection& row, std::string_view method,
                                          std::string_view input, const CancelToken& stopping);
  void refresh(const std::shared_ptr<const Connection>& row, bool probe,
               const CancelToken& stopping);
  void probe(const std::shared_ptr<const Connection>& row, const CancelToken& stopping);
  void renew(const std::shared_ptr<const Connection>& row, const CancelToken& stopping);
  void remember(const std::string& id, const Error* failure);
  void warn();

  AccountDirectory& accounts_;
  ProviderRegistry& providers_;
  HealthStore& health_;
  Clock& clock_;
  Random& random_;
  const KeeperHooks hooks_;
  const KeeperOptions options_;
  std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  uint64_t seen_revision_ = 0;
  bool seen_any_ = false;
  size_t running_ = 0;
  int64_t last_start_steady_ = INT64_MIN / 2;
};

}  // namespace omni
