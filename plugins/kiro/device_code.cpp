#include "plugins/kiro/device_code.hpp"

#include <fmt/format.h>

#include "plugins/kiro/allow_list.hpp"
#include "plugins/kiro/signin.hpp"

namespace omni::kiro {

sdk::Result<> checkDeviceCode(const DeviceCode& code, std::string_view who) {
  if (code.device_code.empty() || code.user_code.empty() || code.verification_uri.empty())
    return sdk::fail(OMNI_FAILURE_PROTOCOL,
                     fmt::format("{} sent an answer without a device code", who));
  // People click on it: nothing but a web page with TLS may reach them.
  if (!isBrowserUrl(code.verification_uri) ||
      (!code.verification_uri_complete.empty() && !isBrowserUrl(code.verification_uri_complete)))
    return sdk::fail(OMNI_FAILURE_PROTOCOL,
                     fmt::format("{} named a sign-in page that is not an https address", who));
  return {};
}

std::vector<sdk::Change> deviceDraft(const sdk::Call& call, const DeviceCode& code) {
  const int64_t now = call.host().nowMs();
  return {{std::string(kDraftForm), "device", false},
          {std::string(kDraftCode), code.device_code, true},
          {std::string(kDraftExpires), std::to_string(now + code.lifetime_ms), false},
          {std::string(kDraftInterval), std::to_string(code.interval_ms), false},
          {std::string(kDraftNext), std::to_string(now + code.interval_ms), false}};
}

std::string deviceAnswer(const sdk::Call& call, const DeviceCode& code) {
  json::object out{{"kind", "device"},
                   {"userCode", code.user_code},
                   {"verificationUri", code.verification_uri},
                   {"expiresAt", call.host().nowMs() + code.lifetime_ms},
                   {"intervalMs", code.interval_ms}};
  if (!code.verification_uri_complete.empty())
    out["verificationUriComplete"] = code.verification_uri_complete;
  return json::serialize(out);
}

}  // namespace omni::kiro
