#include "service/admin/foreign_accounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;

struct Member {
  const char* name;
  std::array<const char*, 3> spellings;
};
// What the import of kiro takes and the programs write.
constexpr Member kMembers[] = {
    {"refreshToken", {"refreshToken", "refresh_token", nullptr}},
    {"accessToken", {"accessToken", "access_token", nullptr}},
    {"apiKey", {"apiKey", "api_key", "kiroApiKey"}},
    {"clientId", {"clientId", "client_id", nullptr}},
    {"clientSecret", {"clientSecret", "client_secret", nullptr}},
    {"clientIdHash", {"clientIdHash", "client_id_hash", nullptr}},
    {"region", {"region", "ssoRegion", "authRegion"}},
    {"profileArn", {"profileArn", "profile_arn", nullptr}},
    {"startUrl", {"startUrl", "start_url", nullptr}},
    {"tokenEndpoint", {"tokenEndpoint", "token_endpoint", nullptr}},
    {"scopes", {"scopes", "scope", nullptr}},
};
constexpr const char* kNests[] = {"credentials", "providerSpecificData", "provider_specific_data",
                                  "data", "token"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c == '-' ? '_' : c;
  return out;
}

std::string textMember(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->as_string());
}

// The first of the objects that has it.
std::string find(const std::vector<const json::object*>& objects,
                 std::initializer_list<const char*> keys) {
  for (const json::object* object : objects)
    for (const char* key : keys)
      if (key != nullptr)
        if (std::string text = textMember(*object, key); !text.empty()) return text;
  return {};
}

// Seconds, milliseconds or text, as text that every reader takes.
std::string timeMember(const std::vector<const json::object*>& objects) {
  for (const json::object* object : objects) {
    for (const char* key : {"expiresAt", "expires_at"}) {
      const json::value* value = object->if_contains(key);
      if (value == nullptr) continue;
      if (value->is_string()) return std::string(value->as_string());
      if (!value->is_number()) continue;
      boost::system::error_code problem;
      const auto number = value->to_number<int64_t>(problem);
      if (problem || number <= 0) continue;
      const json::value iso = isoTime(number < 100'000'000'000 ? number * 1000 : number);
      if (iso.is_string()) return std::string(iso.as_string());
    }
  }
  return {};
}

bool truthy(const json::object& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || value->is_null()) continue;
    if (value->is_bool()) return value->as_bool();
    if (value->is_int64()) return value->as_int64() != 0;
  }
  return true;
}

// As a name may be, else empty.
std::string usableName(std::string text) {
  std::replace(text.begin(), text.end(), '/', '-');
  return checkName(text, "name") ? text : std::string();
}

ForeignAccount fromObject(const json::object& object) {
  std::vector<const json::object*> objects{&object};
  for (const char* nest : kNests) {
    const json::value* inner = object.if_contains(nest);
    if (inner == nullptr || !inner->is_object()) continue;
    objects.push_back(&inner->as_object());
    const json::value* deeper = inner->as_object().if_contains("providerSpecificData");
    if (deeper != nullptr && deeper->is_object()) objects.push_back(&deeper->as_object());
  }
  ForeignAccount out;
  out.email = find(objects, {"email"});
  out.name =
      usableName(find({&object}, {"name", "nickname", "label", "displayName", "display_name"}));
  if (out.name.empty()) out.name = usableName(out.email);
  out.active = truthy(object, {"isActive", "is_active", "enabled"}) &&
               !(object.contains("disabled") && truthy(object, {"disabled"}));
  for (const Member& member : kMembers) {
    const std::string text =
        find(objects, {member.spellings[0], member.spellings[1], member.spellings[2]});
    if (!text.empty()) out.input[member.name] = text;
  }
  if (std::string when = timeMember(objects); !when.empty()) out.input["expiresAt"] = when;
  const std::string method = lower(find(objects, {"authMethod", "auth_method"}));
  if (!method.empty() && method != "kiro_cli") out.input["authMethod"] = method;
  // "provider" is the gateway's word for the service and Kiro's word for who signs people in.
  out.provider = "kiro";
  bool known = true;
  for (const json::object* one : objects) {
    const std::string said = lower(find({one}, {"provider", "idp"}));
    if (said.empty()) continue;
    if (said == "google" || said == "github" || said == "builderid" || said == "enterprise" ||
        said == "internal" || said == "externalidp") {
      if (!out.input.contains("provider")) out.input["provider"] = find({one}, {"provider", "idp"});
    } else if (one == &object && said != "kiro" && said != "amazon_q" && said != "imported") {
      known = false;
      out.provider = said;
    }
  }
  if (!known) {
    out.refusal = fmt::format("it is an account of {}; only accounts of kiro can be taken over",
                              out.provider.substr(0, 40));
  } else if (!out.input.contains("refreshToken") && !out.input.contains("apiKey")) {
    out.refusal = "it has neither a refresh token nor an API key";
  }
  if (out.input.contains("apiKey") && !out.input.contains("refreshToken")) {
    out.input.erase("accessToken");
    out.input.erase("expiresAt");
    out.input["authMethod"] = "api_key";
  }
  return out;
}

}  // namespace

Result<std::vector<ForeignAccount>> readAccountList(std::string_view text) {
  const auto bad = [](std::string why) {
    return makeError(FailureKind::BadRequest, std::move(why), "body");
  };
  // Editors on Windows write one.
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  boost::system::error_code problem;
  json::parse_options options;
  options.max_depth = 16;
  const json::value value = json::parse(text, problem, {}, options);
  if (problem) return bad(fmt::format("The list is not valid JSON: {}.", problem.message()));
  const json::array* list = value.if_array();
  json::array one;
  if (const json::object* object = value.if_object()) {
    for (const char* key : {"accounts", "providerConnections", "connections"})
      if (const json::value* inner = object->if_contains(key); inner && inner->is_array())
        list = &inner->as_array();
    if (list == nullptr && (object->contains("refreshToken") || object->contains("refresh_token") ||
                            object->contains("credentials"))) {
      one.push_back(*object);
      list = &one;
    }
  }
  if (list == nullptr)
    return bad(
        "This is no list of accounts: an array, or an object with \"accounts\" or "
        "\"providerConnections\", is needed.");
  if (list->size() > kMaxForeignAccounts)
    return bad(fmt::format("The list has {} accounts; send at most {} at once.", list->size(),
                           kMaxForeignAccounts));
  std::vector<ForeignAccount> out;
  for (const json::value& item : *list) {
    if (item.is_object()) {
      out.push_back(fromObject(item.as_object()));
      continue;
    }
    out.emplace_back();
    out.back().provider = "kiro";
    out.back().refusal = "it is no JSON object";
  }
  return out;
}

ForeignAccount fromRow(const ForeignRow& row) {
  json::object object;
  boost::system::error_code problem;
  json::parse_options options;
  options.max_depth = 16;
  json::value data = json::parse(row.data.empty() ? "{}" : row.data, problem, {}, options);
  if (!problem && data.is_object()) object["data"] = std::move(data);
  const auto put = [&](const char* key, const std::string& text) {
    if (!text.empty()) object[key] = text;
  };
  put("provider", row.provider);
  put("name", row.name);
  put("email", row.email);
  put("refreshToken", row.refresh_token);
  put("accessToken", row.access_token);
  put("apiKey", row.api_key);
  put("expiresAt", row.expires_at);
  object["isActive"] = row.active;
  return fromObject(object);
}

}  // namespace omni::admin
