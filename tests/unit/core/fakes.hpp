#pragma once
// A store in memory, a clock that stands still and providers that follow a script.

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/ports/clock.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/store.hpp"
#include "core/ports/waiter.hpp"

namespace omni::testing {

class FakeClock final : public Clock {
 public:
  int64_t nowMs() const override { return now; }
  int64_t steadyMs() const override { return now; }
  int64_t now = 1'700'000'000'000;
};

class FakeRandom final : public Random {
 public:
  void fill(void* out, size_t size) override {
    for (size_t i = 0; i < size; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      static_cast<unsigned char*>(out)[i] = static_cast<unsigned char>(state_ >> 56);
    }
  }

 private:
  uint64_t state_ = 1;
};

// Moves the clock instead of sleeping.
class FakeWaiter final : public Waiter {
 public:
  explicit FakeWaiter(FakeClock& clock) : clock_(clock) {}
  bool wait(int64_t ms, const CancelToken& cancel) override {
    clock_.now += ms;
    waited += ms;
    ++waits;
    return !cancel.cancelled();
  }
  int64_t waited = 0;
  int waits = 0;

 private:
  FakeClock& clock_;
};

inline Connection account(std::string provider, std::string name) {
  Connection out;
  out.id = "id-" + name;
  out.provider = std::move(provider);
  out.name = std::move(name);
  return out;
}

class MemoryStore final : public ConnectionStore, public ComboStore {
 public:
  Result<std::vector<Connection>> list() override { return rows; }
  Result<Connection> get(std::string_view id) override {
    if (unreadable) return makeError(FailureKind::Internal, "read failed");
    for (const Connection& row : rows)
      if (row.id == id) return row;
    return makeError(FailureKind::NotFound, "no such row");
  }
  Result<> create(const Connection& connection, const std::vector<ValueChange>&) override {
    rows.push_back(connection);
    return {};
  }
  Result<> rename(std::string_view id, std::string_view name) override {
    return change(id, [&](Connection& row) { row.name = name; });
  }
  Result<> setState(std::string_view id, const StateRecord& state) override {
    ++state_writes;
    return change(id, [&](Connection& row) { row.state = state; });
  }
  Result<> remove(std::string_view id) override {
    std::erase_if(rows, [&](const Connection& row) { return row.id == id; });
    return {};
  }
  Result<> commit(std::string_view id, const std::vector<ValueChange>& values) override {
    return change(id, [&](Connection& row) {
      for (const ValueChange& value : values)
        if (value.value && !value.secret) row.values[value.key] = *value.value;
    });
  }
  Result<> replace(std::string_view id, const std::vector<ValueChange>& values,
                   const StateRecord& state) override {
    if (auto done = commit(id, values); !done) return done;
    return setState(id, state);
  }
  Result<std::optional<std::string>> value(std::string_view, std::string_view) override {
    return std::nullopt;
  }
  Result<std::optional<std::string>> findByFingerprint(std::string_view,
                                                       std::string_view) override {
    return std::nullopt;
  }

  Result<std::vector<routing::Combo>> listCombos() override {
    ++combo_reads;
    return combos;
  }
  Result<> putCombo(const routing::Combo& combo) override {
    combos.push_back(combo);
    return {};
  }
  Result<> removeCombo(std::string_view) override { return {}; }

  std::vector<Connection> rows;
  std::vector<routing::Combo> combos;
  int state_writes = 0;
  int combo_reads = 0;
  bool broken = false;      // writes fail
  bool unreadable = false;  // reads of one row fail

 private:
  Result<> change(std::string_view id, const std::function<void(Connection&)>& edit) {
    if (broken) return makeError(FailureKind::Internal, "disk full");
    for (Connection& row : rows)
      if (row.id == id) {
        edit(row);
        return {};
      }
    return makeError(FailureKind::NotFound, "no such row");
  }
};

class ScriptedProvider final : public Provider {
 public:
  using Script =
      std::function<Result<>(std::string_view, const chat::ChatRequest&, chat::EventSink&)>;
  explicit ScriptedProvider(std::string id) : id_(std::move(id)) {}
  std::string_view id() const override { return id_; }
  Result<> complete(std::string_view connection, const chat::ChatRequest& request,
                    chat::EventSink& sink, const CancelToken&) override {
    calls.emplace_back(std::string(connection) + ":" + std::string(request.model));
    return script(connection, request, sink);
  }
  Result<std::string> control(std::string_view, std::string_view, std::string_view,
                              const CancelToken&) override {
    return makeError(FailureKind::Unsupported, "not here");
  }

  Script script;
  std::vector<std::string> calls;

 private:
  std::string id_;
};

class OneProvider final : public ProviderRegistry {
 public:
  explicit OneProvider(Provider& provider) : provider_(provider) {}
  Provider* find(std::string_view id) override {
    return id == provider_.id() ? &provider_ : nullptr;
  }
  std::vector<std::string> ids() const override { return {std::string(provider_.id())}; }

 private:
  Provider& provider_;
};

}  // namespace omni::testing
