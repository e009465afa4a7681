#include "plugins/kiro/profiles.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/kiro/auth_headers.hpp"
#include "plugins/kiro/control_plane.hpp"
#include "plugins/kiro/form.hpp"
#include "plugins/kiro/region.hpp"

namespace omni::kiro {
namespace {

constexpr int kMostPages = 10;
constexpr int64_t kTimeoutMs = 10'000;

sdk::Result<> listRegion(sdk::Call& call, const Endpoints& endpoints, const std::string& region,
                         Found& found) {
  std::string next;
  for (int page = 0; page < kMostPages; ++page) {
    ControlCall what{.operation = "ListAvailableProfiles",
                     .region = region,
                     .with_profile = false,
                     .may_refresh = false,
                     .timeout_ms = kTimeoutMs};
    if (!next.empty()) what.body["nextToken"] = next;
    auto answer = controlPlane(call, endpoints, std::move(what));
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (const auto* list = answer->if_contains("profiles"); list && list->is_array())
      for (const auto& entry : list->get_array()) {
        const auto* profile = entry.if_object();
        const auto arn = profile ? text(*profile, "arn") : std::string_view();
        if (!isProfileArn(arn)) continue;
        const auto status = text(*profile, "status");
        if (!status.empty() && status != "ACTIVE") continue;
        if (std::ranges::none_of(found.profiles, [&](const auto& p) { return p.arn == arn; }))
          found.profiles.push_back(
              {std::string(arn), std::string(text(*profile, "profileName").substr(0, 200))});
      }
    next = text(*answer, "nextToken");
    if (next.empty()) break;
  }
  return {};
}

bool isSocial(const sdk::Call& call) {
  return call.value("refreshRoute").value_or("") == "social";
}

std::string answerText(const std::vector<Profile>& profiles, std::string_view selected) {
  json::array out;
  for (const Profile& profile : profiles)
    out.push_back(json::object{{"arn", profile.arn},
                               {"name", profile.name},
                               {"region", arnRegion(profile.arn)},
                               {"selected", profile.arn == selected}});
  return json::serialize(json::object{{"profiles", std::move(out)}});
}

}  // namespace

std::vector<std::string> profileRegions(std::string_view sso_region) {
  std::vector<std::string> out = {"us-east-1", "eu-central-1"};
  for (const std::string_view near : {"eu-", "af-", "me-", "il-"})
    if (sso_region.starts_with(near)) std::ranges::reverse(out);
  return out;
}

sdk::Result<Found> findProfiles(sdk::Call& call, const Endpoints& endpoints) {
  Found found;
  for (const std::string& region : profileRegions(call.value("region").value_or(""))) {
    auto done = listRegion(call, endpoints, region, found);
    if (done) continue;
    if (done.error().cancelled) return std::unexpected(std::move(done.error()));
    if (done.error().kind == OMNI_FAILURE_NOT_AUTHORIZED ||
        done.error().kind == OMNI_FAILURE_AUTH_INVALID)
      found.refused = true;
    else
      found.failed = std::move(done.error());
  }
  return found;
}

sdk::Result<bool> adoptProfile(sdk::Call& call, const Endpoints& endpoints) {
  auto found = findProfiles(call, endpoints);
  if (!found) return std::unexpected(std::move(found.error()));
  Profile chosen;
  const std::string method = call.value("authMethod").value_or("");
  const bool builder_id = method == "builder_id" ||
                          (method == "imported" && call.value("startUrl").value_or("").empty() &&
                           call.value("region").value_or("") == kDefaultRegion);
  if (!found->profiles.empty())
    chosen = found->profiles.front();
  else if (builder_id && found->refused)
    chosen.arn = kBuilderIdProfile;
  if (chosen.arn.empty()) return false;
  std::vector<sdk::Change> changes = {{"profileArn", chosen.arn, false}};
  if (!chosen.name.empty()) changes.push_back({"profileName", chosen.name, false});
  if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
  return true;
}

sdk::Result<std::string> accountProfiles(sdk::Call& call, const Endpoints& endpoints,
                                         std::string_view input) {
  constexpr std::array<std::string_view, 1> kMembers = {"select"};
  auto form = Form::read(input, kMembers);
  if (!form) return std::unexpected(std::move(form.error()));
  const std::string wanted = form->text("select");
  std::string selected = call.value(isApiKey(call) ? "apiProfileArn" : "profileArn").value_or("");
  std::vector<Profile> profiles;
  if (isApiKey(call) || isSocial(call)) {
    // Neither kind may list; each has exactly the one it was given.
    if (!selected.empty()) profiles.push_back({selected, ""});
  } else {
    auto found = findProfiles(call, endpoints);
    if (!found) return std::unexpected(std::move(found.error()));
    if (found->profiles.empty() && found->failed) return std::unexpected(std::move(*found->failed));
    profiles = std::move(found->profiles);
    // One that is in use but not listed is shown all the same: the placeholder of a Builder ID.
    if (!selected.empty() &&
        std::ranges::none_of(profiles, [&](const auto& p) { return p.arn == selected; }))
      profiles.push_back({selected, call.value("profileName").value_or("")});
  }
  if (form->has("select")) {
    const auto chosen = std::ranges::find(profiles, wanted, &Profile::arn);
    if (chosen == profiles.end())
      return badField("select",
                      profiles.empty()
                          ? "select: this account has no profile to choose from"
                          : "select must be the arn of one of this account's profiles; ask for the "
                            "list without select");
    selected = chosen->arn;
    if (!isApiKey(call)) {
      const sdk::Change name{
          "profileName", chosen->name.empty() ? std::nullopt : std::optional(chosen->name), false};
      if (auto saved = call.commit({{"profileArn", selected, false}, name}); !saved)
        return std::unexpected(std::move(saved.error()));
    }
  }
  return answerText(profiles, selected);
}

}  // namespace omni::kiro
