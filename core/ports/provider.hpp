#pragma once
// What routing and the admin API need from a provider. Implemented by service/plugins over the
// plugin ABI.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/chat/model.hpp"
#include "core/ports/cancel.hpp"

namespace omni {

// One account on its way in: values that the plugin commits stay in memory until finish(). Over an
// existing connection the draft lies on top of its plain values (region, start URL); nothing of the
// connection changes before finish(). Used by one thread at a time; dropping it forgets everything.
class AccountDraft {
 public:
  virtual ~AccountDraft() = default;
  // The id that the connection has or will have: a proxy is assigned to it before the first call.
  virtual std::string_view connectionId() const = 0;
  // accounts.import or one of the accounts.signin.* methods (omni_plugin_entry_t::control).
  virtual Result<std::string> control(std::string_view method, std::string_view input,
                                      const CancelToken& cancel) = 0;
  // Stores all or nothing, in one transaction. Over an existing connection its name stays and its
  // state becomes active, unless a person disabled it. An empty name: the label of the plugin's
  // last answer, else "<provider>-<region>-<n>". Returns the connection's id. Conflict with
  // conflict_id for a name or token that another connection has.
  virtual Result<std::string> finish(std::string_view name) = 0;
  // All that it holds, secrets too, for Provider::resume() after a restart.
  virtual Result<std::string> state() const {
    return makeError(FailureKind::Unsupported, "this sign-in cannot be resumed");
  }
};

// Thread-safe; calls of different requests run concurrently.
class Provider {
 public:
  virtual ~Provider() = default;
  virtual std::string_view id() const = 0;
  // Streams the answer of the account `connection_id` into the sink, on the calling thread. Success
  // only after Finish.
  virtual Result<> complete(std::string_view connection_id, const chat::ChatRequest& request,
                            chat::EventSink& sink, const CancelToken& cancel) = 0;
  // The same with another model than the request's own. Override it where that needs no copy.
  virtual Result<> completeAs(std::string_view connection_id, std::string_view model,
                              const chat::ChatRequest& request, chat::EventSink& sink,
                              const CancelToken& cancel) {
    chat::ChatRequest renamed = request;
    renamed.model = model;
    return complete(connection_id, renamed, sink, cancel);
  }
  // Control-plane method on an existing account (see omni_plugin_entry_t::control): JSON object in,
  // JSON object out. FailureKind::Unsupported when the plugin does not know the method.
  virtual Result<std::string> control(std::string_view connection_id, std::string_view method,
                                      std::string_view input, const CancelToken& cancel) = 0;
  // A draft of a new account, or over the existing connection `replace_id`.
  virtual Result<std::unique_ptr<AccountDraft>> draft(std::string_view replace_id) {
    (void)replace_id;
    return makeError(FailureKind::Unsupported, "this provider has no accounts to sign in");
  }
  // A draft as it was when AccountDraft::state() was asked. NotFound when the connection that it
  // lies over is gone.
  virtual Result<std::unique_ptr<AccountDraft>> resume(std::string_view state) {
    (void)state;
    return makeError(FailureKind::Unsupported, "this provider resumes no sign-ins");
  }
};

class ProviderRegistry {
 public:
  virtual ~ProviderRegistry() = default;
  virtual Provider* find(std::string_view id) = 0;  // nullptr: no such provider; owned by the
                                                    // registry, lives as long as it
  virtual std::vector<std::string> ids() const = 0;
};

}  // namespace omni
