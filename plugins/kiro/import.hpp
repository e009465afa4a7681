#pragma once
// accounts.import: a refresh token becomes a connection with a client registration of its own.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// Input {refreshToken, region?, profileArn?, clientId?, clientSecret?, authMethod?, allowShared?}.
// BAD_REQUEST names the member. Nothing is committed unless everything worked. The own registration
// is tried first; when OIDC says that the token is not its own, the social endpoint that issued it;
// the route that worked is stored.
sdk::Result<std::string> importAccount(sdk::Call& call, const Endpoints& endpoints,
                                       std::string_view input);

}  // namespace omni::kiro
