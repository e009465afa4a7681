#pragma once
// What the handlers of proxies share. Private to service/admin.

#include <boost/json/object.hpp>

#include "service/admin/answering.hpp"
#include "service/admin/proxies.hpp"

namespace omni::admin {

struct ProxyContext {
  explicit ProxyContext(ProxyDeps given) : deps(std::move(given)) {}
  ProxyDeps deps;
  std::mutex writes;  // read, change and put must not interleave
};
using ProxyContextPtr = std::shared_ptr<ProxyContext>;

// By id, else by name. NotFound with `field`.
Result<ProxyRecord> findProxy(ProxyContext& context, std::string_view id_or_name,
                              std::string_view field);
// What a scope's id stands for: a connection's id or name, a provider. NotFound, BadRequest.
Result<std::string> scopeId(ProxyContext& context, ProxyScope scope, std::string_view given,
                            std::string_view field);
// "all accounts", "the provider kiro", "the account kiro-dev (kiro)".
std::string scopeLabel(ProxyContext& context, const ProxyAssignment& assignment);

void audit(ProxyContext& context, const http::Request& request, std::string_view action,
           const ProxyRecord& proxy, boost::json::object detail);

// The answer about one test of a proxy; an error is for the caller, not the proxy's.
Result<boost::json::object> testProxy(ProxyContext& context, const ProxyRecord& record,
                                      const ProxyRoute& route, std::string_view url,
                                      const CancelToken& cancel);
// Why a connection's calls go where they go. `id_or_name` empty: what a new account of `provider`
// would get.
Result<boost::json::object> explainProxy(ProxyContext& context, std::string_view provider,
                                         std::string_view id_or_name);

void addProxyRegistryRoutes(http::RouteTable& table, const ProxyContextPtr& context);
void addProxyAssignmentRoutes(http::RouteTable& table, const ProxyContextPtr& context);
void addProxySettingsRoutes(http::RouteTable& table, const ProxyContextPtr& context);

}  // namespace omni::admin
