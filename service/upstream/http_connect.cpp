#include "service/upstream/http_connect.hpp"

#include <algorithm>

namespace omni::upstream {

namespace {

constexpr size_t kMaxReason = 80;

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    out += kDigits[group >> 18 & 63];
    out += kDigits[group >> 12 & 63];
    out += left > 1 ? kDigits[group >> 6 & 63] : '=';
    out += left > 2 ? kDigits[group & 63] : '=';
  }
  return out;
}

std::unexpected<Error> noHttp(const char* what) {
  return makeError(FailureKind::Protocol, what);
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

// HTTP/1.x SP 3DIGIT [SP reason]
bool parseStatusLine(std::string_view line, ConnectReply& reply) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || !digit(line[7]) || line[8] != ' ' ||
      !digit(line[9]) || !digit(line[10]) || !digit(line[11]) ||
      (line.size() > 12 && line[12] != ' '))
    return false;
  reply.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  reply.reason.clear();
  for (char c : line.substr(std::min<size_t>(13, line.size())))
    if (c >= 0x20 && c < 0x7f && reply.reason.size() < kMaxReason) reply.reason += c;
  return reply.status >= 100 && reply.status < 600;
}

// Where the head that begins at `from` ends; npos: not there yet. Bare LF is taken as well: old
// proxies write it.
size_t headEnd(std::string_view bytes, size_t from) {
  for (size_t newline = bytes.find('\n', from); newline != std::string_view::npos;
       newline = bytes.find('\n', newline + 1)) {
    const std::string_view rest = bytes.substr(newline + 1);
    if (rest.starts_with('\n')) return newline + 2;
    if (rest.starts_with("\r\n")) return newline + 3;
  }
  return std::string_view::npos;
}

}  // namespace

std::string proxyAuthorization(std::string_view username, std::string_view password) {
  if (username.empty()) return {};
  return "Basic " + base64(std::string(username) + ":" + std::string(password));
}

std::string connectRequest(std::string_view host, uint16_t port, std::string_view authorization,
                           std::string_view user_agent) {
  std::string authority;
  const bool v6 = host.find(':') != std::string_view::npos;
  authority.append(v6 ? "[" : "").append(host).append(v6 ? "]:" : ":");
  authority += std::to_string(port);
  std::string out = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  out.append("User-Agent: ").append(user_agent).append("\r\n");
  if (!authorization.empty())
    out.append("Proxy-Authorization: ").append(authorization).append("\r\n");
  out += "\r\n";
  return out;
}

Result<std::optional<ConnectReply>> parseConnectReply(std::string_view bytes) {
  size_t begin = 0;
  for (;;) {
    const size_t end = headEnd(bytes, begin);
    if (end == std::string_view::npos) {
      if (bytes.size() >= kMaxConnectReply) return noHttp("its answer is too long");
      // Something else than an HTTP proxy is told from its first bytes, without waiting for more.
      constexpr std::string_view kStart = "HTTP/1.";
      const std::string_view start = bytes.substr(begin, kStart.size());
      if (start != kStart.substr(0, start.size())) return noHttp("its answer is no HTTP/1.x");
      return std::nullopt;
    }
    if (end > kMaxConnectReply) return noHttp("its answer is too long");
    std::string_view line = bytes.substr(begin, bytes.find('\n', begin) - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ConnectReply reply;
    if (!parseStatusLine(line, reply)) return noHttp("its answer is no HTTP/1.x");
    if (reply.status >= 200) {
      reply.size = end;
      return reply;
    }
    if (reply.status == 101) return noHttp("it switches protocols");
    begin = end;
  }
}

}  // namespace omni::upstream
