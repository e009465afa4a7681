#pragma once
// The parts of an upstream address. The target is kept byte for byte: signatures and upstreams may
// depend on its encoding.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni::upstream {

struct Url {
  bool tls = false;
  std::string host;  // IPv6 without brackets
  uint16_t port = 0;
  std::string target;  // path and query, at least "/"

  std::string hostHeader() const;  // brackets and a non-default port included
  std::string origin() const;      // "https://host:port", for pool keys and messages
};

// BadRequest with field "url": other schemes, user-info (it would end up in logs), an empty host, a
// bad port, control bytes.
Result<Url> parseUrl(std::string_view text);

}  // namespace omni::upstream
