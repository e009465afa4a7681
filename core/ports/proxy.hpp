#pragma once
// Which proxy an account's calls go through. Implemented by service/storage on top of the registry
// of proxies; asked by service/upstream for every connection it opens.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni {

enum class ProxyScheme { Http, Https, Socks5 };

struct ProxyRoute {
  std::string
      id;  // changes whenever what follows changes, so that pooled connections are told apart
  std::string name;  // what people call it
  ProxyScheme scheme = ProxyScheme::Http;
  std::string host;
  uint16_t port = 0;
  std::string username;  // empty: no log-in
  std::string password;  // a secret
};

// Thread-safe.
class ProxyResolver {
 public:
  virtual ~ProxyResolver() = default;
  // connection before provider before global; nullopt: direct. An error means that the call must
  // fail rather than go out directly (a deleted proxy, an unreadable password).
  virtual Result<std::optional<ProxyRoute>> proxyFor(std::string_view provider,
                                                     std::string_view connection_id) = 0;
};

}  // namespace omni
