#include "service/upstream/socks.hpp"

#include <Poco/Net/IPAddress.h>

namespace omni::upstream {

namespace {

constexpr char kVersion = 5;
constexpr char kLoginVersion = 1;
constexpr char kConnect = 1;
constexpr uint8_t kV4 = 1;
constexpr uint8_t kName = 3;
constexpr uint8_t kV6 = 4;
constexpr size_t kMaxField = 255;

uint8_t byteAt(std::string_view bytes, size_t i) {
  return static_cast<uint8_t>(bytes[i]);
}

std::unexpected<Error> noSocks() {
  return makeError(FailureKind::Protocol, "its answer is not SOCKS 5");
}

}  // namespace

std::string socksGreeting(bool with_login) {
  // Only the log-in is offered when there is one: a proxy that would take anybody must not make a
  // wrong password look right.
  return {kVersion, 1, static_cast<char>(with_login ? kSocksPassword : kSocksNoLogin)};
}

Result<std::string> socksLogin(std::string_view username, std::string_view password) {
  if (username.empty() || username.size() > kMaxField || password.empty() ||
      password.size() > kMaxField)
    return makeError(FailureKind::BadRequest,
                     "SOCKS 5 takes a user name and a password of 1 to 255 bytes each", "password");
  std::string out{kLoginVersion};
  out += static_cast<char>(username.size());
  out += username;
  out += static_cast<char>(password.size());
  out += password;
  return out;
}

Result<std::string> socksConnect(const std::string& host, uint16_t port) {
  std::string out{kVersion, kConnect, 0};
  Poco::Net::IPAddress address;
  if (Poco::Net::IPAddress::tryParse(host, address)) {
    out += static_cast<char>(address.family() == Poco::Net::IPAddress::IPv4 ? kV4 : kV6);
    out.append(static_cast<const char*>(address.addr()), static_cast<size_t>(address.length()));
  } else {
    if (host.empty() || host.size() > kMaxField)
      return makeError(FailureKind::BadRequest, "SOCKS 5 takes host names of 1 to 255 bytes",
                       "url");
    out += static_cast<char>(kName);
    out += static_cast<char>(host.size());
    out += host;
  }
  out += static_cast<char>(port >> 8);
  out += static_cast<char>(port & 0xff);
  return out;
}

Result<std::optional<uint8_t>> parseSocksMethod(std::string_view bytes) {
  if (!bytes.empty() && bytes[0] != kVersion) return noSocks();
  if (bytes.size() < 2) return std::nullopt;
  return byteAt(bytes, 1);
}

Result<std::optional<bool>> parseSocksLogin(std::string_view bytes) {
  // Some servers answer with the version of SOCKS instead of the log-in's.
  if (!bytes.empty() && bytes[0] != kLoginVersion && bytes[0] != kVersion) return noSocks();
  if (bytes.size() < 2) return std::nullopt;
  return bytes[1] == 0;
}

Result<std::optional<SocksReply>> parseSocksReply(std::string_view bytes) {
  if (!bytes.empty() && bytes[0] != kVersion) return noSocks();
  if (bytes.size() < 2) return std::nullopt;
  SocksReply reply;
  reply.code = byteAt(bytes, 1);
  // A refusal is final: some servers close without the rest of it.
  if (reply.code != 0) {
    reply.size = bytes.size();
    return reply;
  }
  if (bytes.size() < 5) return std::nullopt;
  switch (byteAt(bytes, 3)) {
    case kV4:
      reply.size = 4 + 4 + 2;
      break;
    case kV6:
      reply.size = 4 + 16 + 2;
      break;
    case kName:
      reply.size = 4 + 1 + byteAt(bytes, 4) + size_t{2};
      break;
    default:
      return noSocks();
  }
  if (bytes.size() < reply.size) return std::nullopt;
  return reply;
}

std::string_view socksCodeText(uint8_t code) {
  switch (code) {
    case 0:
      return "connected";
    case 2:
      return "its rules do not allow this connection";
    case 3:
      return "the network is unreachable from the proxy";
    case 4:
      return "the host is unreachable from the proxy, or the proxy cannot resolve its name";
    case 5:
      return "the target refused the connection";
    case 6:
      return "the target did not answer in time";
    case 7:
      return "it does not do CONNECT";
    case 8:
      return "it does not take this kind of address";
    default:
      return "general failure of the SOCKS server";
  }
}

}  // namespace omni::upstream
