#pragma once
// In-memory stand-ins for what the registry needs.

#include <algorithm>
#include <atomic>
#include <mutex>

#include "service/plugins/registry.hpp"

namespace omni::plugins::testing {

class MemoryStore final : public ConnectionStore {
 public:
  struct Row {
    Connection connection;
    std::map<std::string, ValueChange, std::less<>> values;
  };
  Result<std::vector<Connection>> list() override {
    std::lock_guard lock(mutex);
    std::vector<Connection> out;
    for (const auto& [id, row] : rows) out.push_back(row.connection);
    return out;
  }
  Result<Connection> get(std::string_view id) override {
    std::lock_guard lock(mutex);
    auto it = rows.find(id);
    if (it == rows.end()) return makeError(FailureKind::NotFound, "no such connection");
    return it->second.connection;
  }
  Result<> create(const Connection& connection, const std::vector<ValueChange>& values) override {
    std::lock_guard lock(mutex);
    for (const auto& [id, row] : rows) {
      if (row.connection.provider != connection.provider || row.connection.name != connection.name)
        continue;
      Error error;
      error.kind = FailureKind::Conflict;
      error.conflict_id = id;
      return std::unexpected(error);
    }
    Row& row = rows[connection.id];
    row.connection = connection;
    for (const ValueChange& change : values) row.values[change.key] = change;
    return {};
  }
  Result<> rename(std::string_view, std::string_view) override { return {}; }
  Result<> setState(std::string_view, const StateRecord&) override { return {}; }
  Result<> remove(std::string_view) override { return {}; }
  Result<> commit(std::string_view id, const std::vector<ValueChange>& values) override {
    std::lock_guard lock(mutex);
    if (fail_commit) return makeError(FailureKind::Internal, "the disk is full");
    auto it = rows.find(id);
    if (it == rows.end()) return makeError(FailureKind::NotFound, "no such connection");
    for (const ValueChange& change : values) {
      if (change.value)
        it->second.values[change.key] = change;
      else
        it->second.values.erase(change.key);
    }
    return {};
  }
  Result<> replace(std::string_view id, const std::vector<ValueChange>& values,
                   const StateRecord& state) override {
    if (auto done = commit(id, values); !done) return done;
    std::lock_guard lock(mutex);
    rows.find(id)->second.connection.state = state;
    return {};
  }
  Result<std::optional<std::string>> value(std::string_view id, std::string_view key) override {
    std::lock_guard lock(mutex);
    auto it = rows.find(id);
    if (it == rows.end()) return std::nullopt;
    auto found = it->second.values.find(key);
    return found == it->second.values.end() ? std::nullopt : found->second.value;
  }
  Result<std::optional<std::string>> findByFingerprint(std::string_view provider,
                                                       std::string_view fingerprint) override {
    std::lock_guard lock(mutex);
    for (const auto& [id, row] : rows) {
      auto found = row.values.find("fingerprint");
      if (row.connection.provider == provider && found != row.values.end() &&
          found->second.value == fingerprint)
        return id;
    }
    return std::nullopt;
  }
  void add(const std::string& id, const std::string& provider) {
    Connection connection;
    connection.id = id;
    connection.provider = provider;
    connection.name = id;
    rows[id].connection = connection;
  }

  std::mutex mutex;
  std::map<std::string, Row, std::less<>> rows;
  bool fail_commit = false;
};

class FakeUpstream final : public UpstreamClient {
 public:
  Result<> call(std::string_view account_key, const HttpCall& request,
                const OnResponse& on_response, const OnBody& on_body,
                const CancelToken& cancel) override {
    if (cancel.cancelled()) return makeError(FailureKind::Cancelled, "cancelled");
    key = account_key;
    url = request.url;
    body = request.body;
    idempotent = request.idempotent;
    finish = request.finish;
    if (failure) return std::unexpected(*failure);
    if (auto ok = on_response(201, {{"X-A", "b"}}); !ok) return ok;
    for (const char* piece : {"he", "llo"})
      if (auto ok = on_body(piece); !ok) return ok;
    return {};
  }
  std::string key, url, body;
  bool idempotent = false, finish = false;
  std::optional<Error> failure;
};

class FakeClock final : public Clock {
 public:
  int64_t nowMs() const override { return 1234; }
  int64_t steadyMs() const override { return 0; }
};

class CountingRandom final : public Random {
 public:
  void fill(void* out, size_t size) override {
    for (size_t i = 0; i < size; ++i) static_cast<unsigned char*>(out)[i] = next++;
  }
  std::atomic<unsigned char> next{0};
};

struct World {
  MemoryStore store;
  FakeUpstream upstream;
  FakeClock clock;
  CountingRandom random;
  std::mutex log_mutex;
  std::vector<std::string> logged;

  Deps deps() {
    return {store,
            upstream,
            clock,
            random,
            [this](LogLevel, std::string_view plugin, std::string_view message) {
              std::lock_guard lock(log_mutex);
              logged.push_back(std::string(plugin) + ": " + std::string(message));
            },
            [](std::string_view plugin, std::string_view key) -> std::optional<std::string> {
              if (plugin == "sample" && key == "endpoint") return "http://sample";
              return std::nullopt;
            }};
  }
  bool hasLogged(std::string_view text) {
    std::lock_guard lock(log_mutex);
    return std::any_of(logged.begin(), logged.end(),
                       [&](const std::string& line) { return line.find(text) != line.npos; });
  }
};

}  // namespace omni::plugins::testing
