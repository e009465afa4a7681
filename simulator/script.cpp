#include "simulator/script.hpp"

#include <algorithm>

#include "simulator/random.hpp"

namespace omni::sim {
namespace {

constexpr std::size_t kKeptRequests = 1000;
constexpr std::size_t kKeptBody = 64 * 1024;

// Targets are dotted: "oidc" covers "oidc.token".
bool covers(std::string_view fault, std::string_view target) {
  return fault == "*" || fault == target ||
         (target.size() > fault.size() && target.starts_with(fault) && target[fault.size()] == '.');
}

}  // namespace

void Script::addTurn(json::object turn) {
  const std::lock_guard lock(mutex_);
  turns_.push_back(std::move(turn));
  turn_count_ = turns_.size();
}

void Script::clearTurns() {
  const std::lock_guard lock(mutex_);
  turns_.clear();
  turn_count_ = 0;
}

std::optional<json::object> Script::takeTurn(const std::string& account) {
  if (turn_count_.load(std::memory_order_relaxed) == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto fits = [&](const json::object& turn, bool own) {
    const auto wanted = text(turn, "account");
    return own ? wanted == account : wanted.empty();
  };
  // An account's own turns come before the common ones.
  for (const bool own : {true, false}) {
    const auto found =
        std::ranges::find_if(turns_, [&](const auto& turn) { return fits(turn, own); });
    if (found == turns_.end()) continue;
    auto turn = *found;
    const auto repeat = integer(turn, "repeat", 1);
    if (repeat > 1) {
      (*found)["repeat"] = repeat - 1;
    } else if (repeat >= 0) {
      turns_.erase(found);
    }
    turn_count_ = turns_.size();
    return turn;
  }
  return std::nullopt;
}

json::object Script::addFault(const json::object& spec) {
  Fault fault;
  fault.target = text(spec, "target", "*");
  fault.account = text(spec, "account");
  fault.mode = text(spec, "mode", "status");
  fault.status = static_cast<int>(integer(spec, "status", 500));
  fault.count = integer(spec, "count", 1);
  fault.delay_ms =
      static_cast<int>(integer(spec, "delayMs", fault.mode == "stall" ? 120000 : 2000));
  if (const auto* body = member(spec, "body")) {
    fault.body = body->is_string() ? text(body) : json::serialize(*body);
  }
  if (const auto* headers = object(member(spec, "headers"))) {
    for (const auto& [key, value] : *headers) {
      fault.headers.emplace_back(key, value.is_string() ? text(&value) : json::serialize(value));
    }
  }
  const std::lock_guard lock(mutex_);
  fault.id = next_fault_++;
  faults_.push_back(fault);
  fault_count_ = faults_.size();
  return {{"id", fault.id}};
}

void Script::clearFaults() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
  fault_count_ = 0;
}

std::optional<Fault> Script::takeFault(const std::vector<std::string>& targets,
                                       const std::string& account) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(faults_, [&](const Fault& fault) {
    if (!fault.account.empty() && fault.account != account) return false;
    return std::ranges::any_of(targets, [&](const auto& t) { return covers(fault.target, t); });
  });
  if (found == faults_.end()) return std::nullopt;
  Fault out = *found;
  const bool last = found->count == 1;
  if (found->count > 0) --found->count;
  if (last) faults_.erase(found);
  fault_count_ = faults_.size();
  return out;
}

json::object Script::state() const {
  const std::lock_guard lock(mutex_);
  json::array faults;
  for (const auto& fault : faults_) {
    faults.push_back({{"id", fault.id},
                      {"target", fault.target},
                      {"account", fault.account},
                      {"mode", fault.mode},
                      {"status", fault.status},
                      {"count", fault.count}});
  }
  return {{"turns", turns_.size()}, {"faults", std::move(faults)}};
}

void Script::clear() {
  const std::lock_guard lock(mutex_);
  turns_.clear();
  faults_.clear();
  turn_count_ = 0;
  fault_count_ = 0;
}

void Recorder::record(const Request& request, std::int64_t now) {
  Entry entry{0, now, request, request.body.size() > kKeptBody};
  if (entry.truncated) entry.request.body.resize(kKeptBody);
  for (auto& [name, value] : entry.request.headers) {
    if (name.size() == 13 && (name[0] | 32) == 'a' && (name[12] | 32) == 'n') {
      value = "redacted:" + shortHash(value.starts_with("Bearer ") ? value.substr(7) : value);
    }
  }
  const std::lock_guard lock(mutex_);
  entry.number = next_++;
  entries_.push_back(std::move(entry));
  if (entries_.size() > kKeptRequests) entries_.pop_front();
}

json::array Recorder::list() const {
  const std::lock_guard lock(mutex_);
  json::array out;
  for (const auto& entry : entries_) {
    json::object headers;
    for (const auto& [name, value] : entry.request.headers) {
      std::string lower = name;
      std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
      headers[lower] = value;
    }
    boost::system::error_code error;
    auto body = json::parse(entry.request.body, error);
    if (error) body = json::value(entry.request.body);
    out.push_back({{"number", entry.number},
                   {"at", entry.at},
                   {"method", entry.request.method},
                   {"path", entry.request.path},
                   {"peer", entry.request.peer},
                   {"query", entry.request.query},
                   {"headers", std::move(headers)},
                   {"body", std::move(body)},
                   {"bodyTruncated", entry.truncated}});
  }
  return out;
}

void Recorder::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace omni::sim
