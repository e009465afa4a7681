#include "plugins/kiro/local/rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/local/time_text.hpp"

namespace omni::kiro::local {
namespace {

constexpr std::string_view kBuilderIdStart = "view.awsapps.com/start";
constexpr std::string_view kSocialProfile = "Social_Default_Profile";

// Both spellings: the command lines write snake case, copies of the IDE's store camel case.
std::string either(const json::object& object, std::string_view snake, std::string_view camel) {
  std::string_view found = text(object, snake);
  if (found.empty()) found = text(object, camel);
  return std::string(found);
}

int64_t eitherTime(const json::object& object, std::string_view snake, std::string_view camel) {
  const auto* found = object.if_contains(snake);
  return timeMs(found ? found : object.if_contains(camel));
}

// "kirocli:odic:token" -> {"kirocli", "odic"}; the part before the last colon is what pairs rows.
enum class Sort { None, Oidc, Social, External, Registration, Unknown };

Sort sortOf(std::string_view key) {
  const auto ends = [&](std::string_view end) { return key.ends_with(end); };
  if (ends(":odic:token") || ends(":oidc:token")) return Sort::Oidc;
  if (ends(":social:token")) return Sort::Social;
  if (ends(":external-idp:token") || ends(":external_idp:token")) return Sort::External;
  if (ends(":device-registration")) return Sort::Registration;
  if (ends(":auth:token") || key == "kiro-auth-token") return Sort::Unknown;
  return Sort::None;
}

struct Parsed {
  const Row* row;
  Sort sort;
  json::object object;
};

Sort guessed(const json::object& token) {
  const std::string method = either(token, "auth_method", "authMethod");
  const std::string_view provider = text(token, "provider");
  if (!either(token, "token_endpoint", "tokenEndpoint").empty() || method == "external_idp")
    return Sort::External;
  if (method == "social" || provider == "google" || provider == "github" || provider == "Google" ||
      provider == "Github")
    return Sort::Social;
  return Sort::Oidc;
}

std::string_view family(
    std::string_view key) {  // "kirocli:odic" of "kirocli:odic:device-registration"
  return key.substr(0, key.rfind(':'));
}

// The registration that the token was issued to: of the same family, else of the same region, else
// the only one.
const Parsed* registrationOf(const Parsed& token, const std::vector<Parsed>& all) {
  const Parsed* region_match = nullptr;
  const Parsed* only = nullptr;
  size_t count = 0;
  const std::string_view region = text(token.object, "region");
  for (const Parsed& one : all) {
    if (one.sort != Sort::Registration || one.row->table != token.row->table) continue;
    if (family(one.row->key) == family(token.row->key)) return &one;
    if (!region.empty() && text(one.object, "region") == region) region_match = &one;
    only = &one;
    ++count;
  }
  return region_match ? region_match : count == 1 ? only : nullptr;
}

struct State {
  std::string arn, profile_name, start_url, region;
};

// Values of `state` are JSON-encoded; some versions store the text bare.
std::string plain(const std::string& value) {
  json::error_code code;
  const json::value parsed = json::parse(value, code);
  if (!code && parsed.is_string()) return std::string(view(parsed.get_string()));
  return code ? value : std::string();
}

State stateOf(const std::vector<Row>& rows) {
  State state;
  for (const Row& row : rows) {
    if (row.table == "auth_kv") continue;
    if (row.key == "api.codewhisperer.profile") {
      if (const auto profile = parseObject(row.value)) {
        state.arn = text(*profile, "arn");
        state.profile_name = either(*profile, "profile_name", "profileName");
      }
    } else if (row.key == "auth.idc.start-url") {
      state.start_url = plain(row.value);
    } else if (row.key == "auth.idc.region") {
      state.region = plain(row.value);
    }
  }
  return state;
}

std::string scopesOf(const json::object& token) {
  if (const auto* list = token.if_contains("scopes"); list && list->is_array()) {
    std::string all;
    for (const auto& scope : list->get_array())
      if (scope.is_string()) all.append(all.empty() ? "" : " ").append(view(scope.get_string()));
    return all;
  }
  return std::string(text(token, "scopes"));
}

Found accountOf(const Parsed& token, Sort sort, const std::vector<Parsed>& all, const State& state,
                std::string_view kind, std::string_view file) {
  Found found;
  found.kind = kind;
  found.file = file;
  found.entry = token.row->key;
  found.access_token = either(token.object, "access_token", "accessToken");
  found.refresh_token = either(token.object, "refresh_token", "refreshToken");
  found.expires_ms = eitherTime(token.object, "expires_at", "expiresAt");
  found.region = text(token.object, "region");
  found.provider = text(token.object, "provider");
  found.email = text(token.object, "email");
  found.profile_arn = either(token.object, "profile_arn", "profileArn");
  const bool social_profile = state.profile_name == kSocialProfile;
  if (sort == Sort::Social) {
    found.auth_method = "social";
    if (!found.provider.empty())
      found.provider[0] = static_cast<char>(std::toupper(found.provider[0]));
    if (found.profile_arn.empty() && social_profile) found.profile_arn = state.arn;
    return found;
  }
  found.scopes = scopesOf(token.object);
  if (found.profile_arn.empty() && !social_profile) {
    found.profile_arn = state.arn;
    found.profile_name = state.profile_name;
  }
  if (sort == Sort::External) {
    found.auth_method = "external_idp";
    found.provider = "ExternalIdp";
    found.issuer_url = either(token.object, "issuer_url", "issuerUrl");
    found.token_endpoint = either(token.object, "token_endpoint", "tokenEndpoint");
    found.client_id = either(token.object, "client_id", "clientId");
    return found;
  }
  found.start_url = either(token.object, "start_url", "startUrl");
  if (const Parsed* registration = registrationOf(token, all)) {
    found.client_id = either(registration->object, "client_id", "clientId");
    found.client_secret = either(registration->object, "client_secret", "clientSecret");
    found.client_secret_expires_ms =
        eitherTime(registration->object, "client_secret_expires_at", "clientSecretExpiresAt");
    if (found.region.empty()) found.region = text(registration->object, "region");
  }
  // Tokens of the first versions name neither; what the settings say then holds.
  if (found.start_url.empty()) found.start_url = state.start_url;
  if (found.region.empty())
    found.region = state.region.empty() ? std::string("us-east-1") : state.region;
  const bool builder = found.start_url.empty() || found.start_url.contains(kBuilderIdStart);
  found.auth_method = builder ? "builder-id" : "idc";
  if (found.provider.empty()) found.provider = builder ? "BuilderId" : "Enterprise";
  return found;
}

}  // namespace

void readRows(std::string_view kind, std::string_view file, const std::vector<Row>& rows,
              Listing& into) {
  std::vector<Parsed> parsed;
  for (const Row& row : rows) {
    const Sort sort = row.table == "state" ? Sort::None : sortOf(row.key);
    if (sort == Sort::None) continue;
    auto object = parseObject(row.value);
    if (!object) {
      into.problems.push_back(
          {std::string(file),
           fmt::format("the entry \"{}\" is no JSON object; sign in again in the tool",
                       row.key.substr(0, 100))});
      continue;
    }
    parsed.push_back({&row, sort == Sort::Unknown ? guessed(*object) : sort, std::move(*object)});
  }
  const State state = stateOf(rows);
  for (Sort wanted : {Sort::External, Sort::Oidc, Sort::Social}) {
    std::vector<const Parsed*> of_sort;
    for (const Parsed& one : parsed)
      if (one.sort == wanted) of_sort.push_back(&one);
    // kirocli before codewhisperer: the older key may be a left-over of an update.
    std::ranges::stable_sort(of_sort, {}, [](const Parsed* one) {
      return one->row->key.starts_with("codewhisperer") ? 1 : 0;
    });
    for (const Parsed* one : of_sort) {
      Found found = accountOf(*one, wanted, parsed, state, kind, file);
      if (found.access_token.empty() && found.refresh_token.empty()) continue;  // signed out
      into.found.push_back(std::move(found));
    }
  }
}

}  // namespace omni::kiro::local
