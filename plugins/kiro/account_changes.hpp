#pragma once
// An account's record after a sign-in or import, and what is found out about it right afterwards.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/json.hpp"
#include "plugins/kiro/registration.hpp"

namespace omni::kiro {

struct SignedIn {
  std::string auth_method;  // builder_id, idc, social, imported, external_idp, api_key
  std::string provider;     // Google, Github, BuilderId, Enterprise ...: who vouches; may be empty
  std::string region;       // SSO region: where it signs in
  std::string start_url;
  std::string route;  // oidc, social, external_idp or none
  std::string isolation;
  std::string isolation_reason;
  Tokens tokens;
  Registration client;      // empty client_id: none
  std::string profile_arn;  // chosen by the user, or said by the issuer
  std::string fingerprint;  // of the token or key that was given, for finding it again
  std::string token_endpoint, issuer_url, scopes;  // external IdP
  std::string api_key, api_region;
  std::string renewed_by;  // the local tool that lends the session; empty: none does
  std::string tool_item;   // where that lies, see local::Found::origin()
};

// Every value that a sign-in decides: what this one does not have is removed, so that nothing of an
// earlier sign-in of the same connection stays behind.
std::vector<sdk::Change> accountChanges(const SignedIn& in);

// Commits the account, then looks for its profile and its name. Those two are a convenience: when
// Kiro does not answer, the account is complete all the same and they are made up for later.
// Returns {"label"?}.
sdk::Result<json::object> finishSignIn(sdk::Call& call, const Endpoints& endpoints, SignedIn in);

}  // namespace omni::kiro
