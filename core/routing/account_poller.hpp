#pragma once
// Asks every usable account the same question now and then, in the background, and keeps nothing
// but when to ask again. Never on a request's way.

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "core/accounts/directory.hpp"
#include "core/ports/background.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"

namespace omni::routing {

struct PollRules {
  int64_t fresh_ms;         // an answer lasts
  int64_t retry_ms;         // after a failure; doubles up to eight times of it
  int64_t look_ms = 2000;   // how soon a new account is noticed
  int64_t spread_ms = 200;  // between two accounts, so that not all ask at once
};

// Thread-safe.
class AccountPoller : public BackgroundWork {
 public:
  AccountPoller(ProviderRegistry& providers, AccountDirectory& accounts, Clock& clock,
                std::string method, const PollRules& rules)
      : providers_(providers),
        accounts_(accounts),
        clock_(clock),
        method_(std::move(method)),
        rules_(rules) {}

  Job take(int64_t steady_now_ms) override;
  int64_t nextDue(int64_t steady_now_ms) override;
  // All that is due now, one after the other, on this thread. Returns how many.
  size_t runDue(const CancelToken& cancel);
  // Asks this account again soon, such as after it was signed in anew.
  void forget(std::string_view connection_id);

 protected:
  // False: the answer is of no known form.
  virtual bool received(const std::string& connection_id, std::string_view answer) = 0;
  virtual void dropped(const std::string& connection_id) = 0;

 private:
  struct Due {
    int64_t at_ms = 0;
    int failures = 0;
    bool asking = false;
  };
  void ask(const std::string& connection_id, const std::string& provider,
           const CancelToken& cancel);
  void forgetDeleted(const AccountDirectory::Snapshot& accounts);

  ProviderRegistry& providers_;
  AccountDirectory& accounts_;
  Clock& clock_;
  const std::string method_;
  const PollRules rules_;
  std::mutex mutex_;
  std::map<std::string, Due, std::less<>> due_;
  int64_t next_start_ms_ = 0;
};

}  // namespace omni::routing
