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

// Thread-safe; calls of different requests run concurrently.
class Provider {
 public:
  virtual ~Provider() = default;
  virtual std::string_view id() const = 0;
  // Streams the answer of the account `connection_id` into the sink, on the calling thread. Success
  // only after Finish.
  virtual Result<> complete(std::string_view connection_id, const chat::ChatRequest& request,
                            chat::EventSink& sink, const CancelToken& cancel) = 0;
  // Control-plane method on an existing account (see omni_plugin_entry_t::control): JSON object in,
  // JSON object out. FailureKind::Unsupported when the plugin does not know the method.
  virtual Result<std::string> control(std::string_view connection_id, std::string_view method,
                                      std::string_view input, const CancelToken& cancel) = 0;
  struct NewAccount {
    std::string name;  // empty: from the plugin's label, else "<provider>-<n>"
    std::string method = "accounts.import";
    std::string input;  // JSON object
  };
  // Runs an import method on a fresh account and stores it, all or nothing. Returns the new
  // connection's id.
  virtual Result<std::string> createAccount(const NewAccount& account,
                                            const CancelToken& cancel) = 0;
};

class ProviderRegistry {
 public:
  virtual ~ProviderRegistry() = default;
  virtual Provider* find(std::string_view id) = 0;  // nullptr: no such provider; owned by the
                                                    // registry, lives as long as it
  virtual std::vector<std::string> ids() const = 0;
};

}  // namespace omni
