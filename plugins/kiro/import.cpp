#include "plugins/kiro/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/region.hpp"
#include "plugins/kiro/registration.hpp"
#include "plugins/kiro/sha256.hpp"

namespace omni::kiro {
namespace {

constexpr std::string_view kTokenPrefix = "aorAAAAAG";
constexpr size_t kShortestToken = 100;

struct Form {
  std::string refresh_token;
  std::string region{kDefaultRegion};
  std::string profile_arn;
  std::string client_id;
  std::string client_secret;
  bool allow_shared = false;
};

std::unexpected<sdk::Failure> bad(std::string field, std::string message) {
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_BAD_REQUEST;
  failure.field = std::move(field);
  failure.message = std::move(message);
  return std::unexpected(std::move(failure));
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos
             ? std::string()
             : std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

sdk::Result<Form> readForm(std::string_view input) {
  constexpr std::array<std::string_view, 7> kMembers = {
      "refreshToken", "region",     "profileArn", "clientId",
      "clientSecret", "authMethod", "allowShared"};
  const auto object = parseObject(input);
  if (!object) return bad("body", "the body must be a JSON object");
  for (const auto& [name, value] : *object) {
    const std::string_view key(name.data(), name.size());
    if (std::ranges::find(kMembers, key) == kMembers.end())
      return bad(std::string(key), fmt::format("unknown member \"{}\"; known are {}", key,
                                               fmt::join(kMembers, ", ")));
    if (key == "allowShared" ? !value.is_bool() : !value.is_string())
      return bad(
          std::string(key),
          fmt::format("{} must be {}", key, key == "allowShared" ? "true or false" : "a string"));
  }
  Form form;
  form.refresh_token = trimmed(text(*object, "refreshToken"));
  if (form.refresh_token.empty())
    return bad("refreshToken",
               "refreshToken is missing: paste the refresh token of the Kiro account");
  if (!form.refresh_token.starts_with(kTokenPrefix))
    return bad("refreshToken",
               "refreshToken must start with aorAAAAAG; an access token (aoa...) or a JSON file is "
               "not one");
  if (form.refresh_token.contains("...") || form.refresh_token.size() < kShortestToken)
    return bad("refreshToken",
               "refreshToken is cut short; copy the whole token from the file, not from a log or a "
               "window");
  if (form.refresh_token.find_first_of(" \t\r\n\"") != std::string::npos)
    return bad("refreshToken", "refreshToken holds spaces or quotes; copy the token alone");
  if (object->contains("region")) form.region = text(*object, "region");
  if (!isRegion(form.region))
    return bad(
        "region",
        "region must look like us-east-1 or eu-west-1 (lower case); leave it out for us-east-1");
  form.profile_arn = text(*object, "profileArn");
  if (!form.profile_arn.empty() && !isProfileArn(form.profile_arn))
    return bad(
        "profileArn",
        "profileArn must look like arn:aws:codewhisperer:us-east-1:123456789012:profile/ABCDEF");
  form.client_id = text(*object, "clientId");
  form.client_secret = text(*object, "clientSecret");
  if (form.client_id.empty() != form.client_secret.empty())
    return bad(form.client_id.empty() ? "clientId" : "clientSecret",
               "clientId and clientSecret go together: give both or none");
  if (const auto* shared = object->if_contains("allowShared"))
    form.allow_shared = shared->get_bool();
  return form;
}

struct SignedIn {
  Tokens tokens;
  std::string auth_method;
  std::string route;
  std::string isolation;
  std::string reason;
};

std::unexpected<sdk::Failure> tokenRefused(std::string_view who) {
  return bad("refreshToken", fmt::format("{} does not accept this refresh token: it has expired, "
                                         "was used up by another tool, or belongs to another "
                                         "region or client. Sign in again and import the new token",
                                         who));
}

// The registration that came with the token holds its session, so it is shared with the tool that
// it came from.
sdk::Result<SignedIn> withGivenClient(sdk::Call& call, const Endpoints& endpoints,
                                      const Form& form) {
  auto answer = refreshAtOidc(call, endpoints, form.region, form.client_id, form.client_secret,
                              form.refresh_token);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->rejected) return tokenRefused("AWS SSO OIDC");
  return SignedIn{std::move(answer->tokens), "idc", "oidc", "shared",
                  "the registration came with the token and is in use by the tool it came from"};
}

sdk::Result<SignedIn> withOwnClient(sdk::Call& call, const Endpoints& endpoints, const Form& form,
                                    const std::optional<Registration>& own) {
  if (own) {
    auto answer = refreshAtOidc(call, endpoints, form.region, own->client_id, own->client_secret,
                                form.refresh_token);
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (!answer->rejected)
      return SignedIn{std::move(answer->tokens), "imported", "oidc", "dedicated",
                      "its own registration holds the session"};
  }
  auto answer = refreshAtSocial(call, endpoints, form.refresh_token);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->rejected) return tokenRefused("Neither AWS SSO OIDC nor Kiro's sign-in service");
  if (!own)
    return SignedIn{std::move(answer->tokens), "imported", "social", "shared",
                    "it has no registration of its own"};
  return SignedIn{std::move(answer->tokens), "imported", "social", "registered",
                  "it owns a registration; its session was issued by Kiro's sign-in service and is "
                  "refreshed there"};
}

}  // namespace

sdk::Result<std::string> importAccount(sdk::Call& call, const Endpoints& endpoints,
                                       std::string_view input) {
  auto form = readForm(input);
  if (!form) return std::unexpected(std::move(form.error()));

  // First and alone, so that a token that is here already is found before anything is asked of AWS.
  const std::string fingerprint = sha256Hex(form->refresh_token);
  if (auto claimed = call.commit({{"fingerprint", fingerprint, false}}); !claimed)
    return std::unexpected(std::move(claimed.error()));

  std::optional<Registration> own;
  const bool given = !form->client_id.empty();
  if (!given) {
    auto registered = registerClient(call, endpoints, form->region);
    if (registered) {
      own = std::move(*registered);
    } else if (!form->allow_shared || registered.error().cancelled) {
      sdk::Failure& failure = registered.error();
      if (!failure.reported)
        failure.message +=
            "; nothing was stored. Try again, or accept an account without a registration of its "
            "own with "
            "\"allowShared\": true";
      return std::unexpected(std::move(failure));
    }
  }
  auto in =
      given ? withGivenClient(call, endpoints, *form) : withOwnClient(call, endpoints, *form, own);
  if (!in) return std::unexpected(std::move(in.error()));

  if (in->tokens.refresh_token.empty()) in->tokens.refresh_token = form->refresh_token;
  const std::string arn = form->profile_arn.empty() ? in->tokens.profile_arn : form->profile_arn;
  std::vector<sdk::Change> changes = {{"authMethod", in->auth_method, false},
                                      {"region", form->region, false},
                                      {"refreshRoute", in->route, false},
                                      {"isolation", in->isolation, false},
                                      {"isolationReason", in->reason, false},
                                      {"expiresAt", std::to_string(in->tokens.expires_ms), false},
                                      {"refreshToken", in->tokens.refresh_token, true},
                                      {"accessToken", in->tokens.access_token, true}};
  if (!arn.empty()) changes.push_back({"profileArn", arn, false});
  if (own || given) {
    changes.push_back({"clientId", own ? own->client_id : form->client_id, false});
    changes.push_back({"clientSecret", own ? own->client_secret : form->client_secret, true});
    if (own)
      changes.push_back({"clientSecretExpiresAt", std::to_string(own->secret_expires_ms), false});
  }
  if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
  return std::string("{}");
}

}  // namespace omni::kiro
