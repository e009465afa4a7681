#include "plugins/kiro/account_changes.hpp"

#include <fmt/format.h>

#include "plugins/kiro/base64url.hpp"
#include "plugins/kiro/profiles.hpp"
#include "plugins/kiro/sha256.hpp"
#include "plugins/kiro/usage.hpp"

namespace omni::kiro {
namespace {

void put(std::vector<sdk::Change>& out, std::string key, const std::string& value,
         bool secret = false) {
  out.push_back({std::move(key), value.empty() ? std::nullopt : std::optional(value), secret});
}
std::string time(int64_t ms) {
  return ms > 0 ? std::to_string(ms) : std::string();
}

// Whoever signs in over a connection must be who it is of: else its name, combos and keys would
// speak of another person from then on.
sdk::Result<> samePerson(const Identity& who, const std::string& user_id,
                         const std::string& email) {
  if (!isSomebodyElse(who, user_id)) return {};
  const auto shown = [](const std::string& address, const std::string& id) {
    return address.empty() ? id : address;
  };
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_CONFLICT;
  failure.reason = "another_person";
  failure.message = fmt::format(
      "this sign-in is of {0}, but the connection is of {1}; nothing was changed. Sign in as {1}, "
      "or connect {0} as an account of its own, with a sign-in of its own: what was given here is "
      "used "
      "up",
      shown(who.email, who.user_id), shown(email, user_id));
  return std::unexpected(std::move(failure));
}

}  // namespace

std::vector<sdk::Change> accountChanges(const SignedIn& in) {
  std::vector<sdk::Change> out;
  put(out, "authMethod", in.auth_method);
  put(out, "provider", in.provider);
  put(out, "region", in.region);
  put(out, "startUrl", in.start_url);
  put(out, "refreshRoute", in.route);
  put(out, "isolation", in.isolation);
  put(out, "isolationReason", in.isolation_reason);
  put(out, "expiresAt", time(in.tokens.expires_ms));
  put(out, "refreshToken", in.tokens.refresh_token, true);
  put(out, "accessToken", in.tokens.access_token, true);
  put(out, "clientId", in.client.client_id);
  put(out, "clientSecret", in.client.client_secret, true);
  put(out, "clientSecretExpiresAt", time(in.client.secret_expires_ms));
  put(out, "profileArn", in.profile_arn);
  put(out, "fingerprint",
      in.fingerprint.empty() && !in.tokens.refresh_token.empty()
          ? sha256Hex(in.tokens.refresh_token)
          : in.fingerprint);
  put(out, "tokenEndpoint", in.token_endpoint);
  put(out, "issuerUrl", in.issuer_url);
  put(out, "scopes", in.scopes);
  put(out, "apiKey", in.api_key, true);
  put(out, "apiRegion", in.api_region);
  put(out, "renewedBy", in.renewed_by);
  put(out, "toolItem", in.tool_item);
  for (const char* gone : {"profileName", "apiProfileArn", "email", "userId", "forcedRefreshAt"})
    put(out, gone, "");
  for (const char* gone : {"previousRefreshToken"}) put(out, gone, "", true);
  return out;
}

sdk::Result<json::object> finishSignIn(sdk::Call& call, const Endpoints& endpoints, SignedIn in) {
  // Of the account that is signed in anew; a new one has none.
  const std::string user_id = call.value("userId").value_or("");
  const std::string email = call.value("email").value_or("");
  if (in.profile_arn.empty()) in.profile_arn = in.tokens.profile_arn;
  if (in.profile_arn.empty() && in.route == "social") in.profile_arn = kSocialProfile;
  if (auto saved = call.commit(accountChanges(in)); !saved)
    return std::unexpected(std::move(saved.error()));
  // From here on the account is signed in and its old token or code used up: what fails now, or is
  // cancelled, is made up for later.
  if (in.profile_arn.empty() && in.auth_method != "api_key") (void)adoptProfile(call, endpoints);

  std::string label = jwtClaim(in.tokens.id_token, {"email", "preferred_username", "upn"});
  if (label.empty())
    label = jwtClaim(in.tokens.access_token, {"email", "preferred_username", "upn"});
  if (label.empty() || !user_id.empty()) {
    auto who = identify(call, endpoints);
    if (who) {
      if (auto same = samePerson(*who, user_id, email); !same)
        return std::unexpected(std::move(same.error()));
    }
    if (who && label.empty()) label = who->email.empty() ? who->user_id : who->email;
  } else if (auto saved = call.commit({{"email", label, false}}); !saved) {
    return std::unexpected(std::move(saved.error()));
  }
  json::object out;
  if (!label.empty()) out["label"] = label;
  return out;
}

}  // namespace omni::kiro
