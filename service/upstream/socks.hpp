#pragma once
// SOCKS version 5 (RFC 1928) with user name and password (RFC 1929) as bytes. Names are sent as
// names: the proxy resolves them. Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni::upstream {

inline constexpr uint8_t kSocksNoLogin = 0x00;
inline constexpr uint8_t kSocksPassword = 0x02;
inline constexpr uint8_t kSocksNoMethod = 0xff;

std::string socksGreeting(bool with_login);
// BadRequest when one is longer than the 255 bytes that the protocol can carry, or empty.
Result<std::string> socksLogin(std::string_view username, std::string_view password);
// `host`: an address (IPv6 without brackets) or a name of at most 255 bytes, else BadRequest.
Result<std::string> socksConnect(const std::string& host, uint16_t port);

// The three answers. nullopt: not whole yet; Protocol: not SOCKS 5.
Result<std::optional<uint8_t>> parseSocksMethod(std::string_view bytes);  // 2 bytes; the method
Result<std::optional<bool>> parseSocksLogin(std::string_view bytes);      // 2 bytes; let in?
struct SocksReply {
  uint8_t code = 0;  // 0: connected
  size_t size = 0;   // bytes of the answer; what follows is the tunnel's
};
Result<std::optional<SocksReply>> parseSocksReply(std::string_view bytes);

// What the code of a SocksReply means, for people.
std::string_view socksCodeText(uint8_t code);

}  // namespace omni::upstream
