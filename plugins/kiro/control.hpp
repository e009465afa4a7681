#pragma once
// The control-plane methods that the plugin knows, by name. The contract is in omniroute/abi.h at
// omni_plugin_entry_t::control.

#include <omniroute/sdk.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// nullopt: no such method. `provider` is used by the one-token probe of accounts.test only.
sdk::Result<std::optional<std::string>> controlMethod(sdk::Provider& provider, sdk::Call& call,
                                                      const Endpoints& endpoints,
                                                      std::string_view method,
                                                      std::string_view input);

}  // namespace omni::kiro
