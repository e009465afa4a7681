#pragma once
// Proxies in memory, with the choice made as the store makes it.

#include "fakes.hpp"
#include "service/admin/proxies.hpp"

namespace omni::admin::testing {

struct FakeProxies final : ProxyDirectory {
  std::vector<ProxyRecord> rows;
  std::map<std::string, std::string> passwords;
  std::vector<ProxyAssignment> given;

  Result<std::vector<ProxyRecord>> list() override { return rows; }
  Result<ProxyRecord> get(std::string_view id) override {
    for (const ProxyRecord& row : rows)
      if (row.id == id) return row;
    return makeError(FailureKind::NotFound, "no proxy");
  }
  Result<> put(const ProxyRecord& record, const std::optional<std::string>& password) override {
    std::erase_if(rows, [&](const ProxyRecord& row) { return row.id == record.id; });
    if (password) passwords[record.id] = *password;
    rows.push_back(record);
    rows.back().has_password = !passwords[record.id].empty();
    rows.back().created_ms = rows.back().updated_ms = 1767225600000;
    return {};
  }
  Result<> remove(std::string_view id, bool force) override {
    for (const ProxyAssignment& one : given)
      if (one.proxy_id == id && !force) return makeError(FailureKind::Conflict, "assigned");
    std::erase_if(rows, [&](const ProxyRecord& row) { return row.id == id; });
    return {};
  }
  Result<std::vector<ProxyAssignment>> assignments() override { return given; }
  Result<> assign(const ProxyAssignment& wanted) override {
    (void)unassign(wanted.scope, wanted.scope_id);
    given.push_back(wanted);
    return {};
  }
  Result<> unassign(ProxyScope scope, std::string_view id) override {
    std::erase_if(given, [&](const ProxyAssignment& one) {
      return one.scope == scope && one.scope_id == id;
    });
    return {};
  }
  ProxyChoice explain(std::string_view provider, std::string_view connection_id) override {
    const std::pair<ProxyScope, std::string_view> order[] = {
        {ProxyScope::Connection, connection_id},
        {ProxyScope::Provider, provider},
        {ProxyScope::Global, ""}};
    for (const auto& [scope, id] : order) {
      for (const ProxyAssignment& one : given) {
        if (one.scope != scope || one.scope_id != id) continue;
        if (one.proxy_id == kDirectProxy) return {one, std::nullopt};
        auto found = route(one.proxy_id);
        if (!found) return {one, makeError(FailureKind::Unavailable, "it was removed")};
        return {one, *found};
      }
    }
    return {std::nullopt, std::nullopt};
  }
  Result<ProxyRoute> route(std::string_view id) override {
    auto row = get(id);
    if (!row) return std::unexpected(row.error());
    ProxyRoute out;
    out.id = row->id;
    out.name = row->name;
    out.scheme = row->scheme;
    out.host = row->host;
    out.port = row->port;
    out.username = row->username;
    out.password = passwords[row->id];
    return out;
  }
};

struct FakeTester final : ProxyTester {
  Result<ProxyTestResult> result = ProxyTestResult{200, 42, "203.0.113.7\n"};
  ProxyRoute seen;
  std::string url;
  Result<ProxyTestResult> test(const ProxyRoute& route, std::string_view asked,
                               const CancelToken&) override {
    seen = route;
    url = asked;
    return result;
  }
};

struct ProxyWorld : World {
  FakeProxies proxies;
  FakeTester tester;
  ProxyWorld() {
    addProxyRoutes(table, {.proxies = proxies,
                           .tester = tester,
                           .accounts = directory,
                           .providers = providers,
                           .clock = clock,
                           .random = random,
                           .audit = &audit,
                           .test_urls = {"https://ip.example/", "https://oidc.example/"}});
  }
};

}  // namespace omni::admin::testing
