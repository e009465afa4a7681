#include "plugins/kiro/sign_in_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/region.hpp"
#include "plugins/kiro/upstream_error.hpp"

namespace omni::kiro {
namespace {

constexpr size_t kLongestText = 240;
constexpr size_t kLongestWord = 48;  // more is a token, not a word

struct Known {
  std::string_view code;
  SignInProblem problem;
};
using enum SignInProblem;
constexpr std::array kKnown = {
    Known{"authorization_pending", Pending},
    Known{"AuthorizationPendingException", Pending},
    Known{"slow_down", SlowDown},
    Known{"SlowDownException", SlowDown},
    Known{"expired_token", Expired},
    Known{"ExpiredTokenException", Expired},
    Known{"access_denied", Denied},
    Known{"denied", Denied},
    Known{"AccessDeniedException", Denied},
    Known{"invalid_grant", GrantDead},
    Known{"invalid_token", GrantDead},
    Known{"interaction_required", GrantDead},
    Known{"consent_required", GrantDead},
    Known{"login_required", GrantDead},
    Known{"InvalidGrantException", GrantDead},
    Known{"InvalidTokenException", GrantDead},
    Known{"invalid_client", ClientDead},
    Known{"InvalidClientException", ClientDead},
    Known{"ExpiredClientException", ClientDead},
    Known{"unauthorized_client", ClientDead},
    Known{"UnauthorizedClientException", ClientDead},
    Known{"InvalidRequestRegionException", WrongRegion},
    Known{"invalid_request", BadRequest},
    Known{"InvalidRequestException", BadRequest},
    Known{"invalid_scope", BadRequest},
    Known{"InvalidScopeException", BadRequest},
    Known{"invalid_client_metadata", BadRequest},
    Known{"InvalidClientMetadataException", BadRequest},
    Known{"invalid_redirect_uri", BadRequest},
    Known{"InvalidRedirectUriException", BadRequest},
    Known{"unsupported_grant_type", BadRequest},
    Known{"UnsupportedGrantTypeException", BadRequest},
};

SignInProblem known(std::string_view code) {
  const auto found = std::ranges::find(kKnown, code, &Known::code);
  return found == kKnown.end() ? Unknown : found->problem;
}

bool has(std::string_view text, std::string_view part) {
  return std::ranges::search(text, part, [](char a, char b) {
           return (a | 0x20) == (b | 0x20);
         }).begin() != text.end();
}

SignInProblem classify(const SignInError& error, std::string_view type, std::string_view oauth,
                       bool is_json) {
  if (error.status >= 500) return Server;
  // The exception's name is the more exact one: several share an OAuth code.
  SignInProblem problem = known(type);
  if (problem == Unknown || problem == BadRequest)
    if (const auto other = known(oauth); other != Unknown) problem = other;
  if (problem == BadRequest && !error.region.empty()) problem = WrongRegion;
  if (problem == BadRequest && has(error.message, "invalid start url")) problem = BadStartUrl;
  if (has(error.message, "Invalid refresh token")) problem = GrantDead;
  if (has(error.message, "Client is expired")) problem = ClientDead;
  if (problem != Unknown) return problem;
  if (error.status == 429) return Throttled;
  if (error.status == 408) return Server;
  // Kiro's service says 401 without a code; a page of a proxy or a captive portal is no verdict.
  if (error.status == 401 && is_json) return GrantDead;
  return Unknown;
}

}  // namespace

SignInError readSignInError(const sdk::HttpResponse& response) {
  const UpstreamError upstream = readError(response);
  const auto body = parseObject(response.body);
  SignInError out;
  out.status = response.status;
  out.retry_after_ms = upstream.retry_after_ms;
  out.message = safeText(upstream.message);
  std::string oauth = upstream.oauth;
  if (body) {
    if (oauth.empty()) oauth = text(*body, "status");
    if (const auto region = text(*body, "region"); isRegion(region)) out.region = region;
  }
  out.code = safeText(oauth.empty() ? upstream.type : oauth);
  out.problem = classify(out, upstream.type, oauth, body.has_value());
  return out;
}

sdk::Failure signInFailure(const SignInError& error, std::string_view who) {
  sdk::Failure failure;
  failure.upstream_status = error.status;
  failure.retry_after_ms = error.retry_after_ms;
  failure.reason = error.code;
  failure.detail = fmt::format("HTTP {} {}", error.status, error.code);
  const std::string said = error.message.empty() ? std::string() : ": " + error.message;
  failure.message = fmt::format("{} answered {}{}", who, error.status, said);
  switch (error.problem) {
    case Throttled:
    case SlowDown:
      failure.kind = OMNI_FAILURE_RATE_LIMITED;
      failure.message += "; try again a little later";
      break;
    case Server:
      failure.kind = OMNI_FAILURE_UPSTREAM;
      failure.message += "; nothing was changed, try again later";
      break;
    case GrantDead:
    case ClientDead:
    case Expired:
      failure.kind = OMNI_FAILURE_REAUTH_REQUIRED;
      break;
    case Denied:
      failure.kind = OMNI_FAILURE_NOT_AUTHORIZED;
      failure.message += "; ask the administrator of the account for access";
      break;
    case WrongRegion:
      failure.kind = OMNI_FAILURE_BAD_REQUEST;
      failure.field = "region";
      failure.message = error.region.empty()
                            ? fmt::format("{} says that the region is wrong{}", who, said)
                            : fmt::format(
                                  "{} says that the region is wrong; the account signs in "
                                  "in {}",
                                  who, error.region);
      break;
    case BadStartUrl:
      failure.kind = OMNI_FAILURE_BAD_REQUEST;
      failure.field = "startUrl";
      failure.message =
          "AWS does not know this start URL in this region; compare both with the page of your "
          "organisation's access portal";
      break;
    default:
      failure.kind = OMNI_FAILURE_PROTOCOL;
  }
  return failure;
}

std::string safeText(std::string_view text) {
  std::string out;
  size_t word = 0;
  for (const char c : text.substr(0, 4 * kLongestText)) {
    if (out.size() >= kLongestText) {
      out += "...";
      break;
    }
    const bool space = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
    word = space ? 0 : word + 1;
    if (word > kLongestWord) {
      if (word == kLongestWord + 1) {
        out.resize(out.size() - kLongestWord);
        out += "[hidden]";
      }
      continue;
    }
    out += space ? ' ' : c;
  }
  // Never half a UTF-8 character at the end.
  if (out.ends_with("...")) {
    size_t end = out.size() - 3;
    while (end > 0 && (static_cast<unsigned char>(out[end - 1]) & 0xC0) == 0x80) --end;
    if (end > 0 && static_cast<unsigned char>(out[end - 1]) >= 0xC0) --end;
    out.erase(end, out.size() - 3 - end);
  }
  return out;
}

}  // namespace omni::kiro
