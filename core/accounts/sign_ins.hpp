#pragma once
// Sign-ins under way. A caller starts one and may watch it or go away: whoever runs the background
// work polls the provider until the person has agreed, refused, or let the time pass.
//
// Sessions live in memory. Those under way are also kept in a store, if there is one, so that they
// go on after a restart; what has ended is forgotten by it. Device codes and client secrets stay
// inside the draft.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/background.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/sign_in_store.hpp"
#include "core/ports/store.hpp"

namespace omni {

enum class SignInStatus { Pending, Complete, Failed, Expired, Cancelled };
std::string_view signInStatusName(SignInStatus status);  // "pending" ...

struct SignInRequest {
  std::string provider;
  std::string method;      // of the provider's sign-in methods
  std::string input;       // JSON object: "method" and its form's members
  std::string name;        // empty: by the provider's label; not with replace_id
  std::string replace_id;  // sign this connection in anew, in place
  std::string proxy_id;    // for the new connection, from its first call on; not with replace_id
  std::string actor;       // who asked, for the audit log
};

// What may be shown of a session; holds no secret. Times are Unix ms, 0: not set.
struct SignInView {
  std::string id;
  std::string provider;
  std::string method;
  std::string name;           // as asked for
  std::string connection_id;  // with `replaces` from the start, else once complete
  bool replaces = false;
  SignInStatus status = SignInStatus::Pending;
  std::string kind;  // "device" or "browser"
  std::string user_code;
  std::string verification_uri;
  std::string verification_uri_complete;
  std::string url;  // kind browser: where the person signs in
  int64_t started_ms = 0;
  int64_t expires_ms = 0;
  int64_t ended_ms = 0;
  int64_t interval_ms = 0;
  // Why it ended; while pending, what the last poll ran into.
  std::optional<Error> error;
  std::string actor;
  uint64_t version = 0;  // grows with each change
};

struct SignInHooks {
  // Routes all calls of a connection that is about to be. Without it a proxy cannot be asked for.
  std::function<Result<>(std::string_view connection_id, std::string_view proxy_id)> assign_proxy;
  // The connection never came to be.
  std::function<void(std::string_view connection_id)> forget_proxy;
  std::function<void(const SignInView&)> completed;
  std::function<void(std::string_view)> trouble;  // a sign-in that a restart would forget
};

struct SignInLimits {
  size_t pending = 64;
  size_t kept = 256;                 // with those that ended
  int64_t keep_ms = 60 * 60 * 1000;  // an ended one can be asked for so long
};

// Thread-safe. What it is given must outlive it.
class SignIns final : public BackgroundWork {
 public:
  SignIns(ProviderRegistry& providers, ConnectionStore& accounts, Clock& clock, Random& random,
          SignInHooks hooks, SignInLimits limits = {}, SignInStore* kept = nullptr);
  ~SignIns() override;

  // Takes up the sign-ins that were under way when the process before ended. Once, before the work
  // begins and after the providers are there.
  Result<> load();
  // The ids that accounts of sign-ins under way have or will get.
  std::vector<std::string> pendingAccounts() const;

  // Asks the provider for a code or an address; blocks for that. BadRequest, NotFound, Conflict for
  // a name that is taken, RateLimited for too many sessions, else what the provider says.
  Result<SignInView> start(const SignInRequest& request, const CancelToken& cancel);
  Result<SignInView> get(std::string_view id) const;  // NotFound
  // What has ended stays as it ended.
  Result<SignInView> cancel(std::string_view id);
  // The browser form: the address that the browser was sent back to. A wrong one leaves the session
  // as it is.
  Result<SignInView> finish(std::string_view id, std::string_view callback_url,
                            const CancelToken& cancel);
  // Returns when the session has changed since `version`, or after `timeout_ms` of real time.
  Result<SignInView> wait(std::string_view id, uint64_t version, int64_t timeout_ms) const;

  Job take(int64_t steady_now_ms) override;
  int64_t nextDue(int64_t steady_now_ms) override;

 private:
  struct Session;
  using SessionPtr = std::shared_ptr<Session>;

  Result<SessionPtr> find(std::string_view id) const;  // mutex_ held
  Result<SessionPtr> prepare(const SignInRequest& request);
  void poll(const SessionPtr& session, const CancelToken& stopping);
  void settle(Session& session, const Result<std::string>& answer);
  void store(Session& session);
  void end(Session& session, SignInStatus status, std::optional<Error> error);
  void touch(Session& session);  // mutex_ held
  void dropOld(int64_t steady_now_ms);
  void keep(const Session& session);
  void takeUp(const std::string& id, const std::string& state);

  ProviderRegistry& providers_;
  ConnectionStore& accounts_;
  Clock& clock_;
  Random& random_;
  const SignInHooks hooks_;
  const SignInLimits limits_;
  SignInStore* const kept_;  // nullptr: nothing outlives the process
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, SessionPtr, std::less<>> sessions_;
};

}  // namespace omni
