#include "plugins/kiro/local/sso_cache.hpp"

#include <optional>

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/local/time_text.hpp"

namespace omni::kiro::local {
namespace {

// SHA-1 of {"startUrl":"https://view.awsapps.com/start"}, the name of Builder ID's registration
// file.
constexpr std::string_view kBuilderIdHash = "e909a0580879b06ece1202964fbe9dda95ea4ce3";

struct Registration {
  std::string name;  // of its file, without .json
  std::string client_id, client_secret, region, scopes, start_url;
  int64_t expires_ms = 0;
};

std::string scopesOf(const json::object& object) {
  for (const char* member : {"scopes", "registrationScopes"}) {
    const auto* found = object.if_contains(member);
    if (!found) continue;
    if (found->is_string()) return std::string(view(found->get_string()));
    if (!found->is_array()) continue;
    std::string all;
    for (const auto& scope : found->get_array())
      if (scope.is_string()) all.append(all.empty() ? "" : " ").append(view(scope.get_string()));
    return all;
  }
  return {};
}

std::string stem(std::string_view name) {
  return std::string(name.ends_with(".json") ? name.substr(0, name.size() - 5) : name);
}

Registration registrationIn(const json::object& object, std::string_view name) {
  Registration registration{stem(name),
                            std::string(text(object, "clientId")),
                            std::string(text(object, "clientSecret")),
                            std::string(text(object, "region")),
                            scopesOf(object),
                            std::string(text(object, "startUrl"))};
  // In a file that holds a token too, expiresAt is the token's.
  const auto* own = object.if_contains("registrationExpiresAt");
  if (!own) own = object.if_contains("clientSecretExpiresAt");
  if (!own && !object.contains("accessToken")) own = object.if_contains("expiresAt");
  registration.expires_ms = timeMs(own);
  return registration;
}

const Registration* pick(const json::object& token, std::string_view region,
                         const std::vector<Registration>& all) {
  if (const auto id = text(token, "clientId"); !id.empty()) {
    for (const Registration& one : all)
      if (one.client_id == id) return &one;
    return nullptr;
  }
  if (const auto hash = text(token, "clientIdHash"); !hash.empty()) {
    for (const Registration& one : all)
      if (one.name == hash) return &one;
  }
  const Registration* best = nullptr;
  for (const Registration& one : all) {
    if (!one.region.empty() && one.region != region) continue;
    if (!best || one.region.size() > best->region.size() ||
        (one.region.size() == best->region.size() && one.expires_ms > best->expires_ms))
      best = &one;
  }
  return best;
}

std::string kindOf(std::string_view name) {
  if (name.starts_with("kiro-auth-token")) return "kiro-ide";
  if (name.starts_with("amazon-q-auth-token")) return "amazon-q";
  return "sso-cache";
}

bool isSocial(std::string_view method, std::string_view provider) {
  return method == "social" || provider == "Google" || provider == "Github" ||
         provider == "google" || provider == "github" || provider == "GitHub";
}

void setMethod(Found& found, std::string_view method, const json::object& token) {
  if (method == "external_idp" || found.provider == "ExternalIdp" ||
      !found.token_endpoint.empty()) {
    found.auth_method = "external_idp";
    if (found.provider.empty()) found.provider = "ExternalIdp";
    return;
  }
  if (isSocial(method, found.provider)) {
    found.auth_method = "social";
    return;
  }
  const bool builder = found.provider == "BuilderId" ||
                       text(token, "clientIdHash") == kBuilderIdHash ||
                       found.start_url.contains("view.awsapps.com/start");
  found.auth_method = builder ? "builder-id" : "idc";
  if (found.provider.empty()) found.provider = builder ? "BuilderId" : "Enterprise";
  if (found.region.empty()) found.region = "us-east-1";
}

}  // namespace

void readCache(const std::vector<CacheFile>& files, Listing& into) {
  struct Token {
    const CacheFile* file;
    json::object object;
  };
  std::vector<Token> tokens;
  std::vector<Registration> registrations;
  for (const CacheFile& file : files) {
    auto object = parseObject(file.bytes);
    if (!object) {
      into.problems.push_back({file.path,
                               "it is no JSON object: half-written or damaged. Try again; if that "
                               "does not help, sign in "
                               "again in the tool"});
      continue;
    }
    if (!text(*object, "clientId").empty() && !text(*object, "clientSecret").empty())
      registrations.push_back(registrationIn(*object, file.name));
    if (object->contains("accessToken") || object->contains("refreshToken"))
      tokens.push_back({&file, std::move(*object)});
  }
  for (const auto& [file, token] : tokens) {
    Found found;
    found.kind = kindOf(file->name);
    found.file = file->path;
    found.access_token = text(token, "accessToken");
    found.refresh_token = text(token, "refreshToken");
    if (found.access_token.empty() && found.refresh_token.empty()) continue;
    found.expires_ms = timeMs(token.if_contains("expiresAt"));
    found.provider = text(token, "provider");
    found.region = text(token, "region");
    found.start_url = text(token, "startUrl");
    found.profile_arn = text(token, "profileArn");
    found.email = text(token, "email");
    found.token_endpoint = text(token, "tokenEndpoint");
    found.issuer_url = text(token, "issuerUrl");
    found.client_id = text(token, "clientId");
    found.scopes = scopesOf(token);
    setMethod(found, text(token, "authMethod"), token);
    if (found.auth_method == "builder-id" || found.auth_method == "idc") {
      if (const Registration* own = pick(token, found.region, registrations)) {
        found.client_id = own->client_id;
        found.client_secret = own->client_secret;
        found.client_secret_expires_ms = own->expires_ms;
        if (found.scopes.empty()) found.scopes = own->scopes;
        if (found.start_url.empty()) found.start_url = own->start_url;
      }
    }
    into.found.push_back(std::move(found));
  }
}

void applyProfiles(const std::vector<IdeProfile>& profiles, std::vector<Found>& found) {
  for (Found& one : found) {
    if (one.kind != "kiro-ide" || !one.profile_arn.empty()) continue;
    const IdeProfile* match = nullptr;
    for (const IdeProfile& profile : profiles)
      if (!profile.owner.empty() && one.file.starts_with(profile.owner)) match = &profile;
    if (!match && profiles.size() == 1) match = &profiles.front();
    if (!match) continue;
    one.profile_arn = match->arn;
    one.profile_name = match->name;
  }
}

}  // namespace omni::kiro::local
