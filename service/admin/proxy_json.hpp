#pragma once
// Proxies as people write and see them. Private to service/admin. No password is ever shown.

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/ports/proxy.hpp"

namespace omni::admin {

std::string_view proxyTypeName(ProxyScheme scheme);
std::string_view proxyScopeName(ProxyScope scope);
// BadRequest that lists what there is.
Result<ProxyScheme> parseProxyType(std::string_view text, std::string_view field);
Result<ProxyScope> parseProxyScope(std::string_view text, std::string_view field);

// What a request says about a proxy; a member that it does not name is not set.
struct ProxyInput {
  std::optional<std::string> name;
  std::optional<ProxyScheme> scheme;
  std::optional<std::string> host;
  std::optional<uint16_t> port;
  std::optional<std::string> username;
  std::optional<std::string> password;  // empty: none
};

// "socks5://user:pass@host:1080"; user name and password may be percent-encoded; socks5h is the
// same, names are always the proxy's to resolve. Without a port: 80, 443 or 1080. BadRequest with
// field "url", never repeating the text.
Result<ProxyInput> parseProxyUrl(std::string_view text);

// Members name, type, host, port (number or digits), username, password; or url instead of all but
// the name. Others are refused. `path` is the prefix of fields in errors.
Result<ProxyInput> parseProxyInput(const boost::json::object& object, std::string_view path = {});

// Lays `input` over `record`. BadRequest when what comes out is no usable proxy, or when a stored
// password would go to another host or over another scheme than it was given for.
Result<> applyProxyInput(const ProxyInput& input, ProxyRecord& record, std::string_view path = {});

// "socks5://user:••••@host:1080".
std::string shownProxyUrl(const ProxyRecord& record);
boost::json::object proxyJson(const ProxyRecord& record);

}  // namespace omni::admin
