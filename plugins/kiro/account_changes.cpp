#include "plugins/kiro/account_changes.hpp"

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
  if (in.profile_arn.empty()) in.profile_arn = in.tokens.profile_arn;
  if (in.profile_arn.empty() && in.route == "social") in.profile_arn = kSocialProfile;
  if (auto saved = call.commit(accountChanges(in)); !saved)
    return std::unexpected(std::move(saved.error()));
  if (in.profile_arn.empty() && in.auth_method != "api_key")
    if (auto chosen = adoptProfile(call, endpoints); !chosen && chosen.error().cancelled)
      return std::unexpected(std::move(chosen.error()));

  std::string label = jwtClaim(in.tokens.id_token, {"email", "preferred_username", "upn"});
  if (label.empty())
    label = jwtClaim(in.tokens.access_token, {"email", "preferred_username", "upn"});
  if (label.empty()) {
    auto who = identify(call, endpoints);
    if (!who && who.error().cancelled) return std::unexpected(std::move(who.error()));
    if (who) label = who->email.empty() ? who->user_id : who->email;
  } else if (auto saved = call.commit({{"email", label, false}}); !saved) {
    return std::unexpected(std::move(saved.error()));
  }
  json::object out;
  if (!label.empty()) out["label"] = label;
  return out;
}

}  // namespace omni::kiro
