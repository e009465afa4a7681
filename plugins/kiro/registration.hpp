#pragma once
// The two sign-in services: AWS SSO OIDC and Kiro's own (Google, GitHub). Wire source:
// kiro-protocol A and B.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/upstream_error.hpp"

namespace omni::kiro {

struct Registration {
  std::string client_id;
  std::string client_secret;
  int64_t secret_expires_ms = 0;
};

struct Tokens {
  std::string access_token;
  std::string refresh_token;  // empty: the old one stays valid
  std::string profile_arn;    // empty: not said
  int64_t expires_ms = 0;
};

// What a token call came to: tokens, a rejection for good (the grant is not valid here), or a
// failure that says nothing about it.
struct TokenAnswer {
  bool rejected = false;
  Tokens tokens;
  UpstreamError error;  // when rejected
};

// RegisterClient: a registration of the connection's own.
sdk::Result<Registration> registerClient(sdk::Call& call, const Endpoints& endpoints,
                                         std::string_view region);

sdk::Result<TokenAnswer> refreshAtOidc(sdk::Call& call, const Endpoints& endpoints,
                                       std::string_view region, std::string_view client_id,
                                       std::string_view client_secret,
                                       std::string_view refresh_token);
sdk::Result<TokenAnswer> refreshAtSocial(sdk::Call& call, const Endpoints& endpoints,
                                         std::string_view refresh_token);

}  // namespace omni::kiro
