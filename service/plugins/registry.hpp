#pragma once
// The providers of this process: those found in a folder, and those linked in.

#include <omniroute/abi.h>

#include <filesystem>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/provider.hpp"
#include "service/plugins/account_locks.hpp"
#include "service/plugins/call.hpp"
#include "service/plugins/plugin_info.hpp"
#include "service/plugins/plugin_provider.hpp"

namespace omni::plugins {

// Thread-safe, except that loadFolder, addStatic and shutdown are called from one thread. Providers
// stay valid until the registry is destroyed; libraries stay mapped until the process ends.
class PluginRegistry final : public ProviderRegistry {
 public:
  explicit PluginRegistry(Deps deps);
  ~PluginRegistry() override;  // shutdown()
  PluginRegistry(const PluginRegistry&) = delete;
  PluginRegistry& operator=(const PluginRegistry&) = delete;

  // An error only when the folder is missing or unsafe; a plugin that is refused is listed with its
  // reason, and the rest goes on.
  Result<> loadFolder(const std::filesystem::path& folder);
  // `entry` must live until the process ends. Conflict when the id is taken.
  Result<> addStatic(const omni_plugin_entry_t& entry);
  std::vector<PluginInfo> plugins() const;

  Provider* find(std::string_view id) override;
  std::vector<std::string> ids() const override;

  // Cancels running calls, waits for them and destroys the plugins' instances. Providers answer
  // Unavailable from then on.
  void shutdown();

 private:
  Result<> start(const omni_plugin_entry_t& entry);
  void list(PluginInfo info);

  const Deps deps_;
  AccountLocks locks_;
  mutable std::shared_mutex mutex_;
  std::vector<PluginInfo> infos_;
  std::vector<std::unique_ptr<PluginProvider>> providers_;
};

}  // namespace omni::plugins
