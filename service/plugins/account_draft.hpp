#pragma once
// A sign-in or import under way, as core's AccountDraft. Used by one thread at a time; the provider
// must outlive it.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "service/plugins/plugin_provider.hpp"

namespace omni::plugins {

class PluginDraft final : public AccountDraft {
 public:
  // `base`: the account that is signed in anew, else nullptr; only read here.
  PluginDraft(PluginProvider& provider, std::string id, const Connection* base);

  std::string_view connectionId() const override { return record_.id(); }
  Result<std::string> control(std::string_view method, std::string_view input,
                              const CancelToken& cancel) override;
  Result<std::string> finish(std::string_view name) override;
  Result<std::string> state() const override;
  // What state() gave, without its id. Protocol for what is none.
  Result<> restore(const boost::json::object& state);

 private:
  Result<std::string> create(std::string_view name);
  Result<std::string> replace();

  PluginProvider& provider_;
  DraftRecord record_;
  const bool replaces_;
  std::string label_;
  bool complete_ = false;
  bool stored_ = false;
};

}  // namespace omni::plugins
