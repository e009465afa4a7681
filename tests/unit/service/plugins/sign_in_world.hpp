#pragma once
// AWS's and Kiro's sign-in services as far as an account's life needs them, strict as the real
// ones, behind the port that plugins call through; and a store that a restart does not empty. It
// knows which account made each call, so it sees every mix-up.

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/ports/clock.hpp"
#include "core/ports/store.hpp"
#include "core/ports/upstream.hpp"

namespace omni::plugins::testing {

class DurableStore final : public ConnectionStore {
 public:
  // The disk is full: nothing is written.
  std::atomic<bool> broken{false};
  // Or so from time to time, in percent of the writes of values.
  std::atomic<int> failing_percent{0};

  Result<std::vector<Connection>> list() override {
    std::lock_guard lock(mutex_);
    std::vector<Connection> out;
    for (const auto& [id, row] : rows_) out.push_back(row.connection);
    return out;
  }
  Result<Connection> get(std::string_view id) override {
    std::lock_guard lock(mutex_);
    const auto row = rows_.find(id);
    if (row == rows_.end()) return missing();
    return row->second.connection;
  }
  Result<> create(const Connection& connection, const std::vector<ValueChange>& values) override {
    std::lock_guard lock(mutex_);
    Row row{connection, {}};
    apply(row, values);
    rows_[connection.id] = std::move(row);
    return {};
  }
  Result<> rename(std::string_view id, std::string_view name) override {
    return change(id, [&](Row& row) { row.connection.name = name; });
  }
  Result<> setState(std::string_view id, const StateRecord& state) override {
    return change(id, [&](Row& row) { row.connection.state = state; });
  }
  Result<> remove(std::string_view id) override {
    std::lock_guard lock(mutex_);
    if (const auto row = rows_.find(id); row != rows_.end()) rows_.erase(row);
    return {};
  }
  Result<> commit(std::string_view id, const std::vector<ValueChange>& values) override {
    if (fails()) return full();
    return change(id, [&](Row& row) { apply(row, values); });
  }
  Result<> replace(std::string_view id, const std::vector<ValueChange>& values,
                   const StateRecord& state) override {
    if (fails()) return full();
    return change(id, [&](Row& row) {
      apply(row, values);
      row.connection.state = state;
    });
  }
  Result<std::optional<std::string>> value(std::string_view id, std::string_view key) override {
    std::lock_guard lock(mutex_);
    const auto row = rows_.find(id);
    if (row == rows_.end()) return missing();
    if (const auto plain = row->second.connection.values.find(key);
        plain != row->second.connection.values.end())
      return plain->second;
    const auto secret = row->second.secrets.find(key);
    if (secret == row->second.secrets.end()) return std::nullopt;
    return secret->second;
  }
  Result<std::optional<std::string>> findByFingerprint(std::string_view provider,
                                                       std::string_view fingerprint) override {
    std::lock_guard lock(mutex_);
    for (const auto& [id, row] : rows_) {
      const auto found = row.connection.values.find("fingerprint");
      if (row.connection.provider == provider && found != row.connection.values.end() &&
          found->second == fingerprint)
        return id;
    }
    return std::nullopt;
  }
  std::string secret(std::string_view id, std::string_view key) {
    auto found = value(id, key);
    return found && *found ? **found : std::string();
  }

 private:
  struct Row {
    Connection connection;
    std::map<std::string, std::string, std::less<>> secrets;
  };
  bool fails() {
    if (broken) return true;
    if (failing_percent <= 0) return false;
    std::lock_guard lock(mutex_);
    return static_cast<int>(chance_() % 100) < failing_percent;
  }
  static std::unexpected<Error> full() {
    return makeError(FailureKind::Unavailable, "the disk is full");
  }
  static std::unexpected<Error> missing() {
    return makeError(FailureKind::NotFound, "no such connection");
  }
  static void apply(Row& row, const std::vector<ValueChange>& values) {
    for (const ValueChange& change : values) {
      row.connection.values.erase(change.key);
      row.secrets.erase(change.key);
      std::erase(row.connection.secret_keys, change.key);
      if (!change.value) continue;
      if (change.secret) {
        row.secrets[change.key] = *change.value;
        row.connection.secret_keys.push_back(change.key);
      } else {
        row.connection.values[change.key] = *change.value;
      }
    }
  }
  template <typename Edit>
  Result<> change(std::string_view id, Edit&& edit) {
    std::lock_guard lock(mutex_);
    const auto row = rows_.find(id);
    if (row == rows_.end()) return missing();
    edit(row->second);
    return {};
  }
  std::mutex mutex_;
  std::mt19937_64 chance_{7};
  std::map<std::string, Row, std::less<>> rows_;
};

enum class Trouble { None, BeforeItArrived, ServerError, TooManyRequests, AnswerLost };

class SignInWorld final : public UpstreamClient {
 public:
  SignInWorld(Clock& clock, uint64_t seed) : clock_(clock), chance_(seed) {}

  // How often a call goes wrong, in percent.
  std::atomic<int> trouble_percent{0};
  std::atomic<bool> approve{true};
  std::atomic<bool> lose_answers{true};
  std::atomic<bool> lingers{false};  // answers take their time; needs other threads

  // A token as another tool holds it: it belongs to nobody here until it is first shown.
  std::string tokenOfAnotherTool() {
    std::lock_guard lock(mutex_);
    return newToken("", "");
  }

  // What went against the rules; empty: nothing.
  std::vector<std::string> mistakes() {
    std::lock_guard lock(mutex_);
    return mistakes_;
  }
  // Is this a token that the account's session lives by now, at the client that the account would
  // show it with (empty: Kiro's own service)?
  bool alive(const std::string& account, const std::string& token, const std::string& client) {
    std::lock_guard lock(mutex_);
    const auto known = tokens_.find(token);
    return live_.contains(token) && known->second.client == client &&
           (known->second.account == account || known->second.account.empty());
  }
  // Did an answer with a new token get lost on its way? Then nobody can know that token.
  bool lost(const std::string& token) {
    std::lock_guard lock(mutex_);
    return lost_.contains(token);
  }
  int refreshes() const { return refreshes_.load(); }

  Result<> call(std::string_view account, const HttpCall& request, const OnResponse& on_response,
                const OnBody& on_body, const CancelToken& cancel) override {
    if (cancel.cancelled()) return makeError(FailureKind::Cancelled, "cancelled");
    const std::string who(account), url(request.url);
    const bool refresh = url.ends_with("/refreshToken") ||
                         (url.ends_with("/token") &&
                          std::string(request.body).find("\"refresh_token\"") != std::string::npos);
    if (refresh) enter(who);
    {
      std::lock_guard lock(calls_mutex_);
      ++calls_;
    }
    called_.notify_all();
    auto [status, body, trouble] = answer(who, url, std::string(request.body));
    if (refresh) linger();
    if (refresh) leave(who);
    if (trouble == Trouble::BeforeItArrived || trouble == Trouble::AnswerLost)
      return makeError(FailureKind::Network, "connection reset");
    if (auto fine = on_response(status, {{"content-type", "application/json"}}); !fine) return fine;
    return on_body(body);
  }

 private:
  static constexpr int64_t kDay = 24 * 3'600'000;
  struct Token {
    std::string account, client;
  };
  struct Answer {
    int status;
    std::string body;
    Trouble trouble = Trouble::None;
  };

  std::string newToken(const std::string& account, const std::string& client) {
    std::string token = "aorAAAAAG" + std::to_string(++serial_) + "-";
    token.resize(128, 'x');
    tokens_[token] = {account, client};
    live_.insert(token);
    return token;
  }
  // The answer is on its way while others go on: until they have made so many calls that a whole
  // sign-in fits in between, or do nothing.
  void linger() {
    if (!lingers) return;
    std::unique_lock lock(calls_mutex_);
    const int seen = calls_;
    called_.wait_for(lock, std::chrono::milliseconds(3), [&] { return calls_ >= seen + 12; });
  }
  void mistake(std::string what) { mistakes_.push_back(std::move(what)); }
  void enter(const std::string& who) {
    std::lock_guard lock(mutex_);
    if (++flying_[who] > 1) mistake("two refreshes of " + who + " in flight");
  }
  void leave(const std::string& who) {
    std::lock_guard lock(mutex_);
    --flying_[who];
    ++refreshes_;
  }

  Trouble luck() {
    if (static_cast<int>(chance_() % 100) >= trouble_percent.load()) return Trouble::None;
    switch (chance_() % (lose_answers ? 4 : 3)) {
      case 0:
        return Trouble::BeforeItArrived;
      case 1:
        return Trouble::ServerError;
      case 2:
        return Trouble::TooManyRequests;
      default:
        return Trouble::AnswerLost;
    }
  }

  Answer answer(const std::string& who, const std::string& url, const std::string& body) {
    std::lock_guard lock(mutex_);
    const Trouble trouble = luck();
    if (trouble == Trouble::BeforeItArrived) return {0, {}, trouble};
    if (trouble == Trouble::ServerError) return {500, R"({"message":"internal"})"};
    if (trouble == Trouble::TooManyRequests)
      return {429, R"({"error":"slow_down","message":"slow down"})"};
    boost::system::error_code failed;
    const boost::json::value parsed = boost::json::parse(body, failed);
    const boost::json::object in =
        !failed && parsed.is_object() ? parsed.get_object() : boost::json::object{};
    const auto member = [&](std::string_view key) {
      const auto* value = in.if_contains(key);
      return value && value->is_string() ? std::string(value->get_string()) : std::string();
    };
    Answer out{200, "{}", trouble};
    if (url.ends_with("/client/register")) {
      const std::string id = "client-" + std::to_string(++serial_);
      clients_[id] = {who, clock_.nowMs() + 90 * kDay};
      out.body = boost::json::serialize(
          boost::json::object{{"clientId", id},
                              {"clientSecret", "secret-of-" + id},
                              {"clientSecretExpiresAt", (clock_.nowMs() + 90 * kDay) / 1000}});
    } else if (url.ends_with("/device_authorization")) {
      checkClient(who, member("clientId"), member("clientSecret"));
      const std::string code = "device-" + std::to_string(++serial_);
      devices_[code] = {who, member("clientId")};
      out.body = boost::json::serialize(boost::json::object{{"deviceCode", code},
                                                            {"userCode", "AAAA-BBBB"},
                                                            {"verificationUri", "https://v/"},
                                                            {"expiresIn", 600},
                                                            {"interval", 1}});
    } else if (url.ends_with("/token") && member("grantType") != "refresh_token") {
      checkClient(who, member("clientId"), member("clientSecret"));
      const auto device = devices_.find(member("deviceCode"));
      if (device == devices_.end() || device->second.account != who) {
        mistake(who + " polled a code of " +
                (device == devices_.end() ? "nobody" : device->second.account));
        return {400, R"({"error":"invalid_grant"})"};
      }
      if (!approve) return {400, R"({"error":"authorization_pending"})"};
      grant(who, member("clientId"), {}, out);
    } else if (url.ends_with("/token") && expired(member("clientId"))) {
      out = {401, R"({"error":"invalid_client","error_description":"Client is expired"})"};
    } else if (url.ends_with("/token")) {
      checkClient(who, member("clientId"), member("clientSecret"));
      rotate(who, member("refreshToken"), member("clientId"), out);
    } else if (url.ends_with("/refreshToken")) {
      rotate(who, member("refreshToken"), "", out);
    } else if (url.find("management") != std::string::npos || url.find("q.") != std::string::npos) {
      out.body = R"({"profiles":[],"usageBreakdownList":[]})";
    }
    return out;
  }

  bool expired(const std::string& client) const {
    const auto known = clients_.find(client);
    return known != clients_.end() && clock_.nowMs() >= known->second.ends_ms;
  }
  void checkClient(const std::string& who, const std::string& id, const std::string& secret) {
    const auto client = clients_.find(id);
    if (client == clients_.end() || client->second.account != who)
      mistake(who + " used the registration of " +
              (client == clients_.end() ? "nobody: " + id : client->second.account));
    else if (secret != "secret-of-" + id)
      mistake(who + " mixed a client id with the secret of another");
  }

  void rotate(const std::string& who, const std::string& token, const std::string& client,
              Answer& out) {
    const auto known = tokens_.find(token);
    if (known == tokens_.end()) {
      mistake(who + " showed a token that was never issued");
    } else {
      if (known->second.account.empty()) known->second.account = who;  // imported by this account
      if (known->second.account != who)
        mistake(who + " showed a token of " + known->second.account);
    }
    // Strict: only the client that a token was issued to may use it.
    if (known == tokens_.end() || !live_.contains(token) || known->second.client != client) {
      out = {client.empty() ? 401 : 400,
             client.empty() ? R"({"message":"Bad credentials"})" : R"({"error":"invalid_grant"})"};
      return;
    }
    live_.erase(token);
    if (out.trouble == Trouble::AnswerLost) lost_.insert(token);
    grant(who, client, token, out);
  }

  void grant(const std::string& who, const std::string& client, const std::string&, Answer& out) {
    out.body = boost::json::serialize(
        boost::json::object{{"accessToken", "aoaAAAAAG" + std::to_string(++serial_)},
                            {"refreshToken", newToken(who, client)},
                            {"expiresIn", 3600}});
  }

  Clock& clock_;
  std::mutex mutex_;
  std::mt19937_64 chance_;
  uint64_t serial_ = 0;
  std::map<std::string, Token> tokens_;
  std::set<std::string> live_, lost_;
  struct Client {
    std::string account;
    int64_t ends_ms = 0;
  };
  std::map<std::string, Client> clients_;
  std::map<std::string, Token> devices_;
  std::map<std::string, int> flying_;
  std::vector<std::string> mistakes_;
  std::atomic<int> refreshes_{0};
  std::mutex calls_mutex_;
  std::condition_variable called_;
  int calls_ = 0;  // guarded by calls_mutex_
};

}  // namespace omni::plugins::testing
