#include "service/admin/proxy_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/base/ascii.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;

// As SOCKS 5 carries them; HTTP proxies take no longer ones either.
constexpr size_t kMaxLogin = 255;

std::unexpected<Error> bad(std::string_view path, std::string_view field, std::string_view what) {
  std::string full = fmt::format("{}{}", path, field);
  std::string message = fmt::format("\"{}\" {}.", full, what);
  return makeError(FailureKind::BadRequest, std::move(message), std::move(full));
}

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::optional<std::string> percentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hexValue(text[i + 1]) : -1;
    const int low = high >= 0 ? hexValue(text[i + 2]) : -1;
    if (low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool isHost(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  const bool v6 = host.find(':') != std::string_view::npos;
  return std::all_of(host.begin(), host.end(), [v6](char c) {
    if (v6) return hexValue(c) >= 0 || c == ':' || c == '.';
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' ||
           c == '-' || c == '_';
  });
}

bool isLogin(std::string_view text) {
  return text.size() <= kMaxLogin && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

uint16_t defaultPort(ProxyScheme scheme) {
  return scheme == ProxyScheme::Http ? 80 : scheme == ProxyScheme::Https ? 443 : 1080;
}

std::optional<uint16_t> parsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (problem != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

Result<std::optional<uint16_t>> portMember(const json::object& object, std::string_view path) {
  const json::value* value = object.if_contains("port");
  if (value == nullptr || value->is_null()) return std::nullopt;
  std::optional<uint16_t> port;
  if (value->is_string()) port = parsePort(std::string_view(value->as_string()));
  if (value->is_int64()) port = parsePort(std::to_string(value->as_int64()));
  if (!port) return bad(path, "port", "must be a whole number from 1 to 65535");
  return port;
}

// A member that may be there as null, which means: none.
Result<std::optional<std::string>> clearable(const json::object& object, std::string_view key,
                                             std::string_view path) {
  if (const json::value* value = object.if_contains(key); value != nullptr && value->is_null())
    return std::string();
  return stringMember(object, key, path);
}

}  // namespace

std::string_view proxyTypeName(ProxyScheme scheme) {
  return scheme == ProxyScheme::Http ? "http" : scheme == ProxyScheme::Https ? "https" : "socks5";
}

std::string_view proxyScopeName(ProxyScope scope) {
  return scope == ProxyScope::Global     ? "global"
         : scope == ProxyScope::Provider ? "provider"
                                         : "connection";
}

Result<ProxyScheme> parseProxyType(std::string_view text, std::string_view field) {
  const std::string type = asciiLowered(text);
  if (type == "http") return ProxyScheme::Http;
  if (type == "https") return ProxyScheme::Https;
  if (type == "socks5" || type == "socks5h") return ProxyScheme::Socks5;
  return bad("", field, "must be http, https or socks5");
}

Result<ProxyScope> parseProxyScope(std::string_view text, std::string_view field) {
  if (text == "global") return ProxyScope::Global;
  if (text == "provider") return ProxyScope::Provider;
  // The other words are OmniRoute's.
  if (text == "connection" || text == "account" || text == "key") return ProxyScope::Connection;
  return bad("", field, "must be global, provider or connection");
}

Result<ProxyInput> parseProxyUrl(std::string_view text) {
  const auto wrong = [](std::string_view what) { return bad("", "url", what); };
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos)
    return wrong("must look like socks5://user:password@host:1080");
  auto scheme = parseProxyType(text.substr(0, colon), "url");
  if (!scheme) return wrong("must begin with http://, https:// or socks5://");
  ProxyInput input;
  input.scheme = *scheme;
  std::string_view authority = text.substr(colon + 3);
  const size_t end = authority.find_first_of("/?#");
  if (end != std::string_view::npos && authority.substr(end) != "/")
    return wrong("must end with the port: a proxy has no path");
  authority = authority.substr(0, end);
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const size_t split = login.find(':');
    auto user = percentDecoded(login.substr(0, split));
    auto password = percentDecoded(split == std::string_view::npos ? std::string_view()
                                                                   : login.substr(split + 1));
    if (!user || !password)
      return wrong("has a % in the user name or password that is no percent-encoding; write %25");
    input.username = std::move(*user);
    input.password = std::move(*password);
  } else {
    input.username = input.password = std::string();
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos)
      return wrong("has an IPv6 address without its closing bracket");
    input.host = asciiLowered(authority.substr(1, close - 1));
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority.front() != ':') return wrong("has a bad port");
    port = authority.empty() ? authority : authority.substr(1);
  } else {
    const size_t split = authority.find(':');
    input.host = asciiLowered(authority.substr(0, split));
    if (split != std::string_view::npos) port = authority.substr(split + 1);
  }
  if (!isHost(*input.host)) return wrong("has no usable host");
  input.port = port.empty() ? defaultPort(*scheme) : parsePort(port);
  if (!input.port) return wrong("has a bad port; it must be 1 to 65535");
  return input;
}

Result<ProxyInput> parseProxyInput(const json::object& object, std::string_view path) {
  if (auto fine = refuseUnknown(
          object, {"name", "url", "type", "host", "port", "username", "password"}, path);
      !fine)
    return std::unexpected(std::move(fine.error()));
  auto url = stringMember(object, "url", path);
  if (!url) return std::unexpected(std::move(url.error()));
  auto name = stringMember(object, "name", path);
  if (!name) return std::unexpected(std::move(name.error()));
  if (*url) {
    for (const char* key : {"type", "host", "port", "username", "password"})
      if (object.contains(key))
        return bad(path, key, "cannot be given together with \"url\", which holds it");
    auto input = parseProxyUrl(**url);
    if (input) input->name = std::move(*name);
    return input;
  }
  ProxyInput input;
  input.name = std::move(*name);
  auto type = stringMember(object, "type", path);
  if (!type) return std::unexpected(std::move(type.error()));
  if (*type) {
    auto scheme = parseProxyType(**type, fmt::format("{}type", path));
    if (!scheme) return std::unexpected(std::move(scheme.error()));
    input.scheme = *scheme;
  }
  auto host = stringMember(object, "host", path);
  if (!host) return std::unexpected(std::move(host.error()));
  if (*host) input.host = asciiLowered(**host);
  if (input.host && input.host->starts_with('[') && input.host->ends_with(']'))
    input.host = input.host->substr(1, input.host->size() - 2);
  auto port = portMember(object, path);
  if (!port) return std::unexpected(std::move(port.error()));
  input.port = *port;
  auto username = clearable(object, "username", path);
  if (!username) return std::unexpected(std::move(username.error()));
  input.username = std::move(*username);
  auto password = clearable(object, "password", path);
  if (!password) return std::unexpected(std::move(password.error()));
  input.password = std::move(*password);
  return input;
}

Result<> applyProxyInput(const ProxyInput& input, ProxyRecord& record, std::string_view path) {
  const ProxyRecord before = record;
  if (input.scheme) record.scheme = *input.scheme;
  if (input.host) record.host = *input.host;
  if (input.port) record.port = *input.port;
  if (input.username) record.username = *input.username;
  if (input.name) record.name = *input.name;
  if (record.host.empty()) return bad(path, "host", "is missing: give it, or \"url\"");
  if (!isHost(record.host)) return bad(path, "host", "must be a host name or an address");
  if (record.port == 0) record.port = defaultPort(record.scheme);
  if (!isLogin(record.username))
    return bad(path, "username", "must be at most 255 bytes without control characters");
  if (input.password && !isLogin(*input.password))
    return bad(path, "password", "must be at most 255 bytes without control characters");
  // Basic log-ins separate the two by it (RFC 7617).
  if (record.scheme != ProxyScheme::Socks5 && record.username.find(':') != std::string::npos)
    return bad(path, "username", "must not hold a colon");
  const bool has_password = input.password ? !input.password->empty() : record.has_password;
  if (has_password && record.username.empty())
    return bad(path, "username", "is missing: a password alone is no log-in");
  if (record.scheme == ProxyScheme::Socks5 && !record.username.empty() && !has_password)
    return bad(path, "password", "is missing: SOCKS 5 takes a user name only with a password");
  if (before.has_password && !input.password &&
      (before.host != record.host || before.scheme != record.scheme))
    return bad(path, "password",
               "must be given again when host or type change, so that the stored one is not sent "
               "elsewhere");
  if (record.name.empty()) record.name = fmt::format("{}:{}", record.host, record.port);
  if (auto fine = checkName(record.name, fmt::format("{}name", path)); !fine) return fine;
  if (asciiLowered(record.name) == kDirectProxy)
    return bad(path, "name", "must not be \"direct\", which means: no proxy");
  return {};
}

std::string shownProxyUrl(const ProxyRecord& record) {
  const bool v6 = record.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}{}{}{}:{}", proxyTypeName(record.scheme), record.username,
                     record.has_password ? ":••••" : "", record.username.empty() ? "" : "@",
                     v6 ? "[" : "", record.host, v6 ? "]" : "", record.port);
}

json::object proxyJson(const ProxyRecord& record) {
  return {
      {"id", record.id},
      {"name", record.name},
      {"type", proxyTypeName(record.scheme)},
      {"host", record.host},
      {"port", record.port},
      {"username", record.username.empty() ? json::value(nullptr) : json::value(record.username)},
      {"hasPassword", record.has_password},
      {"url", shownProxyUrl(record)},
      {"createdAt", isoTime(record.created_ms)},
      {"updatedAt", isoTime(record.updated_ms)}};
}

}  // namespace omni::admin
