#include "plugins/openai/base_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace omni::openai_upstream {
namespace {

std::unexpected<sdk::Failure> bad(std::string message) {
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_BAD_REQUEST;
  failure.message = std::move(message);
  failure.field = "baseUrl";
  return std::unexpected(std::move(failure));
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool hexDigit(char c) {
  return digit(c) || (c >= 'a' && c <= 'f');
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::optional<std::array<int, 4>> parseIpv4(std::string_view host) {
  std::array<int, 4> out{};
  for (size_t i = 0; i < 4; ++i) {
    const size_t dot = i < 3 ? host.find('.') : host.size();
    if (dot == std::string_view::npos || dot == 0 || dot > 3) return std::nullopt;
    const auto part = host.substr(0, dot);
    if (part.size() > 1 && part[0] == '0') return std::nullopt;  // octal to some resolvers
    const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), out[i]);
    if (code != std::errc() || end != part.data() + part.size() || out[i] > 255)
      return std::nullopt;
    host.remove_prefix(std::min(dot + 1, host.size()));
  }
  return host.empty() ? std::optional(out) : std::nullopt;
}

// Eight groups; nullopt: malformed. An embedded IPv4 tail is written out as two groups.
std::optional<std::array<uint32_t, 8>> parseIpv6(std::string_view text) {
  std::string expanded;
  if (text.contains('.')) {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto tail = parseIpv4(text.substr(colon + 1));
    if (!tail) return std::nullopt;
    expanded = fmt::format("{}{:x}:{:x}", text.substr(0, colon + 1), (*tail)[0] * 256 + (*tail)[1],
                           (*tail)[2] * 256 + (*tail)[3]);
    text = expanded;
  }
  std::array<uint32_t, 8> out{};
  size_t count = 0;
  std::optional<size_t> gap;
  while (!text.empty()) {
    if (text.starts_with("::")) {
      if (gap) return std::nullopt;
      gap = count;
      text.remove_prefix(2);
      continue;
    }
    if (count > 0 && gap != count) {
      if (!text.starts_with(':')) return std::nullopt;
      text.remove_prefix(1);
    }
    size_t size = 0;
    while (size < text.size() && hexDigit(text[size])) ++size;
    if (size == 0 || size > 4 || count == 8) return std::nullopt;
    const std::string_view digits = text.substr(0, size);
    std::from_chars(digits.data(), digits.data() + digits.size(), out[count++], 16);
    text.remove_prefix(size);
  }
  if (!gap) return count == 8 ? std::optional(out) : std::nullopt;
  if (count == 8) return std::nullopt;
  std::rotate(out.begin() + static_cast<std::ptrdiff_t>(*gap),
              out.begin() + static_cast<std::ptrdiff_t>(count), out.end());
  return out;
}

enum class Reach { Forbidden, Local, Public };

Reach reachOf(const std::array<int, 4>& ip) {
  const int a = ip[0], b = ip[1];
  if (a == 0 || a >= 224 || (a == 169 && b == 254)) return Reach::Forbidden;
  // The metadata service of one cloud lies inside the shared range.
  if (a == 100 && b == 100 && ip[2] == 100 && ip[3] == 200) return Reach::Forbidden;
  if (a == 127 || a == 10 || (a == 192 && b == 168) || (a == 172 && b >= 16 && b <= 31) ||
      (a == 100 && b >= 64 && b <= 127))
    return Reach::Local;
  return Reach::Public;
}

Reach reachOf(const std::array<uint32_t, 8>& ip) {
  const bool zero6 = std::all_of(ip.begin(), ip.begin() + 5, [](uint32_t g) { return g == 0; });
  if (zero6 && (ip[5] == 0xffff || ip[5] == 0)) {
    if (ip[5] == 0 && ip[6] == 0) return ip[7] == 1 ? Reach::Local : Reach::Forbidden;
    const auto byte = [](uint32_t g, int shift) { return static_cast<int>((g >> shift) & 255); };
    return reachOf(
        std::array<int, 4>{byte(ip[6], 8), byte(ip[6], 0), byte(ip[7], 8), byte(ip[7], 0)});
  }
  if (ip[0] == 0xfd00 && ip[1] == 0x0ec2) return Reach::Forbidden;  // a metadata service
  if ((ip[0] & 0xfe00) == 0xfc00) return Reach::Local;
  if ((ip[0] & 0xffc0) == 0xfe80 || (ip[0] & 0xff00) == 0xff00) return Reach::Forbidden;
  return Reach::Public;
}

bool validName(std::string_view host) {
  if (host.size() > 253) return false;
  while (!host.empty()) {
    const auto label = host.substr(0, host.find('.'));
    const bool fine = !label.empty() && label.size() <= 63 && label.front() != '-' &&
                      label.back() != '-' && std::ranges::all_of(label, [](char c) {
                        return digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
                      });
    if (!fine) return false;
    if (label.size() == host.size()) return true;
    host.remove_prefix(label.size() + 1);
  }
  return false;
}

Reach reachOfName(std::string_view host) {
  if (host == "metadata.google.internal" || host == "metadata" || host == "instance-data")
    return Reach::Forbidden;
  if (!host.contains('.')) return Reach::Local;  // localhost, a container's or a LAN name
  for (std::string_view suffix : {".localhost", ".local", ".lan", ".home.arpa"})
    if (host.ends_with(suffix)) return Reach::Local;
  return Reach::Public;
}

bool listed(std::string_view list, std::string_view host) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view entry = list.substr(0, comma);
    while (entry.starts_with(' ')) entry.remove_prefix(1);
    while (entry.ends_with(' ')) entry.remove_suffix(1);
    if (lowered(entry) == host) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// Numbers that are no dotted quad ("2130706433", "0x7f.1") are addresses to some resolvers.
bool looksNumeric(std::string_view host) {
  const auto last = host.substr(host.rfind('.') + 1);
  return !last.empty() && (std::ranges::all_of(last, digit) || last.starts_with("0x"));
}

}  // namespace

sdk::Result<BaseUrl> parseBaseUrl(std::string_view text, std::string_view allow_http_hosts) {
  if (text.empty())
    return bad(
        "Give the base URL, for example https://api.openai.com/v1 or "
        "http://localhost:11434/v1.");
  if (text.size() > 2000) return bad("The base URL is too long.");
  if (std::ranges::any_of(text, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; }))
    return bad(
        "The base URL holds a space, a control character or a letter outside ASCII; write "
        "international names in their xn-- form.");
  BaseUrl out;
  const std::string scheme = lowered(text.substr(0, std::min<size_t>(text.find("://"), 10)));
  if (scheme == "https") {
    out.secure = true;
  } else if (scheme != "http") {
    return bad("The base URL must begin with https:// or http://.");
  }
  std::string_view rest = text.substr(scheme.size() + 3);
  if (rest.find_first_of("?#\\") != std::string_view::npos)
    return bad(
        "The base URL must hold no query and no fragment; put a key into apiKey or headers.");
  const std::string_view authority = rest.substr(0, rest.find('/'));
  std::string_view path = rest.substr(authority.size());
  if (authority.contains('@'))
    return bad("The base URL must hold no user name or password; put the key into apiKey.");

  std::string_view port;
  Reach reach = Reach::Public;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad("The base URL's address lacks its \"]\".");
    out.host = lowered(authority.substr(1, close - 1));
    port = authority.substr(close + 1);
    const auto ip = parseIpv6(out.host);
    if (!ip) return bad(fmt::format("\"{}\" is no IPv6 address.", out.host));
    reach = reachOf(*ip);
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    out.host = lowered(authority.substr(0, colon));
    if (out.host.ends_with('.')) out.host.pop_back();
    port = authority.substr(colon);
    if (out.host.empty()) return bad("The base URL names no host.");
    if (const auto ip = parseIpv4(out.host)) {
      reach = reachOf(*ip);
    } else if (looksNumeric(out.host) || !validName(out.host)) {
      return bad(fmt::format("\"{}\" is no host name and no address.", out.host));
    } else {
      reach = reachOfName(out.host);
    }
  }
  if (!port.empty()) {
    int number = 0;
    const auto digits = port.substr(1);
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (port[0] != ':' || code != std::errc() || end != digits.data() + digits.size() ||
        number < 1 || number > 65535)
      return bad("The base URL's port must be a number from 1 to 65535.");
  }
  if (reach == Reach::Forbidden)
    return bad(
        fmt::format("\"{}\" is refused: link-local, multicast and metadata addresses are no "
                    "model servers.",
                    out.host));
  if (!out.secure && reach == Reach::Public && !listed(allow_http_hosts, out.host))
    return bad(
        fmt::format("Plain http would send the key and the conversations to \"{0}\" unsealed. "
                    "Use https, or add {0} to the setting plugins.openai.allowHttpHosts.",
                    out.host));
  for (std::string_view left = path; !left.empty();) {
    left.remove_prefix(1);
    const auto segment = left.substr(0, left.find('/'));
    if (segment == "." || segment == "..") return bad("The base URL's path must hold no dots.");
    left.remove_prefix(segment.size());
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  // What people copy from examples is often the whole endpoint.
  for (std::string_view tail : {"/chat/completions", "/models"})
    if (path.ends_with(tail)) path.remove_suffix(tail.size());
  const bool brackets = authority.starts_with('[');
  out.text = fmt::format("{}://{}{}{}{}{}", scheme, brackets ? "[" : "", out.host,
                         brackets ? "]" : "", port, path);
  return out;
}

}  // namespace omni::openai_upstream
