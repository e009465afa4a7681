#include "plugins/kiro/pasted_token.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <map>
#include <vector>

#include "plugins/kiro/allow_list.hpp"
#include "plugins/kiro/form.hpp"
#include "plugins/kiro/region.hpp"

namespace omni::kiro {
namespace {

constexpr std::string_view kTokenPrefix = "aorAAAAAG";
constexpr size_t kShortestToken = 100;

// Members of the form, with the spelling of the command line's database.
struct Member {
  std::string_view name, other;
};
constexpr std::array kMembers = {Member{"refreshToken", "refresh_token"},
                                 Member{"region", ""},
                                 Member{"profileArn", "profile_arn"},
                                 Member{"clientId", "client_id"},
                                 Member{"clientSecret", "client_secret"},
                                 Member{"authMethod", "auth_method"},
                                 Member{"method", ""},
                                 Member{"apiKey", "api_key"},
                                 Member{"accessToken", "access_token"},
                                 Member{"expiresAt", "expires_at"},
                                 Member{"provider", ""},
                                 Member{"clientIdHash", "client_id_hash"},
                                 Member{"startUrl", "start_url"},
                                 Member{"tokenEndpoint", "token_endpoint"},
                                 Member{"issuerUrl", "issuer_url"},
                                 Member{"scopes", "scope"},
                                 Member{"tool", ""},
                                 Member{"item", ""},
                                 Member{"audience", ""},
                                 Member{"oauthFlow", "oauth_flow"}};
constexpr std::array<std::string_view, 2> kFlags = {"allowShared", "rotate"};

const Member* known(std::string_view key) {
  const auto found = std::ranges::find_if(
      kMembers, [&](const Member& m) { return m.name == key || m.other == key; });
  return found == kMembers.end() || key.empty() ? nullptr : &*found;
}

// Texts as they are; numbers (times) and lists (scopes) as text. nullopt: something else.
std::optional<std::string> asText(const json::value& value) {
  if (value.is_string()) return trimmed(view(value.get_string()));
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_null()) return std::string();
  if (!value.is_array()) return std::nullopt;
  std::string out;
  for (const auto& entry : value.get_array()) {
    if (!entry.is_string()) return std::nullopt;
    out += (out.empty() ? "" : " ") + std::string(view(entry.get_string()));
  }
  return out;
}

using Values = std::map<std::string_view, std::string>;

// A file may hold anything else besides; only what is known is taken.
void takeFile(const json::object& file, Values& values) {
  for (const auto& [name, value] : file) {
    const Member* member = known({name.data(), name.size()});
    if (!member || member->name == "method") continue;
    if (auto text = asText(value); text && !text->empty()) values[member->name] = *text;
  }
}

sdk::Result<> takePasted(const json::value& pasted, std::string field, Values& values) {
  if (const auto* file = pasted.if_object()) {
    takeFile(*file, values);
    return {};
  }
  const auto* written = pasted.if_string();
  const auto file = written ? parseObject(view(*written)) : std::nullopt;
  if (!file)
    return badField(std::move(field),
                    "the pasted text is not a whole JSON object; copy everything from the first { "
                    "to the last } of kiro-auth-token.json");
  takeFile(*file, values);
  return {};
}

sdk::Result<Values> readValues(std::string_view input, PastedToken& out) {
  const auto object = parseObject(input);
  if (!object) return badField("body", "the body must be a JSON object");
  Values values;
  if (const auto* pasted = object->if_contains("json"))
    if (auto taken = takePasted(*pasted, "json", values); !taken)
      return std::unexpected(std::move(taken.error()));
  for (const auto& [name, value] : *object) {
    const std::string_view key(name.data(), name.size());
    if (key == "json") continue;
    if (std::ranges::find(kFlags, key) != kFlags.end()) {
      if (!value.is_bool())
        return badField(std::string(key), fmt::format("{} must be true or false", key));
      (key == "rotate" ? out.rotate : out.allow_shared) = value.get_bool();
      continue;
    }
    const Member* member = known(key);
    if (!member) {
      std::vector<std::string_view> names;
      names.reserve(std::size(kMembers));
      for (const Member& m : kMembers) names.push_back(m.name);
      return badField(
          std::string(key.substr(0, 60)),
          fmt::format("unknown member \"{}\"; known are {}, {}, json", key.substr(0, 60),
                      fmt::join(names, ", "), fmt::join(kFlags, ", ")));
    }
    auto text = asText(value);
    if (!text) return badField(std::string(key), fmt::format("{} must be a string", key));
    if (text->empty() && member->name != "region") continue;
    values[member->name] = std::move(*text);
  }
  // The commonest slip: the whole file in the field of the token.
  if (const auto token = values.find("refreshToken");
      token != values.end() && token->second.starts_with('{')) {
    const json::value file(json::string_view(token->second));
    values.erase(token);
    if (auto taken = takePasted(file, "refreshToken", values); !taken)
      return std::unexpected(std::move(taken.error()));
  }
  return values;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c == '-' ? '_' : c;
  });
  return text;
}

// nullopt: a word that nobody uses.
std::optional<std::string> methodOf(const Values& values) {
  const auto get = [&](std::string_view name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : lower(found->second);
  };
  const std::string said = get("authMethod"), provider = get("provider");
  if (!get("apiKey").empty() || said == "api_key") return "api_key";
  if (said == "external_idp" || provider == "externalidp" || !get("tokenEndpoint").empty())
    return "external_idp";
  if (said == "builder_id" || said == "builderid" || provider == "builderid") return "builder_id";
  if (said == "idc") return "idc";
  if (said == "social") return "social";
  if (said.empty() && (provider == "google" || provider == "github")) return "social";
  if (said.empty() && (provider == "enterprise" || provider == "internal")) return "idc";
  if (said.empty() || said == "imported" || said == "kiro_cli") return "";
  return std::nullopt;
}

sdk::Result<> checkRefreshToken(const PastedToken& in) {
  const std::string& token = in.refresh_token;
  if (token.empty())
    return badField("refreshToken",
                    "refreshToken is missing: paste the refresh token of the Kiro account");
  // A company's provider writes its tokens as it likes.
  if (in.method != "external_idp") {
    if (!token.starts_with(kTokenPrefix))
      return badField("refreshToken",
                      "refreshToken must start with aorAAAAAG; an access token (aoa...) is not "
                      "one. A whole token file may be pasted too: from the first { to the last }");
    if (token.contains("...") || token.size() < kShortestToken)
      return badField("refreshToken",
                      "refreshToken is cut short; copy the whole token from the file, not from a "
                      "log or a window");
  }
  if (token.find_first_of(" \t\r\n\"") != std::string::npos)
    return badField("refreshToken", "refreshToken holds spaces or quotes; copy the token alone");
  return {};
}

sdk::Result<> checkExternal(const sdk::Host& host, const PastedToken& in) {
  if (in.token_endpoint.empty())
    return badField("tokenEndpoint",
                    "tokenEndpoint is missing: the address where the company's identity provider "
                    "renews tokens, found in kiro-auth-token.json");
  if (auto problem = tokenEndpointProblem(host, in.token_endpoint); !problem.empty())
    return badField("tokenEndpoint", std::move(problem));
  if (in.client_id.empty())
    return badField("clientId",
                    "clientId is missing: the application's id at the company's identity provider");
  return {};
}

}  // namespace

sdk::Result<PastedToken> readPastedToken(const sdk::Host& host, std::string_view input) {
  PastedToken out;
  auto read = readValues(input, out);
  if (!read) return std::unexpected(std::move(read.error()));
  Values& values = *read;
  const auto method = methodOf(values);
  if (!method)
    return badField("authMethod",
                    "authMethod must be idc, builder_id, social, external_idp or api_key; leave it "
                    "out when you do not know");
  out.method = *method;
  auto region = values.contains("region") && values["region"].empty()
                    ? regionOf("-", kDefaultRegion)
                    : regionOf(values["region"], kDefaultRegion);
  out.api_key = values["apiKey"];
  out.refresh_token = values["refreshToken"];
  out.access_token = values["accessToken"];
  if (out.method == "api_key") {
    if (out.api_key.empty())
      return badField("apiKey", "apiKey is missing: paste the key that starts with ksk_");
  } else if (auto good = checkRefreshToken(out); !good) {
    return std::unexpected(std::move(good.error()));
  }
  if (!region) return std::unexpected(std::move(region.error()));
  out.region = std::move(*region);
  auto arn = profileArnOf(values["profileArn"]);
  if (!arn) return std::unexpected(std::move(arn.error()));
  out.profile_arn = std::move(*arn);
  out.client_id = values["clientId"];
  out.client_secret = values["clientSecret"];
  out.client_id_hash = values["clientIdHash"];
  out.provider = values["provider"];
  out.start_url = values["startUrl"];
  out.token_endpoint = values["tokenEndpoint"];
  out.issuer_url = values["issuerUrl"];
  out.scopes = values["scopes"];
  out.tool = values["tool"].substr(0, 64);
  out.item = values["item"].substr(0, 64);
  if (!out.start_url.empty())
    if (auto problem = startUrlProblem(host, out.start_url); !problem.empty())
      return badField("startUrl", std::move(problem));
  if (const std::string& when = values["expiresAt"]; !when.empty()) {
    const auto ms = parseTime(when);
    if (!ms) return badField("expiresAt", "expiresAt must be a time such as 2026-01-31T12:00:00Z");
    out.expires_ms = *ms;
  }
  if (out.method == "external_idp") {
    if (auto good = checkExternal(host, out); !good)
      return std::unexpected(std::move(good.error()));
  } else if (out.client_id.empty() != out.client_secret.empty()) {
    return badField(out.client_id.empty() ? "clientId" : "clientSecret",
                    "clientId and clientSecret go together: give both or none");
  }
  return out;
}

std::optional<int64_t> parseTime(std::string_view text) {
  const auto digits = [&](size_t at, size_t count, int& value) {
    if (at + count > text.size()) return false;
    const char* end = text.data() + at + count;
    return std::from_chars(text.data() + at, end, value).ptr == end;
  };
  int64_t plain = 0;
  if (!text.empty() && std::from_chars(text.data(), text.data() + text.size(), plain).ptr ==
                           text.data() + text.size())
    return plain < 100'000'000'000 ? plain * 1000 : plain;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (text.size() < 20 || !digits(0, 4, year) || text[4] != '-' || !digits(5, 2, month) ||
      text[7] != '-' || !digits(8, 2, day) || (text[10] | 0x20) != 't' || !digits(11, 2, hour) ||
      text[13] != ':' || !digits(14, 2, minute) || text[16] != ':' || !digits(17, 2, second) ||
      hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  size_t at = 19;
  int64_t millis = 0;
  if (text[at] == '.') {
    int64_t scale = 100;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
      millis += (text[at] - '0') * scale;
  }
  int64_t offset = 0;
  if (at >= text.size()) return std::nullopt;
  if (text[at] == '+' || text[at] == '-') {
    int hours = 0, minutes = 0;
    if (text.size() != at + 6 || text[at + 3] != ':' || !digits(at + 1, 2, hours) ||
        !digits(at + 4, 2, minutes))
      return std::nullopt;
    offset = (hours * 60 + minutes) * (text[at] == '+' ? 1 : -1);
  } else if ((text[at] | 0x20) != 'z' || text.size() != at + 1) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000 + millis;
}

}  // namespace omni::kiro
