#include "plugins/kiro/isolate.hpp"

#include "plugins/kiro/auth_headers.hpp"
#include "plugins/kiro/json.hpp"
#include "plugins/kiro/lent.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/region.hpp"
#include "plugins/kiro/registration.hpp"

namespace omni::kiro {
namespace {

std::string read(const sdk::Call& call, std::string_view key) {
  return call.value(key).value_or("");
}

std::string isolation(const sdk::Call& call, bool sign_in_needed, std::string_view message) {
  return json::serialize(json::object{{"isolation", read(call, "isolation")},
                                      {"isolationReason", read(call, "isolationReason")},
                                      {"signInNeeded", sign_in_needed},
                                      {"message", message}});
}

std::string renewal(const sdk::Call& call, bool renewed, bool sign_in_needed,
                    std::string_view message) {
  json::object out{{"renewed", renewed}, {"signInNeeded", sign_in_needed}, {"message", message}};
  if (const int64_t end = storedTime(call, "clientSecretExpiresAt"); end > 0)
    out["clientSecretExpiresAt"] = end;
  return json::serialize(out);
}

std::vector<sdk::Change> clientChanges(const Registration& own) {
  return {{"clientId", own.client_id, false},
          {"clientSecret", own.client_secret, true},
          {"clientSecretExpiresAt",
           own.secret_expires_ms > 0 ? std::optional(std::to_string(own.secret_expires_ms))
                                     : std::nullopt,
           false}};
}

sdk::Result<std::string> ssoRegion(const sdk::Call& call) {
  std::string region = call.value("region").value_or(std::string(kDefaultRegion));
  if (!isRegion(region))
    return sdk::fail(OMNI_FAILURE_INTERNAL, "the stored region is not a region");
  return region;
}

// Shows the refresh token to OIDC with the registration `own`. True: OIDC has moved the session
// there, and that is stored. False: it refused, and nothing has changed. The caller holds the
// account's refresh lock.
sdk::Result<bool> moveSession(sdk::Call& call, const Endpoints& endpoints,
                              const std::string& region, const Registration& own) {
  const std::string current = read(call, "refreshToken");
  if (current.empty()) return false;
  auto answer = refreshAtOidc(call, endpoints, region, own.client_id, own.client_secret, current);
  if (!answer) {
    // Any refusal of the request itself means "not mine" as well.
    if (answer.error().upstream_status == 400) return false;
    return std::unexpected(std::move(answer.error()));
  }
  if (answer->rejected) return false;
  auto changes = rotationChanges(call, answer->tokens, current, current);
  for (auto& change : clientChanges(own)) changes.push_back(std::move(change));
  for (auto& change : noLongerLent()) changes.push_back(std::move(change));
  changes.push_back({"refreshRoute", "oidc", false});
  changes.push_back({"isolation", "dedicated", false});
  changes.push_back({"isolationReason", "its own registration holds the session", false});
  if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
  return true;
}

// An unused registration of the account's own that is still good: no need for another one.
std::optional<Registration> ownedClient(const sdk::Call& call) {
  Registration own{read(call, "clientId"), read(call, "clientSecret"),
                   storedTime(call, "clientSecretExpiresAt")};
  if (read(call, "isolation") != "registered" || own.client_id.empty() ||
      own.client_secret.empty() || own.secret_expires_ms <= call.host().nowMs())
    return std::nullopt;
  return own;
}

}  // namespace

sdk::Result<std::string> isolateAccount(sdk::Call& call, const Endpoints& endpoints) {
  const std::string now = read(call, "isolation");
  if (now == "none_needed")
    return isolation(call, false, "an API key needs no registration; nothing was changed");
  if (now == "dedicated") return isolation(call, false, "it is dedicated already");
  if (read(call, "authMethod") == kExternalIdpMethod)
    return isolation(
        call, true,
        "the session belongs to the company's identity provider: sign in once more in "
        "the tool and import that token, then the tool and this account have one each");
  if (const std::string tool = lentBy(call);
      !tool.empty() && read(call, "refreshRoute") == "social")
    return isolation(call, true,
                     "its session is the one of " + tool +
                         " and is renewed there; sign this account in again here, and it gets one "
                         "of its own in place");
  auto region = ssoRegion(call);
  if (!region) return std::unexpected(std::move(region.error()));
  auto lock = call.lock("refresh");
  if (!lock) return std::unexpected(std::move(lock.error()));
  std::optional<Registration> own = ownedClient(call);
  if (!own) {
    auto made = registerClient(call, endpoints, *region);
    if (!made) return std::unexpected(std::move(made.error()));
    own = std::move(*made);
  }
  auto moved = moveSession(call, endpoints, *region, *own);
  if (!moved) return std::unexpected(std::move(moved.error()));
  if (*moved) return isolation(call, false, "a registration of its own now holds the session");
  if (read(call, "refreshRoute") != "social")
    // The old registration must stay: its session is the only one there is.
    return isolation(call, true,
                     "AWS keeps the session with the registration that it was issued to; sign this "
                     "account in again here, and it gets one of its own in place");
  auto changes = clientChanges(*own);
  changes.push_back({"isolation", "registered", false});
  changes.push_back({"isolationReason",
                     "it owns a registration; its session was issued by Kiro's sign-in service and "
                     "is refreshed there",
                     false});
  if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
  return isolation(
      call, false,
      "it owns a registration; sessions of Google and GitHub sign-ins stay with Kiro's "
      "sign-in service");
}

sdk::Result<std::string> renewRegistration(sdk::Call& call, const Endpoints& endpoints) {
  const std::string now = read(call, "isolation");
  if (now == "none_needed" || read(call, "authMethod") == kExternalIdpMethod)
    return renewal(call, false, false, "this kind of account has no registration at AWS");
  auto region = ssoRegion(call);
  if (!region) return std::unexpected(std::move(region.error()));
  auto lock = call.lock("refresh");
  if (!lock) return std::unexpected(std::move(lock.error()));
  auto own = registerClient(call, endpoints, *region);
  if (!own) return std::unexpected(std::move(own.error()));
  if (read(call, "refreshRoute") == "social") {
    // The session does not hang on it, so it can simply be replaced.
    auto changes = clientChanges(*own);
    changes.push_back({"isolation", "registered", false});
    changes.push_back({"isolationReason",
                       "it owns a registration; its session was issued by Kiro's sign-in service "
                       "and is refreshed there",
                       false});
    if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
    return renewal(call, true, false, "it has a new registration");
  }
  auto moved = moveSession(call, endpoints, *region, *own);
  if (!moved) return std::unexpected(std::move(moved.error()));
  if (*moved) return renewal(call, true, false, "the session has moved to a new registration");
  return renewal(call, false, true,
                 "AWS does not move the session to a new registration; sign this account in again "
                 "before the old one ends");
}

}  // namespace omni::kiro
