#pragma once
// Client registrations, and refreshing at the three kinds of issuer: AWS SSO OIDC, Kiro's own
// sign-in service (Google, GitHub) and a company's identity provider. Wire source: kiro-protocol A,
// B and C.1.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/sign_in_error.hpp"

namespace omni::kiro {

struct Registration {
  std::string client_id;
  std::string client_secret;
  int64_t secret_expires_ms = 0;  // 0: not known
};

struct Tokens {
  std::string access_token;
  std::string refresh_token;  // empty: the old one stays valid
  std::string profile_arn;    // empty: not said
  std::string id_token;       // empty: none
  int64_t expires_ms = 0;
};

// What a token call came to: tokens, a rejection for good (the grant is not valid here), or a
// failure that says nothing about it.
struct TokenAnswer {
  bool rejected = false;
  Tokens tokens;
  SignInError error;  // when rejected
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
// The address is checked against the list of known providers first, each time.
sdk::Result<TokenAnswer> refreshAtExternalIdp(sdk::Call& call, std::string_view token_endpoint,
                                              std::string_view client_id, std::string_view scopes,
                                              std::string_view refresh_token);

// Reads a token answer in either spelling (accessToken, access_token). An answer without an access
// token is a PROTOCOL failure; one without a lifetime gets an hour.
sdk::Result<Tokens> readTokens(sdk::Call& call, std::string_view body, std::string_view who);

}  // namespace omni::kiro
