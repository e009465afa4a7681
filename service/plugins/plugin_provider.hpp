#pragma once
// A plugin as core's Provider. Thread-safe between start() and stop().

#include <omniroute/abi.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "core/ports/provider.hpp"
#include "service/plugins/call.hpp"

namespace omni::plugins {

class PluginProvider final : public Provider {
 public:
  // `entry` was checked (checkEntry) and lives until the process ends; deps and locks outlive the
  // provider.
  PluginProvider(const omni_plugin_entry_t& entry, const Deps& deps, AccountLocks& locks);
  ~PluginProvider() override;

  // Calls the plugin's init. On failure the message holds what the plugin logged.
  Result<> start();
  // Cancels the calls under way, waits for them, and calls deinit. Later calls answer Unavailable.
  void stop();

  std::string_view id() const override { return context_.plugin; }
  Result<> complete(std::string_view connection_id, const chat::ChatRequest& request,
                    chat::EventSink& sink, const CancelToken& cancel) override;
  Result<> completeAs(std::string_view connection_id, std::string_view model,
                      const chat::ChatRequest& request, chat::EventSink& sink,
                      const CancelToken& cancel) override;
  Result<std::string> control(std::string_view connection_id, std::string_view method,
                              std::string_view input, const CancelToken& cancel) override;
  Result<std::unique_ptr<AccountDraft>> draft(std::string_view replace_id) override;
  Result<std::unique_ptr<AccountDraft>> resume(std::string_view state) override;

 private:
  friend class PluginDraft;
  class Running;  // counts a call for stop()
  Result<> owns(std::string_view connection_id);
  Result<std::string> invoke(AccountRecord& record, std::string_view method, std::string_view input,
                             const CancelToken& cancel);
  Result<std::string> invokeDraft(DraftRecord& record, std::string_view method,
                                  std::string_view input, const CancelToken& cancel);

  const omni_plugin_entry_t& entry_;
  const Deps& deps_;
  HostContext context_;
  const omni_host_t host_;
  Generations generations_;
  Unwritten unwritten_;
  omni_plugin_t* plugin_ = nullptr;
  std::mutex mutex_;
  std::condition_variable idle_;
  size_t running_ = 0;
  bool open_ = false;
};

}  // namespace omni::plugins
