#include "core/accounts/sign_ins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "core/accounts/new_name.hpp"
#include "core/base/uuid.hpp"

namespace omni {
namespace {

namespace json = boost::json;

constexpr int64_t kDefaultInterval = 5'000;
constexpr int64_t kShortestInterval = 250;
constexpr int64_t kLongestInterval = 60'000;
constexpr int64_t kLongestLife = 60 * 60 * 1000;

std::string textOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

int64_t numberOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (!value || !value->is_number()) return 0;
  boost::system::error_code failed;
  const auto number = value->to_number<int64_t>(failed);
  return failed ? 0 : number;
}

std::optional<json::object> parsed(const std::string& text) {
  boost::system::error_code failed;
  json::value value = json::parse(text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

Error protocolError(std::string_view what) {
  return makeError(FailureKind::Protocol,
                   fmt::format("the provider's plugin gave an answer that {}", what))
      .error();
}

// These say nothing about the sign-in itself: the next poll may go well.
bool passing(FailureKind kind) {
  switch (kind) {
    case FailureKind::Network:
    case FailureKind::Timeout:
    case FailureKind::Upstream:
    case FailureKind::RateLimited:
    case FailureKind::Capacity:
    case FailureKind::Unavailable:
      return true;
    default:
      return false;
  }
}

class EitherToken final : public CancelToken {
 public:
  EitherToken(const std::atomic<bool>& flag, const CancelToken& other)
      : flag_(flag), other_(other) {}
  bool cancelled() const override { return flag_.load() || other_.cancelled(); }

 private:
  const std::atomic<bool>& flag_;
  const CancelToken& other_;
};

}  // namespace

std::string_view signInStatusName(SignInStatus status) {
  switch (status) {
    case SignInStatus::Pending:
      return "pending";
    case SignInStatus::Complete:
      return "complete";
    case SignInStatus::Failed:
      return "failed";
    case SignInStatus::Expired:
      return "expired";
    case SignInStatus::Cancelled:
      return "cancelled";
  }
  return "failed";
}

struct SignIns::Session {
  SignInView view;               // guarded by SignIns::mutex_
  int64_t next_poll_steady = 0;  // likewise
  int64_t deadline_steady = 0;   // likewise
  int64_t drop_steady = 0;       // likewise
  bool busy = false;             // likewise: a job of it is out
  std::string account_id;        // that the account has or gets; set before the session is known
  bool proxy_assigned = false;   // likewise
  std::atomic<bool> cancelled{false};
  std::mutex work;                      // one use of the draft at a time; taken before mutex_
  std::unique_ptr<AccountDraft> draft;  // guarded by work; nullptr once ended
};

SignIns::SignIns(ProviderRegistry& providers, ConnectionStore& accounts, Clock& clock,
                 Random& random, SignInHooks hooks, SignInLimits limits, SignInStore* kept)
    : providers_(providers),
      accounts_(accounts),
      clock_(clock),
      random_(random),
      hooks_(std::move(hooks)),
      limits_(limits),
      kept_(kept) {}

SignIns::~SignIns() = default;

Result<SignIns::SessionPtr> SignIns::find(std::string_view id) const {
  const auto found = sessions_.find(id);
  if (found != sessions_.end()) return found->second;
  return makeError(FailureKind::NotFound,
                   "There is no such sign-in: it ended long ago, or before the service was "
                   "restarted. GET /api/providers shows what came of it.",
                   "id");
}

void SignIns::touch(Session& session) {
  ++session.view.version;
  changed_.notify_all();
}

Result<SignIns::SessionPtr> SignIns::prepare(const SignInRequest& request) {
  Provider* provider = providers_.find(request.provider);
  if (!provider)
    return makeError(FailureKind::NotFound,
                     fmt::format("There is no provider \"{}\".", request.provider), "provider");
  // Looked at now, so that nobody signs in for nothing.
  if (auto free = nameIsFree(accounts_, request.provider, request.name); !free)
    return std::unexpected(std::move(free.error()));
  auto draft = provider->draft(request.replace_id);
  if (!draft) return std::unexpected(std::move(draft.error()));
  auto session = std::make_shared<Session>();
  session->draft = std::move(*draft);
  session->account_id = session->draft->connectionId();
  SignInView& view = session->view;
  view.id = newUuid(random_);
  view.provider = request.provider;
  view.method = request.method;
  view.name = request.name;
  view.replaces = !request.replace_id.empty();
  if (view.replaces) view.connection_id = request.replace_id;
  view.actor = request.actor;
  view.started_ms = clock_.nowMs();
  if (!request.proxy_id.empty()) {
    if (!hooks_.assign_proxy)
      return makeError(FailureKind::Unsupported, "This service has no proxies.", "proxyId");
    if (auto done = hooks_.assign_proxy(session->account_id, request.proxy_id); !done)
      return std::unexpected(std::move(done.error()));
    session->proxy_assigned = true;
  }
  return session;
}

Result<SignInView> SignIns::start(const SignInRequest& request, const CancelToken& cancel) {
  {
    std::lock_guard lock(mutex_);
    dropOld(clock_.steadyMs());
    const auto pending = std::ranges::count_if(sessions_, [](const auto& entry) {
      return entry.second->view.status == SignInStatus::Pending;
    });
    if (static_cast<size_t>(pending) >= limits_.pending)
      return makeError(
          FailureKind::RateLimited,
          fmt::format("{} sign-ins are under way. Finish or cancel some, then try again.",
                      pending));
  }
  auto prepared = prepare(request);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  const SessionPtr session = std::move(*prepared);
  const auto fail = [&](Error error) -> Result<SignInView> {
    end(*session, SignInStatus::Failed, error);
    return std::unexpected(std::move(error));
  };

  std::lock_guard work(session->work);
  auto answer = session->draft->control("accounts.signin.start", request.input, cancel);
  if (!answer) return fail(std::move(answer.error()));
  const auto object = parsed(*answer);
  if (!object) return fail(protocolError("is no JSON object"));
  SignInView view = session->view;
  view.kind = textOf(*object, "kind");
  view.user_code = textOf(*object, "userCode");
  view.verification_uri = textOf(*object, "verificationUri");
  view.verification_uri_complete = textOf(*object, "verificationUriComplete");
  view.url = textOf(*object, "url");
  view.expires_ms = numberOf(*object, "expiresAt");
  const bool device = view.kind == "device" && !view.verification_uri.empty();
  const bool browser = view.kind == "browser" && !view.url.empty();
  if ((!device && !browser) || view.expires_ms <= 0)
    return fail(protocolError("says not how to sign in"));
  const int64_t interval = numberOf(*object, "intervalMs");
  view.interval_ms =
      std::clamp(interval > 0 ? interval : kDefaultInterval, kShortestInterval, kLongestInterval);

  // From here on the steady clock counts: a person who sets the wall clock does not end a sign-in.
  const int64_t steady = clock_.steadyMs();
  std::vector<SessionPtr> superseded;
  {
    std::lock_guard lock(mutex_);
    session->view = view;
    session->deadline_steady =
        steady + std::clamp<int64_t>(view.expires_ms - clock_.nowMs(), 0, kLongestLife);
    session->next_poll_steady = steady + view.interval_ms;
    for (const auto& [id, other] : sessions_)
      if (view.replaces && other->view.connection_id == view.connection_id &&
          other->view.status == SignInStatus::Pending)
        superseded.push_back(other);
    sessions_.emplace(view.id, session);
  }
  keep(*session);
  for (const SessionPtr& other : superseded) (void)this->cancel(other->view.id);
  if (wake) wake();
  return view;
}

Result<SignInView> SignIns::get(std::string_view id) const {
  std::lock_guard lock(mutex_);
  auto session = find(id);
  if (!session) return std::unexpected(std::move(session.error()));
  return (*session)->view;
}

Result<SignInView> SignIns::wait(std::string_view id, uint64_t version, int64_t timeout_ms) const {
  std::unique_lock lock(mutex_);
  auto session = find(id);
  if (!session) return std::unexpected(std::move(session.error()));
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                    [&] { return (*session)->view.version != version; });
  return (*session)->view;
}

Result<SignInView> SignIns::cancel(std::string_view id) {
  SessionPtr session;
  {
    std::lock_guard lock(mutex_);
    auto found = find(id);
    if (!found) return std::unexpected(std::move(found.error()));
    session = std::move(*found);
  }
  session->cancelled = true;  // a poll under way ends soon, and gives the draft free
  std::lock_guard work(session->work);
  end(*session, SignInStatus::Cancelled, std::nullopt);
  return get(id);
}

Result<SignInView> SignIns::finish(std::string_view id, std::string_view callback_url,
                                   const CancelToken& cancel) {
  SessionPtr session;
  {
    std::lock_guard lock(mutex_);
    auto found = find(id);
    if (!found) return std::unexpected(std::move(found.error()));
    session = std::move(*found);
    if (session->view.kind != "browser")
      return makeError(FailureKind::BadRequest,
                       "This sign-in is completed with its code, not with an address: open "
                       "verificationUri and enter userCode.",
                       "callbackUrl");
  }
  std::lock_guard work(session->work);
  if (!session->draft) return get(id);  // ended meanwhile: its status says how
  const EitherToken token(session->cancelled, cancel);
  auto answer = session->draft->control(
      "accounts.signin.finish",
      json::serialize(json::object{{"callbackUrl", std::string(callback_url)}}), token);
  if (!answer) {
    const FailureKind kind = answer.error().kind;
    // A mistyped address, a caller that left, a network that failed: it can be tried again.
    if (kind != FailureKind::BadRequest && kind != FailureKind::Cancelled && !passing(kind))
      settle(*session, answer);
    return std::unexpected(std::move(answer.error()));
  }
  settle(*session, answer);
  return get(id);
}

// With session.work held.
void SignIns::keep(const Session& session) {
  if (!kept_) return;
  auto draft = session.draft->state();
  if (!draft && draft.error().kind == FailureKind::Unsupported) return;
  Result<> done;
  if (draft) {
    const SignInView& view = session.view;
    done = kept_->put(view.id, json::serialize(json::object{
                                   {"provider", view.provider},
                                   {"method", view.method},
                                   {"name", view.name},
                                   {"replaces", view.replaces},
                                   {"kind", view.kind},
                                   {"userCode", view.user_code},
                                   {"verificationUri", view.verification_uri},
                                   {"verificationUriComplete", view.verification_uri_complete},
                                   {"url", view.url},
                                   {"startedMs", view.started_ms},
                                   {"expiresMs", view.expires_ms},
                                   {"intervalMs", view.interval_ms},
                                   {"actor", view.actor},
                                   {"accountId", session.account_id},
                                   {"proxyAssigned", session.proxy_assigned},
                                   {"draft", *draft}}));
  } else {
    done = std::unexpected(std::move(draft.error()));
  }
  if (!done && hooks_.trouble)
    hooks_.trouble("a sign-in would not outlive a restart: " + done.error().message);
}

void SignIns::takeUp(const std::string& id, const std::string& state) {
  const auto read = parsed(state);
  const auto flag = [&](std::string_view key) {
    const json::value* value = read->if_contains(key);
    return value && value->is_bool() && value->get_bool();
  };
  auto session = std::make_shared<Session>();
  SignInView& view = session->view;
  view.id = id;
  std::optional<Error> lost;
  if (read) {
    view.provider = textOf(*read, "provider");
    view.method = textOf(*read, "method");
    view.name = textOf(*read, "name");
    view.replaces = flag("replaces");
    view.kind = textOf(*read, "kind");
    view.user_code = textOf(*read, "userCode");
    view.verification_uri = textOf(*read, "verificationUri");
    view.verification_uri_complete = textOf(*read, "verificationUriComplete");
    view.url = textOf(*read, "url");
    view.started_ms = numberOf(*read, "startedMs");
    view.expires_ms = numberOf(*read, "expiresMs");
    view.interval_ms =
        std::clamp(numberOf(*read, "intervalMs"), kShortestInterval, kLongestInterval);
    view.actor = textOf(*read, "actor");
    session->account_id = textOf(*read, "accountId");
    session->proxy_assigned = flag("proxyAssigned");
    Provider* provider = providers_.find(view.provider);
    Result<std::unique_ptr<AccountDraft>> draft =
        provider ? provider->resume(textOf(*read, "draft"))
                 : makeError(FailureKind::Unavailable, "the provider's plugin is not loaded");
    if (draft)
      session->draft = std::move(*draft);
    else
      lost = std::move(draft.error());
  } else {
    lost = makeError(FailureKind::Internal, "it was kept under another master key, or is damaged")
               .error();
  }
  if (session->draft && view.replaces) view.connection_id = session->account_id;
  const int64_t now = clock_.nowMs(), steady = clock_.steadyMs();
  session->deadline_steady = steady + std::clamp<int64_t>(view.expires_ms - now, 0, kLongestLife);
  session->next_poll_steady = std::min(steady + view.interval_ms, session->deadline_steady);
  {
    std::lock_guard lock(mutex_);
    sessions_.emplace(id, session);
  }
  std::lock_guard work(session->work);
  if (lost) {
    lost->message = "The service was restarted, and this sign-in could not be taken up again (" +
                    lost->message + "). Start a new one.";
    end(*session, SignInStatus::Failed, std::move(lost));
  } else if (now >= view.expires_ms) {
    end(*session, SignInStatus::Expired,
        makeError(FailureKind::Timeout,
                  "The code expired while the service was not running. Start a new sign-in.")
            .error());
  }
}

Result<> SignIns::load() {
  if (!kept_) return {};
  auto all = kept_->all();
  if (!all) return std::unexpected(std::move(all.error()));
  for (const auto& [id, state] : *all) takeUp(id, state);
  return {};
}

std::vector<std::string> SignIns::pendingAccounts() const {
  std::vector<std::string> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, session] : sessions_)
    if (session->view.status == SignInStatus::Pending) out.push_back(session->account_id);
  return out;
}

void SignIns::end(Session& session, SignInStatus status, std::optional<Error> error) {
  SignInView ended;
  {
    std::lock_guard lock(mutex_);
    if (session.view.status != SignInStatus::Pending) return;
    session.view.status = status;
    session.view.error = std::move(error);
    session.view.ended_ms = clock_.nowMs();
    session.drop_steady = clock_.steadyMs() + limits_.keep_ms;
    touch(session);
    ended = session.view;
  }
  if (kept_) (void)kept_->remove(ended.id);  // one that stays is found to have ended by its code
  if (status == SignInStatus::Complete) {
    if (hooks_.completed) hooks_.completed(ended);
  } else if (session.proxy_assigned && hooks_.forget_proxy) {
    hooks_.forget_proxy(session.account_id);
  }
  session.draft.reset();
}

void SignIns::store(Session& session) {
  auto id = finishAs(*session.draft, session.view.name);
  // The person has agreed; a disk that is full for a while must not cost that.
  if (!id && id.error().kind == FailureKind::Unavailable) {
    std::lock_guard lock(mutex_);
    session.view.error = std::move(id.error());
    return touch(session);
  }
  if (!id) return end(session, SignInStatus::Failed, std::move(id.error()));
  {
    std::lock_guard lock(mutex_);
    session.view.connection_id = *id;
  }
  end(session, SignInStatus::Complete, std::nullopt);
}

void SignIns::settle(Session& session, const Result<std::string>& answer) {
  if (!answer) {
    const Error& error = answer.error();
    if (error.kind == FailureKind::Cancelled) return;
    if (!passing(error.kind))
      return end(session,
                 error.reason == "expired_token" ? SignInStatus::Expired : SignInStatus::Failed,
                 error);
    std::lock_guard lock(mutex_);
    session.view.interval_ms = std::min(2 * session.view.interval_ms, kLongestInterval);
    if (error.retry_after_ms > session.view.interval_ms)
      session.view.interval_ms = std::min(error.retry_after_ms, kLongestInterval);
    session.view.error = error;
    return touch(session);
  }
  const auto object = parsed(*answer);
  const std::string status = object ? textOf(*object, "status") : std::string();
  if (status == "complete") return store(session);
  if (status != "pending")
    return end(session, SignInStatus::Failed, protocolError("says not how the sign-in stands"));
  std::lock_guard lock(mutex_);
  if (const int64_t interval = numberOf(*object, "intervalMs"); interval > 0)
    session.view.interval_ms = std::clamp(interval, kShortestInterval, kLongestInterval);
  if (!session.view.error) return;
  session.view.error.reset();
  touch(session);
}

void SignIns::poll(const SessionPtr& session, const CancelToken& stopping) {
  {
    std::lock_guard work(session->work);
    bool late = false;
    {
      std::lock_guard lock(mutex_);
      late = clock_.steadyMs() >= session->deadline_steady;
    }
    if (session->draft && late) {
      end(*session, SignInStatus::Expired,
          makeError(FailureKind::Timeout,
                    "Nobody signed in before the code expired. Start a new sign-in.")
              .error());
    } else if (session->draft) {
      const EitherToken token(session->cancelled, stopping);
      settle(*session, session->draft->control("accounts.signin.poll", "{}", token));
    }
  }
  std::lock_guard lock(mutex_);
  session->busy = false;
  session->next_poll_steady =
      std::min(clock_.steadyMs() + session->view.interval_ms, session->deadline_steady);
}

void SignIns::dropOld(int64_t steady_now_ms) {
  std::erase_if(sessions_, [&](const auto& entry) {
    const Session& session = *entry.second;
    return session.view.status != SignInStatus::Pending && steady_now_ms >= session.drop_steady;
  });
  while (sessions_.size() >= limits_.kept) {
    auto oldest = sessions_.end();
    for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
      const Session& session = *it->second;
      if (session.view.status == SignInStatus::Pending) continue;
      if (oldest == sessions_.end() || session.drop_steady < oldest->second->drop_steady)
        oldest = it;
    }
    if (oldest == sessions_.end()) return;
    sessions_.erase(oldest);
  }
}

BackgroundWork::Job SignIns::take(int64_t steady_now_ms) {
  std::lock_guard lock(mutex_);
  dropOld(steady_now_ms);
  for (const auto& [id, session] : sessions_) {
    if (session->view.status != SignInStatus::Pending || session->busy) continue;
    // The browser form waits for its finish(); only its time can run out.
    const int64_t due =
        session->view.kind == "browser" ? session->deadline_steady : session->next_poll_steady;
    if (steady_now_ms < due) continue;
    session->busy = true;
    return [this, held = session](const CancelToken& stopping) { poll(held, stopping); };
  }
  return {};
}

int64_t SignIns::nextDue(int64_t) {
  std::lock_guard lock(mutex_);
  int64_t due = kNeverDue;
  for (const auto& [id, session] : sessions_) {
    if (session->view.status != SignInStatus::Pending)
      due = std::min(due, session->drop_steady);
    else if (!session->busy)
      due = std::min(due, session->view.kind == "browser" ? session->deadline_steady
                                                          : session->next_poll_steady);
  }
  return due;
}

}  // namespace omni
