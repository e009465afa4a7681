#include "plugins/kiro/allow_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace omni::kiro {
namespace {

constexpr std::array<std::string_view, 2> kStartUrlHosts = {".awsapps.com", ".awsapps-us-gov.com"};
constexpr std::array<std::string_view, 16> kIdentityProviders = {"login.microsoftonline.com",
                                                                 "login.microsoftonline.us",
                                                                 "login.partner.microsoftonline.cn",
                                                                 "login.microsoft.com",
                                                                 "login.windows.net",
                                                                 "sts.windows.net",
                                                                 ".okta.com",
                                                                 ".oktapreview.com",
                                                                 ".okta-emea.com",
                                                                 ".auth0.com",
                                                                 ".onelogin.com",
                                                                 ".pingidentity.com",
                                                                 ".pingone.com",
                                                                 "accounts.google.com",
                                                                 "oauth2.googleapis.com",
                                                                 ".amazoncognito.com"};
constexpr size_t kLongestUrl = 2048;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return out;
}

bool matches(std::string_view host, std::string_view entry) {
  if (entry.starts_with('.')) return host.size() > entry.size() && host.ends_with(entry);
  return host == entry;
}

bool inSetting(const sdk::Host& host, std::string_view key, const Url& url) {
  const std::string list = lower(host.setting(key).value_or(""));
  std::string_view rest = list;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    std::string_view entry = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    while (entry.starts_with(' ')) entry.remove_prefix(1);
    while (entry.ends_with(' ') || entry.ends_with('/')) entry.remove_suffix(1);
    if (entry.empty()) continue;
    if (entry.find("://") != std::string_view::npos) {
      const std::string origin =
          url.scheme + "://" + url.host + (url.port.empty() ? "" : ":" + url.port);
      if (entry == origin) return true;
    } else if (url.scheme == "https" && url.port.empty() && matches(url.host, entry)) {
      return true;
    }
  }
  return false;
}

std::string problem(const sdk::Host& host, std::string_view text,
                    std::span<const std::string_view> allowed, std::string_view key,
                    std::string_view what, std::string_view example) {
  const auto url = parseUrl(text);
  if (!url)
    return fmt::format("{} must be an address such as {}, without user name or spaces", what,
                       example);
  if (inSetting(host, key, *url)) return {};
  if (url->scheme != "https") return fmt::format("{} must begin with https://", what);
  if (!url->port.empty() && url->port != "443") return fmt::format("{} must not name a port", what);
  const auto fits = [&](std::string_view entry) { return matches(url->host, entry); };
  if (std::ranges::any_of(allowed, fits)) return {};
  return fmt::format(
      "{} names the host {}, which is not on the list of known ones; if it is right, an "
      "administrator can add it to the setting plugins.kiro.{}",
      what, url->host, key);
}

}  // namespace

std::optional<Url> parseUrl(std::string_view text) {
  if (text.size() > kLongestUrl) return std::nullopt;
  if (std::ranges::any_of(text, [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f ||
               c == '\\' || c == '"' || c == '<' || c == '>';
      }))
    return std::nullopt;
  Url url;
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  url.scheme = lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  text.remove_prefix(colon + 3);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  url.path = text.substr(end);
  if (const auto port = authority.find(':'); port != std::string_view::npos) {
    url.port = authority.substr(port + 1);
    authority = authority.substr(0, port);
    if (url.port.empty() || url.port.size() > 5 ||
        !std::ranges::all_of(url.port, [](char c) { return c >= '0' && c <= '9'; }))
      return std::nullopt;
  }
  url.host = lower(authority);
  const bool plain = std::ranges::all_of(url.host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  if (!plain || url.host.empty() || url.host.starts_with('.') || url.host.ends_with('.') ||
      url.host.find("..") != std::string::npos)
    return std::nullopt;
  return url;
}

std::string startUrlProblem(const sdk::Host& host, std::string_view url) {
  return problem(host, url, kStartUrlHosts, "signIn.startUrlHosts", "startUrl",
                 "https://d-1234567890.awsapps.com/start");
}

std::string tokenEndpointProblem(const sdk::Host& host, std::string_view url) {
  return problem(host, url, kIdentityProviders, "externalIdp.hosts", "tokenEndpoint",
                 "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token");
}

bool isBrowserUrl(std::string_view url) {
  const auto parsed = parseUrl(url);
  return parsed && parsed->scheme == "https";
}

}  // namespace omni::kiro
