#include "plugins/kiro/refresh.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "plugins/kiro/auth_headers.hpp"
#include "plugins/kiro/lent.hpp"
#include "plugins/kiro/region.hpp"

namespace omni::kiro {
namespace {

constexpr int64_t kAheadMs = 5 * 60'000;
constexpr int64_t kForcedPauseMs = 30'000;

// Kiro's sign-in service slows accounts down that refresh all the time. The setting is for a
// simulator.
int64_t forcedPauseMs(const sdk::Call& call) {
  const auto text = call.host().setting("refresh.forcedPauseMs");
  int64_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
    return kForcedPauseMs;
  return value < 0 ? kForcedPauseMs : value;
}

// Lets a test kill the process at a step of the rotation; needs two settings, so that no stray one
// can do it.
void faultPoint(const sdk::Call& call, std::string_view step) {
  if (call.host().setting("enableFaultPoints").value_or("") == "true" &&
      call.host().setting("faultPoint").value_or("") == step)
    std::_Exit(99);
}

sdk::Result<TokenAnswer> askRoute(sdk::Call& call, const Endpoints& endpoints,
                                  std::string_view refresh_token) {
  const std::string route = call.value("refreshRoute").value_or("social");
  if (route == "social") return refreshAtSocial(call, endpoints, refresh_token);
  if (route == "external_idp")
    return refreshAtExternalIdp(call, call.value("tokenEndpoint").value_or(""),
                                call.value("clientId").value_or(""),
                                call.value("scopes").value_or(""), refresh_token);
  const std::string region = call.value("region").value_or(std::string(kDefaultRegion));
  if (!isRegion(region))
    return sdk::fail(OMNI_FAILURE_INTERNAL, "the stored region is not a region");
  return refreshAtOidc(call, endpoints, region, call.value("clientId").value_or(""),
                       call.value("clientSecret").value_or(""), refresh_token);
}

std::unexpected<sdk::Failure> signInAgain(const sdk::Call& call, const SignInError& error) {
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_REAUTH_REQUIRED;
  failure.upstream_status = error.status;
  failure.reason = error.code;
  const int64_t end = storedTime(call, "clientSecretExpiresAt");
  if (error.problem != SignInProblem::ClientDead)
    failure.message =
        "the refresh token is no longer valid (it expired or the session was ended elsewhere); "
        "sign this account in again";
  else if (end > 0 && end <= call.host().nowMs())
    failure.message =
        "the client registration of this account has passed its 90 days; sign this account in "
        "again, which makes a new one";
  else
    failure.message =
        "the issuer does not know the client registration of this account (any more); sign this "
        "account in again";
  return std::unexpected(std::move(failure));
}

sdk::Result<std::string> rotate(sdk::Call& call, const Endpoints& endpoints) {
  std::string current = call.value("refreshToken").value_or("");
  if (current.empty())
    return sdk::fail(OMNI_FAILURE_REAUTH_REQUIRED,
                     "this account has no refresh token; sign it in again");
  faultPoint(call, "refresh.before_request");
  std::string used = current;
  auto answer = askRoute(call, endpoints, used);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->rejected) {
    // A peer on the same store may have rotated it meanwhile: then its token is the living one.
    if (auto newer = call.value("refreshToken"); newer && !newer->empty() && *newer != current) {
      if (auto token = call.value("accessToken");
          token && storedTime(call, "expiresAt") - call.host().nowMs() >= kAheadMs)
        return std::move(*token);
      current = used = std::move(*newer);
      answer = askRoute(call, endpoints, used);
      if (!answer) return std::unexpected(std::move(answer.error()));
    }
  }
  if (answer->rejected) {
    // An answer that was lost on its way may have left the previous token as the live one.
    const auto previous = call.value("previousRefreshToken");
    if (previous && !previous->empty() && *previous != used) {
      const SignInError first = answer->error;
      used = *previous;
      answer = askRoute(call, endpoints, used);
      if (!answer) return std::unexpected(std::move(answer.error()));
      if (answer->rejected) answer->error = first;
    }
  }
  if (answer->rejected) return signInAgain(call, answer->error);
  faultPoint(call, "refresh.after_response");
  if (auto saved = call.commit(rotationChanges(call, answer->tokens, used, current)); !saved)
    return std::unexpected(std::move(saved.error()));
  faultPoint(call, "refresh.after_commit");
  return std::move(answer->tokens.access_token);
}

}  // namespace

int64_t storedTime(const sdk::Call& call, std::string_view key) {
  const auto text = call.value(key);
  int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

std::vector<sdk::Change> rotationChanges(const sdk::Call& call, const Tokens& fresh,
                                         const std::string& used, const std::string& current) {
  std::vector<sdk::Change> changes = {{"accessToken", fresh.access_token, true},
                                      {"expiresAt", std::to_string(fresh.expires_ms), false}};
  const std::string next = fresh.refresh_token.empty() ? used : fresh.refresh_token;
  if (next != current) changes.push_back({"refreshToken", next, true});
  if (next != used)
    changes.push_back({"previousRefreshToken", used, true});
  else if (used != current)
    changes.push_back({"previousRefreshToken", current, true});
  if (!fresh.profile_arn.empty() && call.value("profileArn").value_or("").empty())
    changes.push_back({"profileArn", fresh.profile_arn, false});
  return changes;
}

sdk::Result<std::string> freshAccessToken(sdk::Call& call, const Endpoints& endpoints,
                                          RefreshWhen when, std::string_view seen_token) {
  if (isApiKey(call)) {
    auto key = call.value("apiKey");
    if (!key || key->empty() || *key == seen_token)
      return sdk::fail(OMNI_FAILURE_REAUTH_REQUIRED,
                       "Kiro no longer accepts this API key; make a new one in the Kiro console "
                       "and enter it for this account");
    return std::move(*key);
  }
  const auto left = [&] { return storedTime(call, "expiresAt") - call.host().nowMs(); };
  const auto usable = [&]() -> std::optional<std::string> {
    if (when == RefreshWhen::Now && seen_token.empty()) return std::nullopt;
    auto token = call.value("accessToken");
    if (!token || *token == seen_token || left() < kAheadMs) return std::nullopt;
    return token;
  };
  if (auto token = usable()) return std::move(*token);
  const auto before = call.value("accessToken");
  auto lock = call.lock("refresh");
  if (!lock) return std::unexpected(std::move(lock.error()));
  // Another call may have refreshed while this one waited.
  if (auto token = usable()) return std::move(*token);
  auto stored = call.value("accessToken");
  if (stored && before && *stored != *before && left() >= kAheadMs) return std::move(*stored);
  if (!lentBy(call).empty()) return lentToken(call, endpoints, seen_token);
  if (when == RefreshWhen::Now && stored && left() >= kAheadMs) {
    const int64_t now = call.host().nowMs();
    const int64_t last = storedTime(call, "forcedRefreshAt");
    const int64_t pause = forcedPauseMs(call);
    if (last > 0 && now >= last && now - last < pause) {
      if (seen_token.empty()) return std::move(*stored);
      sdk::Failure failure;
      failure.kind = OMNI_FAILURE_AUTH_INVALID;
      failure.retry_after_ms = pause - (now - last);
      failure.message =
          "Kiro refuses an access token that was renewed a moment ago; test the account to see why";
      return std::unexpected(std::move(failure));
    }
    // Before the call, so that a failing one counts too.
    if (auto saved = call.commit({{"forcedRefreshAt", std::to_string(now), false}}); !saved)
      return std::unexpected(std::move(saved.error()));
  }
  return rotate(call, endpoints);
}

}  // namespace omni::kiro
