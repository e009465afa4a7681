#pragma once
// The CONNECT method (RFC 9110 section 9.3.6) as bytes: what to send to an HTTP proxy, and what its
// answer means. Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni::upstream {

// "Basic ..." for Proxy-Authorization; empty without a user name. A secret.
std::string proxyAuthorization(std::string_view username, std::string_view password);

// `host` without brackets. `authorization` may be empty.
std::string connectRequest(std::string_view host, uint16_t port, std::string_view authorization,
                           std::string_view user_agent);

inline constexpr size_t kMaxConnectReply = 16 * 1024;

struct ConnectReply {
  int status = 0;      // 200 to 599
  std::string reason;  // printable ASCII, at most 80 bytes; may be empty
  size_t size = 0;     // bytes of the head; what follows is the tunnel's, or the body of a refusal
};

// The head of an answer out of its first bytes; nullopt: not whole yet. Interim (1xx) answers are
// skipped. Protocol when it is no HTTP/1.x answer or longer than kMaxConnectReply.
Result<std::optional<ConnectReply>> parseConnectReply(std::string_view bytes);

}  // namespace omni::upstream
