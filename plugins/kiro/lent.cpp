#include "plugins/kiro/lent.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/kiro/local/scan.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/usage.hpp"

namespace omni::kiro {
namespace {

constexpr int64_t kWorthMs = 60'000;

std::string read(const sdk::Call& call, std::string_view key) {
  return call.value(key).value_or("");
}

// What the tool holds now; nullopt: it is not on this machine, or cannot be read.
std::optional<local::Found> ofTool(const sdk::Call& call) {
  const std::string item = read(call, "toolItem");
  const auto at = item.find('@');
  if (at == std::string::npos || item.substr(at + 1) != local::thisMachine()) return std::nullopt;
  auto found = local::readFound(local::Roots::own(), std::string_view(item).substr(0, at));
  if (!found || !found->obstacle().empty()) return std::nullopt;
  return std::move(*found);
}

std::vector<sdk::Change> taken(const local::Found& found) {
  std::vector<sdk::Change> out = {{"accessToken", found.access_token, true},
                                  {"refreshToken", found.refresh_token, true},
                                  {"expiresAt", std::to_string(found.expires_ms), false},
                                  {"fingerprint", found.fingerprint(), false}};
  if (!found.client_id.empty() && !found.client_secret.empty()) {
    out.push_back({"clientId", found.client_id, false});
    out.push_back({"clientSecret", found.client_secret, true});
  }
  return out;
}

}  // namespace

std::string lentBy(const sdk::Call& call) {
  return read(call, "renewedBy");
}

std::vector<sdk::Change> noLongerLent() {
  return {{"renewedBy", std::nullopt, false}, {"toolItem", std::nullopt, false}};
}

sdk::Result<> sameUser(sdk::Call& call, const Endpoints& endpoints, const std::string& user_id,
                       const std::string& access_token) {
  if (user_id.empty()) return {};
  auto who = userOf(call, endpoints, access_token);
  if (!who) return std::unexpected(std::move(who.error()));
  if (!isSomebodyElse(*who, user_id)) return {};
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_NOT_AUTHORIZED;
  failure.reason = "other_user";
  failure.message =
      "the tool that lent this session is now signed in as somebody else; import that account "
      "under "
      "a name of its own, and sign this one in here";
  return std::unexpected(std::move(failure));
}

sdk::Result<std::string> lentToken(sdk::Call& call, const Endpoints& endpoints,
                                   std::string_view seen_token) {
  const int64_t now = call.host().nowMs();
  const int64_t ends = storedTime(call, "expiresAt");
  std::string stored = read(call, "accessToken");
  if (const auto newer = ofTool(call); newer && newer->access_token != stored &&
                                       newer->access_token != seen_token &&
                                       newer->expires_ms > std::max(now + kWorthMs, ends)) {
    if (auto same = sameUser(call, endpoints, read(call, "userId"), newer->access_token); !same)
      return std::unexpected(std::move(same.error()));
    if (auto saved = call.commit(taken(*newer)); !saved)
      return std::unexpected(std::move(saved.error()));
    return newer->access_token;
  }
  if (!stored.empty() && stored != seen_token && ends > now) return stored;
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_REAUTH_REQUIRED;
  failure.reason = "tool_token_expired";
  failure.message = fmt::format(
      "the token that {0} lent has run out, and renewing it here could sign {0} out: use {0} once "
      "and run \"omniroute import\" again, sign this account in here, or allow the renewal with "
      "{{\"rotate\": true}} when you refresh it",
      lentBy(call));
  return std::unexpected(std::move(failure));
}

}  // namespace omni::kiro
