#include "core/routing/account_poller.hpp"

#include <algorithm>

namespace omni::routing {

void AccountPoller::forgetDeleted(const AccountDirectory::Snapshot& accounts) {
  std::set<std::string_view> ids;
  for (const Connection& account : accounts) ids.insert(account.id);
  for (auto at = due_.begin(); at != due_.end();) {
    if (ids.contains(at->first) || at->second.asking) {
      ++at;
      continue;
    }
    dropped(at->first);
    at = due_.erase(at);
  }
}

AccountPoller::Job AccountPoller::take(int64_t steady_now_ms) {
  const auto accounts = accounts_.snapshot();
  const int64_t now = clock_.nowMs();
  std::lock_guard lock(mutex_);
  forgetDeleted(*accounts);
  if (steady_now_ms < next_start_ms_) return {};
  for (const Connection& account : *accounts) {
    // What an account that cannot serve would say is not worth the call.
    if (!usableNow(account, now)) continue;
    Due& due = due_[account.id];
    if (due.asking || steady_now_ms < due.at_ms) continue;
    due.asking = true;
    next_start_ms_ = steady_now_ms + rules_.spread_ms;
    return [this, id = account.id, provider = account.provider](const CancelToken& cancel) {
      ask(id, provider, cancel);
    };
  }
  return {};
}

int64_t AccountPoller::nextDue(int64_t steady_now_ms) {
  const auto accounts = accounts_.snapshot();
  const int64_t now = clock_.nowMs();
  std::lock_guard lock(mutex_);
  int64_t next = steady_now_ms + rules_.look_ms;
  for (const Connection& account : *accounts) {
    const auto due = due_.find(account.id);
    if (due != due_.end() && due->second.asking) continue;
    if (usableNow(account, now)) next = std::min(next, due == due_.end() ? 0 : due->second.at_ms);
  }
  return std::max(next, next_start_ms_);
}

void AccountPoller::ask(const std::string& connection_id, const std::string& provider,
                        const CancelToken& cancel) {
  bool understood = false;
  if (Provider* asked = providers_.find(provider)) {
    const auto answer = asked->control(connection_id, method_, "{}", cancel);
    // A failure says nothing here about the account: requests and health checks find that out.
    understood = answer && received(connection_id, *answer);
  }
  std::lock_guard lock(mutex_);
  Due& due = due_[connection_id];
  due.asking = false;
  due.failures = understood ? 0 : due.failures + 1;
  due.at_ms = clock_.steadyMs() +
              (understood ? rules_.fresh_ms : rules_.retry_ms << std::min(due.failures - 1, 3));
}

size_t AccountPoller::runDue(const CancelToken& cancel) {
  size_t count = 0;
  while (!cancel.cancelled()) {
    {
      std::lock_guard lock(mutex_);
      next_start_ms_ = 0;
    }
    const Job job = take(clock_.steadyMs());
    if (!job) break;
    job(cancel);
    ++count;
  }
  return count;
}

void AccountPoller::forget(std::string_view connection_id) {
  {
    std::lock_guard lock(mutex_);
    if (const auto found = due_.find(connection_id); found != due_.end()) found->second.at_ms = 0;
  }
  if (wake) wake();
}

}  // namespace omni::routing
