#pragma once
// Ports in memory, and a caller that runs a handler as the router would.

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "service/admin/local_scan.hpp"
#include "service/admin/routes.hpp"
#include "service/admin/routing_routes.hpp"
#include "service/admin/sign_in_routes.hpp"

namespace omni::admin::testing {

struct FakeClock final : Clock {
  int64_t now = 1767225600000;  // 2026-01-01T00:00:00Z
  int64_t steady = 5000;
  int64_t nowMs() const override { return now; }
  int64_t steadyMs() const override { return steady; }
};

struct FakeRandom final : Random {
  unsigned char next = 0;
  void fill(void* out, size_t size) override {
    for (size_t i = 0; i < size; ++i) static_cast<unsigned char*>(out)[i] = next++;
  }
};

struct FakeAccounts final : ConnectionStore {
  std::vector<Connection> rows;

  Connection* find(std::string_view id) {
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const Connection& c) { return c.id == id; });
    return row == rows.end() ? nullptr : &*row;
  }
  Result<std::vector<Connection>> list() override { return rows; }
  Result<Connection> get(std::string_view id) override {
    if (Connection* row = find(id)) return *row;
    return makeError(FailureKind::NotFound, "no row");
  }
  Result<> create(const Connection& connection, const std::vector<ValueChange>&) override {
    rows.push_back(connection);
    return {};
  }
  Result<> rename(std::string_view id, std::string_view name) override {
    for (const Connection& row : rows) {
      if (row.name != name || row.id == id) continue;
      auto taken = makeError(FailureKind::Conflict, "The name is taken.", "name");
      taken.error().conflict_id = row.id;
      return taken;
    }
    find(id)->name = name;
    return {};
  }
  Result<> setState(std::string_view id, const StateRecord& state) override {
    find(id)->state = state;
    return {};
  }
  Result<> remove(std::string_view id) override {
    std::erase_if(rows, [&](const Connection& c) { return c.id == id; });
    return {};
  }
  Result<> commit(std::string_view, const std::vector<ValueChange>&) override { return {}; }
  Result<> replace(std::string_view id, const std::vector<ValueChange>&,
                   const StateRecord& state) override {
    return setState(id, state);
  }
  Result<std::optional<std::string>> value(std::string_view, std::string_view) override {
    return std::nullopt;
  }
  Result<std::optional<std::string>> findByFingerprint(std::string_view,
                                                       std::string_view) override {
    return std::nullopt;
  }
};

struct FakeCombos final : ComboStore {
  std::vector<routing::Combo> rows;
  bool broken = false;
  Result<std::vector<routing::Combo>> listCombos() override {
    if (broken) return makeError(FailureKind::Unavailable, "The database is locked.");
    return rows;
  }
  Result<> putCombo(const routing::Combo& combo) override {
    for (routing::Combo& row : rows) {
      if (row.id != combo.id) continue;
      row = combo;
      return {};
    }
    rows.push_back(combo);
    return {};
  }
  Result<> removeCombo(std::string_view id) override {
    std::erase_if(rows, [&](const routing::Combo& c) { return c.id == id; });
    return {};
  }
};

struct FakeProvider final : Provider {
  explicit FakeProvider(ConnectionStore& store) : accounts(store) {}

  ConnectionStore& accounts;
  std::optional<Error> failure;  // what every call ends with
  std::string answer = "{}";     // what control() gives
  std::string finished;          // the name that a draft was finished with
  bool name_taken = false;       // every name, but not the one that a draft makes up
  std::string method, input, connection_id;

  std::string_view id() const override { return "kiro"; }
  Result<> complete(std::string_view, const chat::ChatRequest&, chat::EventSink&,
                    const CancelToken&) override {
    return {};
  }
  Result<std::string> control(std::string_view connection, std::string_view called,
                              std::string_view given, const CancelToken&) override {
    connection_id = connection;
    method = called;
    input = given;
    if (failure) return std::unexpected(*failure);
    return answer;
  }
  Result<std::unique_ptr<AccountDraft>> draft(std::string_view replace_id) override;
};

// Answers as its provider does; finish() makes the connection "new-id".
struct FakeDraft final : AccountDraft {
  FakeDraft(FakeProvider& owner, std::string replaces)
      : provider(owner), id(replaces.empty() ? "new-id" : replaces), replace(!replaces.empty()) {}
  FakeProvider& provider;
  std::string id;
  bool replace;
  std::string_view connectionId() const override { return id; }
  Result<std::string> control(std::string_view method, std::string_view input,
                              const CancelToken& cancel) override {
    return provider.control(id, method, input, cancel);
  }
  Result<std::string> finish(std::string_view name) override {
    provider.finished = name;
    if (replace) return id;
    if (provider.name_taken && !name.empty())
      return makeError(FailureKind::Conflict, "the name is taken", "name");
    Connection made;
    made.id = id;
    made.provider = "kiro";
    made.name = name.empty() ? "kiro-1" : std::string(name);
    made.values = {{"clientId", "client-1"}, {"region", "us-east-1"}, {"isolation", "registered"}};
    made.secret_keys = {"refreshToken"};
    if (auto done = provider.accounts.create(made, {}); !done) return std::unexpected(done.error());
    return id;
  }
};

inline Result<std::unique_ptr<AccountDraft>> FakeProvider::draft(std::string_view replace_id) {
  return std::make_unique<FakeDraft>(*this, std::string(replace_id));
}

struct FakeProviders final : ProviderRegistry {
  FakeProvider* kiro = nullptr;
  Provider* find(std::string_view id) override { return id == "kiro" ? kiro : nullptr; }
  std::vector<std::string> ids() const override { return {"kiro"}; }
};

struct FakeAudit final : AuditLog {
  std::vector<AuditEntry> entries;  // oldest first
  Result<> record(const AuditEntry& entry) override {
    entries.push_back(entry);
    entries.back().id = static_cast<int64_t>(entries.size());
    return {};
  }
  Result<std::vector<AuditEntry>> list(std::string_view subject, int64_t before,
                                       int limit) override {
    std::vector<AuditEntry> out;
    for (auto it = entries.rbegin(); it != entries.rend(); ++it)
      if ((subject.empty() || it->subject_id == subject) && (before == 0 || it->id < before) &&
          out.size() < static_cast<size_t>(limit))
        out.push_back(*it);
    return out;
  }
};

struct FakeHealth final : HealthStore {
  std::map<std::string, HealthRecord, std::less<>> records;
  Result<std::map<std::string, HealthRecord, std::less<>>> all() override { return records; }
  Result<> put(std::string_view id, const HealthRecord& record) override {
    records[std::string(id)] = record;
    return {};
  }
};

struct FakeWriter final : http::ResponseWriter {
  std::map<std::string, std::string> headers;
  int status = 0;
  std::string type, body;
  NeverCancelled never;

  void setHeader(std::string name, std::string value) override { headers[name] = std::move(value); }
  void send(int code, std::string_view content_type, std::string_view bytes) override {
    status = code;
    type = content_type;
    body = bytes;
  }
  bool ended = false;
  bool startStream(int code, std::string_view content_type) override {
    status = code;
    type = content_type;
    return true;
  }
  bool write(std::string_view bytes) override {
    body += bytes;
    return true;
  }
  void endStream(std::string_view last) override {
    body += last;
    ended = true;
  }
  bool committed() const override { return status != 0; }
  const CancelToken& cancel() const override { return never; }
};

// Shows what it was asked, and one candidate of each kind.
inline Result<routing::Explanation> explain(const chat::ChatRequest& request) {
  routing::Explanation out;
  out.model = std::string(request.model) + ":" + std::string(request.session) + ":" +
              std::string(request.connection);
  routing::ExplainedCandidate line;
  line.provider = "kiro";
  line.connection_name = "kiro-dev";
  line.verdict = "picked";
  out.candidates.push_back(line);
  line.connection_name = "kiro-pro";
  line.verdict = "excluded";
  line.until_ms = 1767225660000;
  out.candidates.push_back(line);
  return out;
}

class FakeQuota final : public QuotaView {
 public:
  std::optional<QuotaReading> quota(std::string_view connection_id) const override {
    const auto found = readings.find(connection_id);
    return found == readings.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<std::string, QuotaReading, std::less<>> readings;
};

// A service with two accounts, kiro-dev (id-dev) and kiro-pro (id-pro), and no combo.
struct World {
  FakeClock clock;
  FakeRandom random;
  FakeAccounts accounts;
  FakeCombos combos;
  AccountDirectory directory{accounts};
  FakeProvider kiro{directory};
  FakeProviders providers;
  int combo_changes = 0;
  std::string plugins = R"([{"id":"kiro","status":"loaded"},{"id":"bad","status":"refused"}])";
  SignIns sign_ins{providers, directory, clock, random, {}};
  FakeAudit audit;
  FakeHealth health;
  FakeQuota quota;
  Keeper keeper{directory, providers, health, clock, random, {}};
  http::RouteTable table;
  std::string everything;  // all bodies so far
  bool loopback = true;
  std::map<std::string, std::string> sent;  // further request headers
  std::string content_type = "application/json";
  std::string accept;

  World() {
    providers.kiro = &kiro;
    for (const char* word : {"dev", "pro"}) {
      Connection row;
      row.id = std::string("id-") + word;
      row.provider = "kiro";
      row.name = std::string("kiro-") + word;
      row.created_ms = row.updated_ms = row.state.since_ms = clock.now;
      row.values = {{"clientId", std::string("client-") + word},
                    {"clientSecretExpiresAt", "1775001600000"},
                    {"region", "eu-west-1"}};
      row.secret_keys = {"accessToken", "clientSecret", "refreshToken"};
      accounts.rows.push_back(row);
    }
    addAdminRoutes(table, {directory,
                           providers,
                           combos,
                           clock,
                           random,
                           "1.2.3",
                           [this] { return plugins; },
                           [this] { ++combo_changes; },
                           {},
                           {},
                           &audit,
                           &keeper,
                           nullptr,
                           &quota});
    addRoutingRoutes(table, {combos, explain});
    addSignInRoutes(table, {sign_ins, directory, clock});
    addLocalScanRoutes(table, {directory, providers, clock, &audit});
  }

  const http::Route& route(std::string_view method, std::string_view pattern) const {
    const auto found = std::find_if(table.begin(), table.end(), [&](const http::Route& r) {
      return r.method == method && r.pattern == pattern;
    });
    if (found == table.end()) throw std::runtime_error("no such route");
    return *found;
  }

  FakeWriter call(std::string_view method, std::string_view pattern, std::string body = {},
                  std::map<std::string, std::string> params = {},
                  std::multimap<std::string, std::string> query = {}) {
    http::Request request;
    request.method = method;
    request.path = pattern;
    request.body = std::move(body);
    request.params = std::move(params);
    request.query = std::move(query);
    request.loopback = loopback;
    request.header = [this](std::string_view name) {
      if (const auto found = sent.find(std::string(name)); found != sent.end())
        return found->second;
      return name == "content-type" ? content_type : name == "accept" ? accept : std::string();
    };
    (void)directory.load();  // tests change the rows behind its back
    FakeWriter writer;
    route(method, pattern).handler(request, writer);
    everything += writer.body;
    return writer;
  }
};

inline boost::json::object object(const FakeWriter& writer) {
  return boost::json::parse(writer.body).as_object();
}
inline std::string text(const boost::json::value& value) {
  return std::string(value.as_string());
}

}  // namespace omni::admin::testing
