#include "plugins/kiro/refresh.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "plugins/kiro/region.hpp"
#include "plugins/kiro/registration.hpp"

namespace omni::kiro {
namespace {

constexpr int64_t kAheadMs = 5 * 60'000;

int64_t toNumber(const std::optional<std::string>& text) {
  int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
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
  if (call.value("refreshRoute").value_or("social") == "social")
    return refreshAtSocial(call, endpoints, refresh_token);
  const std::string region = call.value("region").value_or(std::string(kDefaultRegion));
  if (!isRegion(region))
    return sdk::fail(OMNI_FAILURE_INTERNAL, "the stored region is not a region");
  return refreshAtOidc(call, endpoints, region, call.value("clientId").value_or(""),
                       call.value("clientSecret").value_or(""), refresh_token);
}

sdk::Result<std::string> rotate(sdk::Call& call, const Endpoints& endpoints) {
  const auto current = call.value("refreshToken");
  if (!current)
    return sdk::fail(OMNI_FAILURE_REAUTH_REQUIRED,
                     "this account has no refresh token; sign it in again");
  faultPoint(call, "refresh.before_request");
  std::string used = *current;
  auto answer = askRoute(call, endpoints, used);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->rejected) {
    // An answer that was lost on its way may have left the previous token as the live one.
    const auto previous = call.value("previousRefreshToken");
    if (previous && *previous != used) {
      used = *previous;
      answer = askRoute(call, endpoints, used);
      if (!answer) return std::unexpected(std::move(answer.error()));
    }
  }
  if (answer->rejected) {
    sdk::Failure failure;
    failure.kind = OMNI_FAILURE_REAUTH_REQUIRED;
    failure.upstream_status = answer->error.status;
    failure.reason = answer->error.oauth.empty() ? answer->error.type : answer->error.oauth;
    failure.message =
        "the refresh token is no longer valid (it expired or the session was ended elsewhere); "
        "sign this account in again";
    return std::unexpected(std::move(failure));
  }
  faultPoint(call, "refresh.after_response");
  Tokens& fresh = answer->tokens;
  std::vector<sdk::Change> changes = {{"accessToken", fresh.access_token, true},
                                      {"expiresAt", std::to_string(fresh.expires_ms), false}};
  const std::string next = fresh.refresh_token.empty() ? used : fresh.refresh_token;
  if (next != *current) changes.push_back({"refreshToken", next, true});
  if (next != used) changes.push_back({"previousRefreshToken", used, true});
  if (!fresh.profile_arn.empty() && !call.value("profileArn"))
    changes.push_back({"profileArn", fresh.profile_arn, false});
  if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
  faultPoint(call, "refresh.after_commit");
  return std::move(fresh.access_token);
}

}  // namespace

sdk::Result<std::string> freshAccessToken(sdk::Call& call, const Endpoints& endpoints,
                                          RefreshWhen when, std::string_view seen_token) {
  const auto usable = [&]() -> std::optional<std::string> {
    if (when == RefreshWhen::Now && seen_token.empty()) return std::nullopt;
    auto token = call.value("accessToken");
    if (!token || *token == seen_token) return std::nullopt;
    if (toNumber(call.value("expiresAt")) - call.host().nowMs() < kAheadMs) return std::nullopt;
    return token;
  };
  if (auto token = usable()) return std::move(*token);
  const auto before = call.value("accessToken");
  auto lock = call.lock("refresh");
  if (!lock) return std::unexpected(std::move(lock.error()));
  // Another call may have refreshed while this one waited.
  if (auto token = usable()) return std::move(*token);
  if (auto token = call.value("accessToken");
      token && before && *token != *before &&
      toNumber(call.value("expiresAt")) - call.host().nowMs() >= kAheadMs)
    return std::move(*token);
  return rotate(call, endpoints);
}

}  // namespace omni::kiro
