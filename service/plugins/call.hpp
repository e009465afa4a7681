#pragma once
// What stands behind omni_call_t: one call of a plugin, bound to one account and one thread. It
// lives on the host's stack for as long as the plugin's function runs.

#include <omniroute/abi.h>

#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "core/base/error.hpp"
#include "core/chat/model.hpp"
#include "core/ports/cancel.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/store.hpp"
#include "core/ports/upstream.hpp"
#include "service/plugins/account_locks.hpp"
#include "service/plugins/account_record.hpp"
#include "service/plugins/plugin_info.hpp"

namespace omni::plugins {

// "<plugin id>", "<key>" -> the configured value.
using SettingLookup =
    std::function<std::optional<std::string>(std::string_view plugin, std::string_view key)>;

// References must outlive the registry. `setting` is called from any thread.
struct Deps {
  ConnectionStore& store;
  UpstreamClient& upstream;
  Clock& clock;
  Random& random;
  LogCallback log;
  SettingLookup setting;
};

// One per plugin: what omni_host_t::context points to.
struct HostContext {
  const Deps& deps;
  AccountLocks& locks;
  std::string plugin;
  std::atomic<bool> stopping{false};
  std::atomic<bool> initialising{false};
  std::string init_error;  // the last error logged while init ran, on the same thread

  void log(LogLevel level, std::string_view message) const noexcept;
  void misbehaved(std::string_view what) const noexcept;
};

}  // namespace omni::plugins

struct omni_call {
  omni_call(omni::plugins::HostContext& context, omni::plugins::AccountRecord& account,
            const omni::CancelToken& token);
  ~omni_call();
  omni_call(const omni_call&) = delete;
  omni_call& operator=(const omni_call&) = delete;

  // False, and logged, when a plugin uses the call from another thread.
  bool usable(const char* service) const noexcept;
  // Asks the token, and remembers a yes: a plugin may only answer OMNI_CANCELLED when it was told
  // so.
  bool cancelled() noexcept;
  omni_status_t failed(omni::Error why);
  // What the sink holds goes out: something may take its time now.
  void release();

  // The outcome of the plugin's function as a result; `what` names the function for the log.
  omni::Result<> finish(omni_status_t status, std::string_view what);

  omni::plugins::HostContext& host;
  omni::plugins::AccountRecord& record;
  omni::chat::EventSink* sink = nullptr;  // of a completion
  bool holding = false;                   // the sink was told to hold
  bool in_http = false;                   // an upstream's answer is being read
  bool told_cancelled = false;
  std::optional<omni::Error> error;
  std::string conflict_id;  // survives a plugin's own wording of the conflict
  std::set<std::string> locks;

 private:
  class Token final : public omni::CancelToken {
   public:
    explicit Token(omni_call& call, const omni::CancelToken& outer) : call_(call), outer_(outer) {}
    bool cancelled() const override { return call_.host.stopping.load() || outer_.cancelled(); }

   private:
    omni_call& call_;
    const omni::CancelToken& outer_;
  };
  const std::thread::id thread_ = std::this_thread::get_id();

 public:
  Token token;
};
