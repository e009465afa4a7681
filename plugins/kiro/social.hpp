#pragma once
// Google and GitHub at Kiro's own sign-in service: with a code, or through a browser on the same
// machine.

#include <array>
#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/device_code.hpp"
#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/form.hpp"

namespace omni::kiro {

// The ports that the service accepts in a redirect to this machine (kiro-protocol B.2).
inline constexpr std::array<int, 10> kLoopbackPorts = {3128,  4649,  6588,  8008,  9091,
                                                       49153, 50153, 51153, 52153, 53153};

// `provider`: google or github. Registers a client of the account's own first.
sdk::Result<std::string> startSocialDevice(sdk::Call& call, const Endpoints& endpoints,
                                           const Form& form, std::string_view provider);
sdk::Result<DeviceAnswer> askSocialDevice(sdk::Call& call, const Endpoints& endpoints);
sdk::Result<std::string> startSocialBrowser(sdk::Call& call, const Endpoints& endpoints,
                                            const Form& form, std::string_view provider);
// Checks the address that the browser came back to and exchanges its code.
sdk::Result<Tokens> exchangeCallback(sdk::Call& call, const Endpoints& endpoints,
                                     const std::string& callback);
SignedIn socialAccount(const sdk::Call& call, Tokens tokens);

}  // namespace omni::kiro
