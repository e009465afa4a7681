#pragma once
// Interactive sign-ins: start, poll and finish on one draft account. What start commits is what
// poll and finish read back; the client secret and the device code never leave the service. Wire
// source: kiro-protocol A.4, B.1 to B.3.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/kiro/endpoints.hpp"
#include "plugins/kiro/json.hpp"

namespace omni::kiro {

// {"method": builder_id|idc|google|github, ...}; see kiro.plugin.json for the members.
sdk::Result<std::string> startSignIn(sdk::Call& call, const Endpoints& endpoints,
                                     std::string_view input);
// At most one question to the token endpoint, and none before its time. A failure that passes
// (NETWORK, TIMEOUT, UPSTREAM, RATE_LIMITED, with retry_after_ms) ends nothing: poll again until
// the code expires. The end without tokens: REAUTH_REQUIRED with reason expired_token (start anew),
// or NOT_AUTHORIZED with reason access_denied.
sdk::Result<std::string> pollSignIn(sdk::Call& call, const Endpoints& endpoints);
// The address that the browser was sent back to. BAD_REQUEST names callbackUrl.
sdk::Result<std::string> finishBrowserSignIn(sdk::Call& call, const Endpoints& endpoints,
                                             std::string_view input);

// ---- for the files that do the work

// The draft's own values; all are removed when it is complete.
inline constexpr std::string_view kDraftMethod = "signin.method";
inline constexpr std::string_view kDraftForm = "signin.form";  // device or browser
inline constexpr std::string_view kDraftCode = "signin.deviceCode";
inline constexpr std::string_view kDraftVerifier = "signin.codeVerifier";
inline constexpr std::string_view kDraftState = "signin.state";
inline constexpr std::string_view kDraftRedirect = "signin.redirectUri";
inline constexpr std::string_view kDraftExpires = "signin.expiresAt";
inline constexpr std::string_view kDraftInterval = "signin.intervalMs";
inline constexpr std::string_view kDraftNext = "signin.nextPollAt";

std::vector<sdk::Change> draftEnds();

}  // namespace omni::kiro
