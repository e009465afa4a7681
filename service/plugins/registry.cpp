#include "service/plugins/registry.hpp"

#include <fmt/format.h>

#include <mutex>

#include "service/plugins/entry_check.hpp"
#include "service/plugins/loader.hpp"

namespace omni::plugins {

PluginRegistry::PluginRegistry(Deps deps) : deps_(std::move(deps)) {}

PluginRegistry::~PluginRegistry() {
  shutdown();
}

Result<> PluginRegistry::start(const omni_plugin_entry_t& entry) {
  if (find(entry.id)) return makeError(FailureKind::Conflict, "another plugin has the same id");
  auto provider = std::make_unique<PluginProvider>(entry, deps_, locks_);
  if (auto started = provider->start(); !started) return started;
  std::unique_lock lock(mutex_);
  providers_.push_back(std::move(provider));
  return {};
}

void PluginRegistry::list(PluginInfo info) {
  if (deps_.log) {
    if (info.status == PluginStatus::Loaded)
      deps_.log(LogLevel::Info, info.id, fmt::format("plugin {} {} loaded", info.id, info.version));
    else
      deps_.log(LogLevel::Error, info.id,
                fmt::format("plugin {} refused: {}", info.id, info.reason));
  }
  std::unique_lock lock(mutex_);
  infos_.push_back(std::move(info));
}

Result<> PluginRegistry::loadFolder(const std::filesystem::path& folder) {
  auto found = scanFolder(folder);
  if (!found) return std::unexpected(std::move(found.error()));
  for (FoundPlugin& plugin : *found) {
    if (plugin.entry) {
      if (auto started = start(*plugin.entry); !started) {
        plugin.info.status = PluginStatus::Refused;
        plugin.info.reason = std::move(started.error().message);
      }
    }
    list(std::move(plugin.info));
  }
  return {};
}

Result<> PluginRegistry::addStatic(const omni_plugin_entry_t& entry) {
  if (auto fits = checkEntry(entry, nullptr); !fits) return fits;
  if (auto started = start(entry); !started) return started;
  PluginInfo info;
  info.id = info.name = entry.id;
  info.version = entry.version;
  info.status = PluginStatus::Loaded;
  list(std::move(info));
  return {};
}

std::vector<PluginInfo> PluginRegistry::plugins() const {
  std::shared_lock lock(mutex_);
  return infos_;
}

Provider* PluginRegistry::find(std::string_view id) {
  std::shared_lock lock(mutex_);
  for (const auto& provider : providers_)
    if (provider->id() == id) return provider.get();
  return nullptr;
}

std::vector<std::string> PluginRegistry::ids() const {
  std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  out.reserve(providers_.size());
  for (const auto& provider : providers_) out.emplace_back(provider->id());
  return out;
}

void PluginRegistry::shutdown() {
  std::vector<PluginProvider*> running;
  {
    std::shared_lock lock(mutex_);
    for (const auto& provider : providers_) running.push_back(provider.get());
  }
  for (PluginProvider* provider : running) provider->stop();
}

}  // namespace omni::plugins
