#include "service/admin/connection_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "service/admin/reply.hpp"
#include "service/admin/version.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;

constexpr std::string_view kMask = "••••";

// The word that scripts written for OmniRoute look for; `state` is the exact one.
std::string_view testStatus(AccountState state) {
  switch (state) {
    case AccountState::Active:
      return "active";
    case AccountState::Cooling:
      return "unavailable";
    case AccountState::Exhausted:
      return "credits_exhausted";
    case AccountState::Suspended:
      return "banned";
    case AccountState::ReauthRequired:
      return "expired";
    case AccountState::Disabled:
      return "deactivated";
  }
  return "unknown";
}

// A plugin that stored a secret as a plain value made a mistake; it must not become a leak.
bool soundsSecret(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  static constexpr std::array<std::string_view, 5> kEnds = {"token", "secret", "password", "apikey",
                                                            "api_key"};
  return std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return lower.ends_with(end); });
}

bool isSecret(const Connection& connection, std::string_view key) {
  return soundsSecret(key) ||
         std::find(connection.secret_keys.begin(), connection.secret_keys.end(), key) !=
             connection.secret_keys.end();
}

// A hash of the token, and what a plugin keeps for its own convenience: of use to nobody outside.
bool notForPeople(std::string_view key) {
  static constexpr std::array<std::string_view, 4> kOwn = {"fingerprint", "models", "modelsTriedAt",
                                                           "forcedRefreshAt"};
  return std::find(kOwn.begin(), kOwn.end(), key) != kOwn.end();
}

json::value plainValue(const Connection& connection, std::string_view key) {
  const auto found = connection.values.find(key);
  if (found == connection.values.end() || isSecret(connection, key)) return nullptr;
  return json::value(found->second);
}

}  // namespace

std::string connectionVersion(const Connection& connection) {
  return versionOf({connection.id, connection.name,
                    connection.state.state == AccountState::Disabled ? "disabled" : "enabled"});
}

json::object connectionRecord(const Connection& connection) {
  const StateRecord& state = connection.state;
  json::object values;
  json::object secrets;
  for (const auto& [key, value] : connection.values) {
    if (notForPeople(key)) continue;
    if (isSecret(connection, key)) {
      secrets[key] = kMask;
    } else {
      values[key] = value;
    }
  }
  for (const std::string& key : connection.secret_keys) secrets[key] = kMask;

  json::object record;
  record["id"] = connection.id;
  record["provider"] = connection.provider;
  record["name"] = connection.name;
  record["version"] = connectionVersion(connection);
  record["email"] = plainValue(connection, "email");
  record["isActive"] = state.state != AccountState::Disabled;
  record["testStatus"] = testStatus(state.state);
  record["state"] = {{"name", accountStateName(state.state)},
                     {"reason", state.reason},
                     {"since", isoTime(state.since_ms)},
                     {"until", isoTime(state.until_ms)},
                     {"nextProbe", isoTime(state.next_probe_ms)}};
  record["createdAt"] = isoTime(connection.created_ms);
  record["updatedAt"] = isoTime(connection.updated_ms);
  record["providerSpecificData"] = std::move(values);
  record["secrets"] = std::move(secrets);
  return record;
}

Persons::Persons(const std::vector<Connection>& all) {
  for (const Connection& connection : all)
    if (const auto found = connection.values.find("userId"); found != connection.values.end())
      known_.emplace(
          std::pair(std::string_view(connection.provider), std::string_view(found->second)),
          &connection);
}

void Persons::note(const Connection& connection, json::object& record) const {
  const auto own = connection.values.find("userId");
  if (own == connection.values.end()) return;
  json::array others;
  const auto [begin, end] = known_.equal_range({connection.provider, own->second});
  for (auto it = begin; it != end; ++it)
    if (it->second->id != connection.id) others.emplace_back(it->second->name);
  if (!others.empty()) record["samePersonAs"] = std::move(others);
}

json::object importedConnection(const Connection& connection) {
  json::object shown;
  shown["id"] = connection.id;
  shown["provider"] = connection.provider;
  shown["email"] = plainValue(connection, "email");
  shown["name"] = connection.name;
  for (const std::string_view key : {"clientId", "region", "authMethod", "isolation"})
    shown[key] = plainValue(connection, key);
  return shown;
}

}  // namespace omni::admin
