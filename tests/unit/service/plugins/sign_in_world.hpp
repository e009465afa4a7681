#pragma once
// AWS's and Kiro's sign-in services as far as an account's life needs them, strict as the real
// ones, behind the port that plugins call through; and a store that a restart does not empty. It
// knows which account made each call, so it sees every mix-up.

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/ports/store.hpp"
#include "core/ports/upstream.hpp"

namespace omni::plugins::testing {

class DurableStore final : public ConnectionStore {
 public:
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
    return change(id, [&](Row& row) { apply(row, values); });
  }
  Result<> replace(std::string_view id, const std::vector<ValueChange>& values,
                   const StateRecord& state) override {
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
  // Is this the token that the account's session lives by now?
  bool alive(const std::string& token) {
    std::lock_guard lock(mutex_);
    return live_.contains(token);
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
    ++calls_;
    auto [status, body, trouble] = answer(who, url, std::string(request.body));
    if (refresh) linger();
    if (refresh) leave(who);
    if (trouble == Trouble::BeforeItArrived || trouble == Trouble::AnswerLost)
      return makeError(FailureKind::Network, "connection reset");
    if (auto fine = on_response(status, {{"content-type", "application/json"}}); !fine) return fine;
    return on_body(body);
  }

 private:
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
  // The answer is on its way while others go on: until they have made a few calls, or do nothing.
  void linger() {
    const int seen = ++calls_;
    for (int i = 0; i < 300 && calls_ < seen + 4; ++i) std::this_thread::yield();
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
      clients_[id] = who;
      out.body = boost::json::serialize(
          boost::json::object{{"clientId", id},
                              {"clientSecret", "secret-of-" + id},
                              {"clientSecretExpiresAt", clock_.nowMs() / 1000 + 90 * 86'400}});
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

  void checkClient(const std::string& who, const std::string& id, const std::string& secret) {
    const auto client = clients_.find(id);
    if (client == clients_.end() || client->second != who)
      mistake(who + " used the registration of " +
              (client == clients_.end() ? "nobody: " + id : client->second));
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
  std::map<std::string, std::string> clients_;  // id -> account
  std::map<std::string, Token> devices_;
  std::map<std::string, int> flying_;
  std::vector<std::string> mistakes_;
  std::atomic<int> refreshes_{0};
  std::atomic<int> calls_{0};
};

}  // namespace omni::plugins::testing
