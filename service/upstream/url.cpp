#include "service/upstream/url.hpp"

#include "core/base/ascii.hpp"

#include <charconv>

namespace omni::upstream {

namespace {

std::unexpected<Error> bad(std::string why) {
  return makeError(FailureKind::BadRequest, "the upstream URL " + std::move(why), "url");
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

std::string Url::hostHeader() const {
  std::string out = bracketed(host);
  if (port != (tls ? 443 : 80)) out += ":" + std::to_string(port);
  return out;
}

std::string Url::origin() const {
  return std::string(tls ? "https://" : "http://") + bracketed(host) + ":" + std::to_string(port);
}

Result<Url> parseUrl(std::string_view text) {
  for (unsigned char c : text)
    if (c <= 0x20 || c == 0x7f) return bad("holds a space or a control character");
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos)
    return bad("is not absolute; it must begin with https:// or http://");
  const std::string scheme = asciiLowered(text.substr(0, colon));
  Url url;
  if (scheme == "https")
    url.tls = true;
  else if (scheme != "http")
    return bad("must begin with https:// or http://");
  text.remove_prefix(colon + 3);

  const size_t end = text.find_first_of("/?#\\");
  std::string_view authority = text.substr(0, end);
  std::string_view rest = end == std::string_view::npos ? std::string_view() : text.substr(end);
  if (authority.find('@') != std::string_view::npos)
    return bad("must not hold a user name or password");

  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos)
      return bad("has an IPv6 address without its closing bracket");
    url.host = asciiLowered(authority.substr(1, close - 1));
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority.front() != ':') return bad("has a bad port");
    if (!authority.empty()) port = authority.substr(1);
  } else {
    const size_t split = authority.find(':');
    url.host = asciiLowered(authority.substr(0, split));
    if (split != std::string_view::npos) port = authority.substr(split + 1);
  }
  if (url.host.empty()) return bad("has no host");
  url.port = url.tls ? 443 : 80;
  if (!port.empty()) {
    auto [ptr, ec] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (ec != std::errc() || ptr != port.data() + port.size() || url.port == 0)
      return bad("has a bad port");
  }

  rest = rest.substr(0, rest.find('#'));
  if (rest.starts_with('\\')) return bad("holds a backslash");
  if (!rest.starts_with('/')) url.target = "/";
  url.target += rest;
  return url;
}

}  // namespace omni::upstream
