#pragma once
// Who calls, and where this account's calls go. Used by the data plane and by the control plane, so
// that both always agree. Wire source: kiro-protocol 0.3, C.2, C.3, E.1, I.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kiro/endpoints.hpp"

namespace omni::kiro {

// The account's values "authMethod": builder_id, idc, social, imported, external_idp or api_key.
inline constexpr std::string_view kApiKeyMethod = "api_key";
inline constexpr std::string_view kExternalIdpMethod = "external_idp";

bool isApiKey(const sdk::Call& call);

// Adds Authorization, and TokenType where the kind of account needs it. `token` is what
// freshAccessToken() gave.
void addAuthHeaders(const sdk::Call& call, std::string_view token,
                    std::vector<sdk::Header>& headers);

struct DataTarget {
  std::string profile_arn;  // to send along; empty: send none (API keys never do)
  std::string region;       // of the runtime host
  Wire wire = Wire::Legacy;
};
// Where a completion of this account goes.
DataTarget dataTarget(const sdk::Call& call, const Endpoints& endpoints);

}  // namespace omni::kiro
