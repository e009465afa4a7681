#include "plugins/kiro/local/found.hpp"

#include <fmt/format.h>

#include <cstdlib>

#ifndef _WIN32
#include <unistd.h>
#endif

#include "plugins/kiro/sha256.hpp"

namespace omni::kiro::local {
namespace {

namespace json = boost::json;

json::value orNull(int64_t ms) {
  return ms > 0 ? json::value(ms) : json::value(nullptr);
}

// What a person recognises the account by.
std::string labelOf(const Found& found) {
  if (!found.email.empty()) return found.email;
  std::string who = found.provider;
  if (who.empty())
    who = found.auth_method == "social"         ? "Kiro sign-in"
          : found.auth_method == "external_idp" ? "company sign-in"
          : found.auth_method == "idc"          ? "IAM Identity Center"
                                                : "Builder ID";
  if (who == "BuilderId") who = "Builder ID";
  if (who == "Enterprise") who = "IAM Identity Center";
  if (found.auth_method == "idc" && !found.start_url.empty()) {
    std::string_view host = found.start_url;
    if (const auto scheme = host.find("://"); scheme != host.npos) host.remove_prefix(scheme + 3);
    return fmt::format("{} ({})", who, host.substr(0, host.find('/')));
  }
  if (!found.profile_name.empty() && found.profile_name != "Social_Default_Profile")
    return fmt::format("{} ({})", who, found.profile_name);
  return who;
}

void takeOver(std::string& mine, const std::string& theirs) {
  if (mine.empty()) mine = theirs;
}

}  // namespace

std::string Found::id() const {
  return sha256Hex(kind + '\n' + file + '\n' + entry).substr(0, 16);
}

std::string thisMachine() {
  std::string name;
#ifdef _WIN32
  if (const char* known = std::getenv("COMPUTERNAME")) name = known;
#else
  char raw[256] = {};
  if (::gethostname(raw, sizeof(raw) - 1) == 0) name = raw;
#endif
  return sha256Hex("machine\n" + name).substr(0, 8);
}

std::string Found::origin() const {
  return id() + "@" + thisMachine();
}

std::string Found::fingerprint() const {
  return refresh_token.empty() ? std::string() : sha256Hex(refresh_token);
}

std::string Found::obstacle() const {
  if (refresh_token.empty())
    return "it holds no refresh token, so it ends with its access token; sign in again in the "
           "tool, or with omniroute "
           "login kiro";
  if (auth_method == "external_idp" && (token_endpoint.empty() || client_id.empty()))
    return "the company sign-in was stored without token endpoint or client id; sign in again in "
           "the tool";
  if (kind == "sso-cache" && !scopes.empty() && !scopes.contains("codewhisperer"))
    return "it is a session of the AWS command line without the permissions that Kiro needs";
  return {};
}

json::object listed(const Found& found, int64_t now_ms) {
  const bool oidc = found.auth_method == "builder-id" || found.auth_method == "idc";
  const bool registered = !found.client_id.empty() && !found.client_secret.empty();
  const bool registration_over =
      found.client_secret_expires_ms > 0 && found.client_secret_expires_ms <= now_ms;
  std::string note = found.obstacle();
  const bool importable = note.empty();
  if (importable && oidc && !registered)
    note =
        "its client registration was not found: the token works until it expires, and cannot be "
        "refreshed after that";
  else if (importable && registration_over)
    note =
        "its client registration has expired: sign in again in the tool, or with omniroute login "
        "kiro";
  else if (importable)
    note =
        "it is in use by the tool it lies in: unless you ask for rotation the session is shared "
        "with it";
  json::array also;
  for (const std::string& file : found.also_in) also.emplace_back(file);
  return {{"id", found.id()},
          {"origin", found.origin()},
          {"kind", found.kind},
          {"file", found.file},
          {"entry", found.entry},
          {"label", labelOf(found)},
          {"authMethod", found.auth_method},
          {"provider", found.provider},
          {"region", found.region},
          {"profileArn", found.profile_arn},
          {"expiresAt", orNull(found.expires_ms)},
          {"expired", found.expires_ms > 0 && found.expires_ms <= now_ms},
          {"fingerprint", found.fingerprint()},
          {"registration", !oidc        ? "shared"
                           : registered ? "own"
                                        : "missing"},
          {"registrationExpiresAt", orNull(found.client_secret_expires_ms)},
          {"clientId", found.client_id},
          {"importable", importable},
          {"note", note},
          {"alsoIn", std::move(also)}};
}

json::object listed(const Listing& listing, int64_t now_ms) {
  json::array found;
  for (const Found& one : listing.found) found.push_back(listed(one, now_ms));
  json::array problems;
  for (const Problem& problem : listing.problems)
    problems.push_back(json::object{{"file", problem.file}, {"message", problem.message}});
  json::array searched;
  for (const std::string& file : listing.searched) searched.emplace_back(file);
  return {{"found", std::move(found)},
          {"problems", std::move(problems)},
          {"searched", std::move(searched)}};
}

json::object revealed(const Found& found) {
  json::object out{{"tool", found.kind}, {"item", found.origin()}};
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  text("authMethod", found.auth_method);
  text("provider", found.provider);
  text("region", found.region);
  text("refreshToken", found.refresh_token);
  text("accessToken", found.access_token);
  if (found.expires_ms > 0) out["expiresAt"] = found.expires_ms;
  text("profileArn", found.profile_arn);
  text("startUrl", found.start_url);
  text("email", found.email);
  text("clientId", found.client_id);
  text("clientSecret", found.client_secret);
  if (found.client_secret_expires_ms > 0)
    out["clientSecretExpiresAt"] = found.client_secret_expires_ms;
  text("tokenEndpoint", found.token_endpoint);
  text("issuerUrl", found.issuer_url);
  text("scopes", found.scopes);
  return out;
}

void mergeSame(std::vector<Found>& found) {
  std::vector<Found> kept;
  for (Found& one : found) {
    Found* same = nullptr;
    for (Found& other : kept)
      if (!one.refresh_token.empty() && one.refresh_token == other.refresh_token) same = &other;
    if (!same) {
      kept.push_back(std::move(one));
      continue;
    }
    if (one.file != same->file) same->also_in.push_back(one.file);
    takeOver(same->region, one.region);
    takeOver(same->start_url, one.start_url);
    takeOver(same->profile_arn, one.profile_arn);
    takeOver(same->provider, one.provider);
    takeOver(same->email, one.email);
    if (same->client_secret.empty() && !one.client_secret.empty()) {
      same->client_id = one.client_id;
      same->client_secret = one.client_secret;
      same->client_secret_expires_ms = one.client_secret_expires_ms;
    }
  }
  found = std::move(kept);
}

}  // namespace omni::kiro::local
