#include "service/http/guards.hpp"

#include <algorithm>
#include <array>

namespace omni::http {
namespace {

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (asciiLower(c) >= 'a' && asciiLower(c) <= 'z');
}

// "name:port" -> "name"; "[::1]:8080" -> "[::1]". Empty when the text is no authority.
std::string_view hostName(std::string_view authority) {
  size_t end = 0;
  if (!authority.empty() && authority.front() == '[') {
    end = authority.find(']');
    if (end == std::string_view::npos) return {};
    ++end;
  } else {
    end = std::min(authority.find(':'), authority.size());
  }
  std::string_view rest = authority.substr(end);
  if (!rest.empty()) {
    if (rest.front() != ':') return {};
    rest.remove_prefix(1);
    if (!std::all_of(rest.begin(), rest.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return {};
  }
  std::string_view name = authority.substr(0, end);
  if (name.ends_with('.')) name.remove_suffix(1);  // "localhost." is the same name
  return name;
}

}  // namespace

HostGuard::HostGuard(const std::vector<std::string>& allowed_hosts,
                     const std::vector<std::string>& allowed_origins)
    : origins_(allowed_origins) {
  for (const std::string& host : allowed_hosts) {
    const bool bare_v6 = std::count(host.begin(), host.end(), ':') > 1 && host.front() != '[';
    hosts_.push_back(bare_v6 ? "[" + host + "]" : std::string(hostName(host)));
  }
}

bool HostGuard::isLocalName(std::string_view host) {
  const std::string_view name = hostName(host);
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"localhost", "127.0.0.1", "[::1]"},
      [&](std::string_view local) { return equalsIgnoringCase(local, name); });
}

bool HostGuard::hostAllowed(std::string_view host) const {
  if (isLocalName(host)) return true;
  const std::string_view name = hostName(host);
  return !name.empty() &&
         std::any_of(hosts_.begin(), hosts_.end(),
                     [&](const std::string& allowed) { return equalsIgnoringCase(allowed, name); });
}

bool HostGuard::originAllowed(std::string_view origin, std::string_view host) const {
  for (const std::string& allowed : origins_) {
    if (equalsIgnoringCase(allowed, origin)) return true;
  }
  const size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;  // "null": a sandboxed page or a file
  if (!equalsIgnoringCase(origin.substr(0, scheme), "http") &&
      !equalsIgnoringCase(origin.substr(0, scheme), "https")) {
    return false;
  }
  return equalsIgnoringCase(origin.substr(scheme + 3), host);
}

std::string randomHex(Random& random, size_t bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<unsigned char, 32> raw{};
  bytes = std::min(bytes, raw.size());
  random.fill(raw.data(), bytes);
  std::string out;
  out.reserve(bytes * 2);
  for (size_t i = 0; i < bytes; ++i) {
    out += kDigits[raw[i] >> 4];
    out += kDigits[raw[i] & 15];
  }
  return out;
}

std::string requestId(std::string_view from_client, Random& random) {
  const bool sane = !from_client.empty() && from_client.size() <= 64 &&
                    std::all_of(from_client.begin(), from_client.end(), [](char c) {
                      return alphanumeric(c) || c == '-' || c == '_' || c == '.';
                    });
  return sane ? std::string(from_client) : randomHex(random, 8);
}

}  // namespace omni::http
