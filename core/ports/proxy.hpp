#pragma once
// Proxies: which ones there are, which accounts go through which, and the question that
// service/upstream asks for every call. Implemented by service/storage (ProxyTester: by
// service/upstream).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/cancel.hpp"

namespace omni {

enum class ProxyScheme { Http, Https, Socks5 };

struct ProxyRoute {
  // Changes whenever what follows changes, so that pooled connections are told apart.
  std::string id;
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

// For whoever signs accounts in: the connection may not exist yet. Thread-safe; durable.
class ProxyAssigner {
 public:
  virtual ~ProxyAssigner() = default;
  // `proxy_id`: a proxy's id or name, or kDirectProxy. NotFound (field "proxyId") when there is no
  // such proxy. What was assigned before is replaced.
  virtual Result<> assign(std::string_view connection_id, std::string_view proxy_id) = 0;
  // Success also when nothing was assigned.
  virtual Result<> unassign(std::string_view connection_id) = 0;
  // What is assigned to the connection itself: to put back what an abandoned sign-in replaced.
  virtual Result<std::optional<std::string>> assigned(std::string_view connection_id) = 0;
};

// As a proxy id: no proxy, whatever is assigned to the provider or to all.
inline constexpr std::string_view kDirectProxy = "direct";

struct ProxyRecord {
  std::string id;    // UUID
  std::string name;  // unique, without regard to case
  ProxyScheme scheme = ProxyScheme::Http;
  std::string host;
  uint16_t port = 0;
  std::string username;
  bool has_password = false;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
};

enum class ProxyScope { Global, Provider, Connection };

struct ProxyAssignment {
  ProxyScope scope = ProxyScope::Global;
  std::string scope_id;  // provider or connection; empty for Global
  std::string proxy_id;  // kDirectProxy: direct
};

struct ProxyChoice {
  std::optional<ProxyAssignment> decided_by;  // nullopt: nothing is assigned, so direct
  Result<std::optional<ProxyRoute>> route;    // as proxyFor() answers
};

// What people administer. Thread-safe; durable; a change is in force for the next call.
class ProxyDirectory {
 public:
  virtual ~ProxyDirectory() = default;
  virtual Result<std::vector<ProxyRecord>> list() = 0;  // by name
  virtual Result<ProxyRecord> get(std::string_view id) = 0;
  // Inserts or replaces by id. No password: the stored one stays; empty: none. Conflict with
  // conflict_id when another has the name.
  virtual Result<> put(const ProxyRecord& record, const std::optional<std::string>& password) = 0;
  // Conflict when it is assigned, unless `even_if_assigned`: the assignments stay then, and the
  // calls that they are for fail until somebody changes them.
  virtual Result<> remove(std::string_view id, bool even_if_assigned) = 0;
  virtual Result<std::vector<ProxyAssignment>> assignments() = 0;
  virtual Result<> assign(const ProxyAssignment& assignment) = 0;
  virtual Result<> unassign(ProxyScope scope, std::string_view scope_id) = 0;
  virtual ProxyChoice explain(std::string_view provider, std::string_view connection_id) = 0;
  // With the password; never to be shown.
  virtual Result<ProxyRoute> route(std::string_view id) = 0;
};

struct ProxyTestResult {
  int status = 0;          // of the HTTP answer that came through the proxy
  int64_t latency_ms = 0;  // connecting, asking and the answer
  std::string body;        // its first 4 KiB
};

class ProxyTester {
 public:
  virtual ~ProxyTester() = default;
  // One GET of `url` over a fresh connection through `route`.
  virtual Result<ProxyTestResult> test(const ProxyRoute& route, std::string_view url,
                                       const CancelToken& cancel) = 0;
};

}  // namespace omni
