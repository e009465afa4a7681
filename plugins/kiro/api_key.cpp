#include "plugins/kiro/api_key.hpp"

#include <algorithm>

#include "plugins/kiro/control_plane.hpp"
#include "plugins/kiro/form.hpp"
#include "plugins/kiro/profiles.hpp"
#include "plugins/kiro/region.hpp"
#include "plugins/kiro/sha256.hpp"
#include "plugins/kiro/usage.hpp"

namespace omni::kiro {
namespace {

constexpr std::string_view kPrefix = "ksk_";
constexpr size_t kShortestKey = 20;

bool plain(std::string_view key) {
  return std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7f && c != '"'; });
}

}  // namespace

sdk::Result<json::object> importApiKey(sdk::Call& call, const Endpoints& endpoints,
                                       const std::string& key, const std::string& region) {
  if (!key.starts_with(kPrefix))
    return badField("apiKey",
                    "apiKey must start with ksk_; it is made in the Kiro console, and a refresh "
                    "token belongs into refreshToken");
  if (key.size() < kShortestKey || key.find("...") != std::string::npos || !plain(key))
    return badField("apiKey", "apiKey is cut short or holds spaces or quotes; copy the whole key");
  SignedIn in;
  in.auth_method = "api_key";
  in.fingerprint = sha256Hex(key);
  // First and alone, so that a key that is here already is found before anything is asked.
  if (auto claimed = call.commit({{"fingerprint", in.fingerprint, false}}); !claimed)
    return std::unexpected(std::move(claimed.error()));
  in.region = region;
  in.route = "none";
  in.isolation = "none_needed";
  in.isolation_reason = "an API key has no session that another sign-in could end";
  in.api_key = key;
  auto regions = profileRegions("us-east-1");
  if (const auto named = std::ranges::find(regions, region); named != regions.end())
    std::rotate(regions.begin(), named, named + 1);

  std::optional<sdk::Failure> failed;
  for (const std::string& candidate : regions) {
    in.api_region = candidate;
    // The call reads key and kind from the record.
    if (auto saved = call.commit(accountChanges(in)); !saved)
      return std::unexpected(std::move(saved.error()));
    auto answer = controlPlane(call, endpoints,
                               {.operation = "GetProfile",
                                .region = candidate,
                                .with_profile = false,
                                .may_refresh = false});
    if (answer) {
      if (const auto* profile = object(*answer, "profile"))
        if (const auto arn = text(*profile, "arn"); isProfileArn(arn))
          if (auto saved = call.commit({{"apiProfileArn", std::string(arn), false}}); !saved)
            return std::unexpected(std::move(saved.error()));
      auto who = identify(call, endpoints);
      if (!who && who.error().cancelled) return std::unexpected(std::move(who.error()));
      json::object out;
      if (who && !(who->email + who->user_id).empty())
        out["label"] = who->email.empty() ? who->user_id : who->email;
      return out;
    }
    if (answer.error().cancelled) return std::unexpected(std::move(answer.error()));
    const bool refused = answer.error().kind == OMNI_FAILURE_AUTH_INVALID ||
                         answer.error().kind == OMNI_FAILURE_NOT_AUTHORIZED;
    if (!refused && !failed) failed = std::move(answer.error());
  }
  // One region that could not be asked leaves the question open.
  if (failed) return std::unexpected(std::move(*failed));
  return badField(
      "apiKey",
      "Kiro does not accept this API key in any region; check that it was copied whole, "
      "is not revoked, and that the administrator has enabled API keys");
}

}  // namespace omni::kiro
