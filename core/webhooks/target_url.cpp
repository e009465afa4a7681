#include "core/webhooks/target_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace omni::webhooks {
namespace {

enum class Reach { Refused, Inner, Public };

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return c >= 'a' && c <= 'z';
}
bool hex(char c) {
  return digit(c) || (c >= 'a' && c <= 'f');
}

std::optional<std::array<int, 4>> dotted(std::string_view host) {
  std::array<int, 4> out{};
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t end = i < 3 ? host.find('.') : host.size();
    if (end == std::string_view::npos) return std::nullopt;
    const auto part = host.substr(0, end);
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return std::nullopt;
    const auto [stop, code] = std::from_chars(part.data(), part.data() + part.size(), out[i]);
    if (code != std::errc() || stop != part.data() + part.size() || out[i] > 255)
      return std::nullopt;
    host.remove_prefix(std::min(end + 1, host.size()));
  }
  return out;
}

Reach reachOf(const std::array<int, 4>& ip) {
  const int a = ip[0], b = ip[1];
  if (a == 0 || a >= 224 || (a == 169 && b == 254)) return Reach::Refused;
  // One cloud's metadata service lies inside the shared range.
  if (a == 100 && b == 100 && ip[2] == 100 && ip[3] == 200) return Reach::Refused;
  const bool inner = a == 127 || a == 10 || (a == 192 && b == 168) ||
                     (a == 172 && b >= 16 && b <= 31) || (a == 100 && b >= 64 && b <= 127);
  return inner ? Reach::Inner : Reach::Public;
}

// Only the ranges that receivers have. Everything that begins with zeros, and so every embedded
// IPv4 address, is refused but for the loopback.
Reach reachOfIpv6(std::string_view text) {
  if (text == "::1") return Reach::Inner;
  if (!std::ranges::all_of(text, [](char c) { return hex(c) || c == ':'; })) return Reach::Refused;
  uint32_t first = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), first, 16);
  if (code != std::errc() || end == text.data() + text.size() || *end != ':') return Reach::Refused;
  if (text.starts_with("fd00:ec2:") || text.starts_with("fd00:0ec2:")) return Reach::Refused;
  if (first >= 0xfc00 && first <= 0xfdff) return Reach::Inner;
  return first >= 0x2000 && first <= 0x3fff ? Reach::Public : Reach::Refused;
}

Reach reachOfName(std::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.front() == '-')
    return Reach::Refused;
  if (!std::ranges::all_of(
          host, [](char c) { return digit(c) || letter(c) || c == '-' || c == '.' || c == '_'; }))
    return Reach::Refused;
  if (host.ends_with('.')) host.remove_suffix(1);
  const size_t dot = host.rfind('.');
  const auto last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  // "2852039166", "0x7f.1", "169.254.43518": addresses in another form.
  if (last.empty() || digit(last[0])) return Reach::Refused;
  if (host == "metadata.google.internal") return Reach::Refused;
  for (const std::string_view inner : {"localhost", "local", "lan", "internal", "home.arpa"})
    if (host == inner || (host.ends_with(inner) && host.size() > inner.size() &&
                          host[host.size() - inner.size() - 1] == '.'))
      return Reach::Inner;
  return dot == std::string_view::npos ? Reach::Inner : Reach::Public;
}

std::unexpected<Error> bad(std::string message) {
  return makeError(FailureKind::BadRequest, std::move(message), "url");
}

}  // namespace

Result<> checkTargetUrl(std::string_view url) {
  constexpr size_t kLongest = 2000;
  if (url.empty() || url.size() > kLongest)
    return bad(fmt::format("url must be an address of 1 to {} characters.", kLongest));
  for (const char c : url)
    if (c <= ' ' || c >= 0x7f || c == '\\' || c == '#')
      return bad(
          "url must not hold spaces, control characters, backslashes, a fragment or characters "
          "beyond ASCII: encode them.");
  std::string lowered(url);
  std::ranges::transform(lowered, lowered.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  std::string_view rest = lowered;
  const bool tls = rest.starts_with("https://");
  if (!tls && !rest.starts_with("http://"))
    return bad("url must begin with https:// (http:// only inside your own network).");
  rest.remove_prefix(tls ? 8 : 7);
  std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.contains('@')) return bad("url must not hold a user name or password.");
  Reach reach = Reach::Refused;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return bad("The IPv6 address in url lacks its \"]\".");
    reach = reachOfIpv6(authority.substr(1, end - 1));
    authority.remove_prefix(end + 1);
  } else {
    const auto host = authority.substr(0, authority.find(':'));
    const auto ip = dotted(host);
    reach = ip ? reachOf(*ip) : reachOfName(host);
    authority.remove_prefix(host.size());
  }
  if (!authority.empty()) {
    int port = 0;
    const auto [end, code] =
        std::from_chars(authority.data() + 1, authority.data() + authority.size(), port);
    if (authority[0] != ':' || code != std::errc() || end != authority.data() + authority.size() ||
        port < 1 || port > 65535)
      return bad("The port in url must be a number from 1 to 65535.");
  }
  if (reach == Reach::Refused)
    return bad(
        "url names no host that may be told: link-local, unspecified and multicast addresses and "
        "other spellings of addresses are refused.");
  if (!tls && reach == Reach::Public)
    return bad(
        "url must begin with https://: names of accounts would travel the internet in clear.");
  return {};
}

}  // namespace omni::webhooks
