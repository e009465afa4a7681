#pragma once
// What a base URL may be. It comes from whoever may administer, and the service then sends requests
// there, so it must not become a way to speak to the cloud's metadata service or to send a key in
// the clear.
//
// Rules: https to any host; http only to this machine, private addresses (RFC 1918, RFC 4193, RFC
// 6598), single-label and local names, or hosts in the setting plugins.openai.allowHttpHosts;
// link-local, multicast, unspecified and metadata addresses never; no user-info, query or fragment;
// IPv4 only as four decimal numbers. A name that later resolves elsewhere is the host's resolver's
// matter, not checked here.
//
// Pure and thread-safe.

#include <omniroute/sdk.hpp>

#include <string>
#include <string_view>

namespace omni::openai_upstream {

struct BaseUrl {
  std::string text;  // normalised: lower-case scheme and host, no slash at the end
  std::string host;  // without brackets
  bool secure = false;
};

// BAD_REQUEST with field "baseUrl". `allow_http_hosts`: comma-separated host names.
sdk::Result<BaseUrl> parseBaseUrl(std::string_view text, std::string_view allow_http_hosts);

}  // namespace omni::openai_upstream
