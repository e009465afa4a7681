#include "core/routing/router.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors/error_table.hpp"

namespace omni::routing {
namespace {

using chat::ChatEvent;
using chat::EventKind;

// Holds back Started and usage until the first content, so that an attempt that fails before it
// leaves no trace at the client.
class AttemptSink final : public chat::EventSink {
 public:
  explicit AttemptSink(chat::EventSink& client) : client_(client) {}

  bool onEvent(const ChatEvent& event) override {
    if (client_gone_) return false;
    switch (event.kind) {
      case EventKind::Started:
        return true;
      case EventKind::Usage:
        if (!content_) {
          if (event.usage) early_usage_ = *event.usage, has_early_usage_ = true;
          return true;
        }
        break;
      case EventKind::Finish:
        // An answer without content is a failure of the attempt; a cut-off or filtered one is an
        // answer all the same.
        if (!content_ &&
            (event.finish == chat::Finish::Stop || event.finish == chat::Finish::ToolCalls))
          return true;
        begin();
        break;
      case EventKind::Text:
        if (!content_ && event.text.empty()) return true;
        begin();
        break;
      default:
        begin();
    }
    return forward(event);
  }

  bool content() const { return content_; }
  bool clientGone() const { return client_gone_; }

 private:
  void begin() {
    if (content_) return;
    content_ = true;
    ChatEvent event;
    forward(event);  // Started
    if (!has_early_usage_) return;
    event.kind = EventKind::Usage;
    event.usage = &early_usage_;
    forward(event);
  }
  bool forward(const ChatEvent& event) {
    if (!client_gone_ && !client_.onEvent(event)) client_gone_ = true;
    return !client_gone_;
  }

  chat::EventSink& client_;
  chat::Usage early_usage_;
  bool has_early_usage_ = false;
  bool content_ = false;
  bool client_gone_ = false;
};

std::string stateText(const Connection& connection) {
  std::string out = fmt::format("{}/{} is {}", connection.provider, connection.name,
                                accountStateName(connection.state.state));
  if (!connection.state.reason.empty()) out += fmt::format(" ({})", connection.state.reason);
  return out;
}

// When the connection may be used again, for Retry-After; -1 when only a person can help.
int64_t backAt(const Connection& connection) {
  switch (connection.state.state) {
    case AccountState::Cooling:
    case AccountState::Exhausted:
      return connection.state.until_ms;
    default:
      return -1;
  }
}

}  // namespace

Result<> Router::reloadCombos() {
  auto stored = combo_store_.listCombos();
  if (!stored) return std::unexpected(std::move(stored.error()));
  auto next = std::make_shared<Combos>();
  std::lock_guard lock(mutex_);
  for (Combo& combo : *stored) {
    auto entry = std::make_shared<ComboEntry>();
    if (const auto old = combos_->find(combo.name); old != combos_->end())
      entry->turn = old->second->turn.load();
    entry->combo = std::move(combo);
    next->emplace(entry->combo.name, entry);
  }
  combos_ = std::move(next);
  return {};
}

std::shared_ptr<const Router::Combos> Router::combos() const {
  std::lock_guard lock(mutex_);
  return combos_;
}

Result<std::vector<Candidate>> Router::candidates(std::string_view model) {
  const auto connections = accounts_.snapshot();
  const auto providers = providers_.ids();
  const auto all = combos();
  const auto found = all->find(model);
  if (found == all->end()) {
    auto resolved = resolveTarget(model, *connections, providers);
    if (resolved || model.contains('/')) return resolved;
    std::vector<std::string> names;
    for (const auto& [name, entry] : *all) names.push_back(name);
    if (const auto near = nearestNames(model, names); !near.empty())
      resolved.error().message =
          fmt::format("there is no combo or account \"{}\"; did you mean {}?", model, near);
    return resolved;
  }
  ComboEntry& entry = *found->second;
  std::vector<Candidate> out;
  Error last;
  for (const Target& target : entry.combo.targets) {
    auto resolved = resolveTarget(target.text, *connections, providers);
    if (!resolved) {
      last = std::move(resolved.error());
      continue;  // a deleted account must not take the combo's others along
    }
    for (Candidate& c : *resolved)
      if (std::ranges::none_of(out, [&](const Candidate& o) {
            return o.connection_id == c.connection_id && o.model == c.model;
          }))
        out.push_back(std::move(c));
  }
  if (out.empty()) {
    last.message = fmt::format("no target of combo \"{}\" exists: {}", model, last.message);
    return std::unexpected(std::move(last));
  }
  if (entry.combo.strategy == Strategy::RoundRobin) {
    // Only the usable ones take turns, or the one after an unusable account would serve its share
    // too.
    const int64_t now = clock_.nowMs();
    const auto rest = std::stable_partition(out.begin(), out.end(), [&](const Candidate& c) {
      const auto connection = std::ranges::find(*connections, c.connection_id, &Connection::id);
      return connection != connections->end() && usableNow(*connection, now);
    });
    if (const auto usable = rest - out.begin(); usable > 0)
      std::rotate(out.begin(),
                  out.begin() + static_cast<std::ptrdiff_t>(entry.turn.fetch_add(1) %
                                                            static_cast<uint64_t>(usable)),
                  rest);
  }
  return out;
}

Result<> Router::complete(const chat::ChatRequest& request, chat::EventSink& sink,
                          const CancelToken& cancel, RouteReport& report) {
  auto targets = candidates(request.model);
  if (!targets) return std::unexpected(std::move(targets.error()));

  std::vector<std::string> passed_over;
  int64_t earliest = -1;
  Error last;
  // The request is only borrowed, and the model differs per target; everything else is shared.
  chat::ChatRequest outgoing = request;

  for (const Candidate& target : *targets) {
    // Anew per target: an attempt just made, or another request, may have cooled this account.
    const auto connections = accounts_.snapshot();
    const auto connection = std::ranges::find(*connections, target.connection_id, &Connection::id);
    if (connection == connections->end()) continue;
    if (const int64_t now = clock_.nowMs(); !usableNow(*connection, now)) {
      passed_over.push_back(stateText(*connection));
      if (const int64_t back = backAt(*connection); back >= 0 && (earliest < 0 || back < earliest))
        earliest = back;
      continue;
    }
    Provider* provider = providers_.find(target.provider);
    if (!provider) continue;
    outgoing.model = target.model;
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (cancel.cancelled()) return makeError(FailureKind::Cancelled, "the client has gone");
      report.attempts.push_back(
          {target.provider, target.connection_id, target.connection_name, target.model, false, {}});
      AttemptSink attempt_sink(sink);
      auto result = provider->complete(target.connection_id, outgoing, attempt_sink, cancel);
      if (result && !attempt_sink.content() && !attempt_sink.clientGone())
        result = makeError(FailureKind::EmptyResponse, "the provider sent an empty answer");
      if (attempt_sink.clientGone())
        return makeError(FailureKind::Cancelled, "the client has gone");
      if (result) {
        report.attempts.back().ok = true;
        accounts_.applySuccess(target.connection_id, clock_.nowMs());
        return {};
      }
      last = result.error();
      report.attempts.back().error = last;
      if (last.kind == FailureKind::Cancelled) return result;
      accounts_.applyFailure(target.connection_id, last, clock_.nowMs());
      const ErrorRule& rule = errorRule(last.kind);
      if (attempt_sink.content() || !rule.try_other) return result;
      if (!rule.retry_same) break;
    }
  }

  if (report.attempts.empty()) {
    Error error;
    error.kind = FailureKind::Unavailable;
    error.message = fmt::format("no account can serve \"{}\" now: {}", request.model,
                                fmt::join(passed_over, "; "));
    if (earliest >= 0) error.retry_after_ms = std::max<int64_t>(earliest - clock_.nowMs(), 1000);
    return std::unexpected(std::move(error));
  }
  std::vector<std::string> tried;
  for (const RouteAttempt& attempt : report.attempts) {
    std::string text =
        fmt::format("{}/{}: {}", attempt.provider, attempt.connection_name, attempt.error.message);
    if (tried.empty() || tried.back() != text) tried.push_back(std::move(text));
  }
  if (tried.size() + passed_over.size() == 1) {
    last.message = tried.front();
  } else {
    std::ranges::move(passed_over, std::back_inserter(tried));
    last.message = fmt::format("every account failed: {}", fmt::join(tried, "; "));
  }
  if (errorRule(last.kind).http_status >= 429 && last.retry_after_ms < 0) {
    const auto now_connections = accounts_.snapshot();
    for (const Candidate& target : *targets) {
      const auto c = std::ranges::find(*now_connections, target.connection_id, &Connection::id);
      if (c == now_connections->end()) continue;
      if (const int64_t back = backAt(*c); back >= 0 && (earliest < 0 || back < earliest))
        earliest = back;
    }
    if (earliest >= 0) last.retry_after_ms = std::max<int64_t>(earliest - clock_.nowMs(), 1000);
  }
  return std::unexpected(std::move(last));
}

Result<std::vector<ModelEntry>> Router::models() {
  std::vector<ModelEntry> out;
  for (const auto& [name, entry] : *combos()) out.push_back({name, "combo", 0, 0});
  for (const Connection& c : *accounts_.snapshot())
    if (c.state.state != AccountState::Disabled)
      out.push_back({c.provider + "/" + c.name, c.provider, 0, 0});
  return out;
}

}  // namespace omni::routing
