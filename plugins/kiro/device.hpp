#pragma once
// Device code at AWS SSO OIDC: Builder ID and IAM Identity Center.

#include <omniroute/sdk.hpp>
#include <string>

#include "plugins/kiro/device_code.hpp"
#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/form.hpp"

namespace omni::kiro {

inline constexpr std::string_view kBuilderIdStartUrl = "https://view.awsapps.com/start";

// Registers a client of the account's own and asks for a device code.
sdk::Result<std::string> startOidcDevice(sdk::Call& call, const Endpoints& endpoints,
                                         const Form& form, bool builder_id);
// One CreateToken.
sdk::Result<DeviceAnswer> askOidcDevice(sdk::Call& call, const Endpoints& endpoints);
// The account that the draft has become.
SignedIn oidcAccount(const sdk::Call& call, Tokens tokens);

}  // namespace omni::kiro
