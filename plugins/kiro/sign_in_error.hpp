#pragma once
// What the sign-in services answer when they refuse: AWS SSO OIDC, Kiro's own service and a
// company's identity provider. Wire source: kiro-protocol A.6, A.7, B.3, B.4, C.1.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

namespace omni::kiro {

enum class SignInProblem {
  Unknown,
  Pending,      // the user has not decided yet
  SlowDown,     // polled too fast
  Expired,      // device code or token ran out
  Denied,       // the user or an administrator said no
  GrantDead,    // the refresh token or code is not valid (there)
  ClientDead,   // the client registration is unknown, expired or may not do this
  WrongRegion,  // the service names the right one in SignInError::region
  BadStartUrl,
  BadRequest,  // malformed, in the service's eyes
  Throttled,
  Server,  // the service's own failure; says nothing about the account
};

struct SignInError {
  SignInProblem problem = SignInProblem::Unknown;
  uint32_t status = 0;
  std::string code;     // invalid_grant, or the exception's name
  std::string message;  // upstream's own words, made safe to show
  std::string region;   // WrongRegion only
  int64_t retry_after_ms = -1;

  // Refused for good: asking again with the same token and registration cannot help.
  bool rejected() const {
    return problem == SignInProblem::GrantDead || problem == SignInProblem::ClientDead ||
           problem == SignInProblem::Expired;
  }
};

SignInError readSignInError(const sdk::HttpResponse& response);

// The failure of a call of `who` ("the token endpoint of AWS SSO OIDC").
sdk::Failure signInFailure(const SignInError& error, std::string_view who);

// Upstream's text as it may be shown and logged: one line, not too long, and nothing in it that
// looks like a token.
std::string safeText(std::string_view text);

}  // namespace omni::kiro
