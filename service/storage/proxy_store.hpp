#pragma once
// The registry of proxies and their assignments, in the service's database, with a snapshot in
// memory that answers which way a call goes.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/clock.hpp"
#include "core/ports/proxy.hpp"
#include "core/ports/sealer.hpp"
#include "service/storage/sessions.hpp"

namespace omni::storage {

// Thread-safe. Sealer and clock are borrowed. A password is sealed with the context
// "proxies/<id>/password". One that cannot be opened, and an assignment to a proxy that is gone,
// make the calls that they are for fail (reasons "proxy_unreadable", "proxy_missing").
// The assignment of a connection goes with the connection (a trigger does it); one to a connection
// that never came to be is dropped by sweep().
class ProxyStore final : public ProxyResolver, public ProxyAssigner, public ProxyDirectory {
 public:
  ProxyStore(std::shared_ptr<Sessions> sessions, Sealer& sealer, Clock& clock)
      : sessions_(std::move(sessions)), sealer_(sealer), clock_(clock) {}
  // Fills the snapshot. While there is none because the database cannot be read, every call fails.
  Result<> load();
  // Drops what abandoned sign-ins left, but not the assignments of connections that are still to
  // come. Once, after the sign-ins that outlived the last process are known.
  Result<> sweep(const std::vector<std::string>& spared);

  Result<std::optional<ProxyRoute>> proxyFor(std::string_view provider,
                                             std::string_view connection_id) override;

  Result<> assign(std::string_view connection_id, std::string_view proxy_id) override;
  Result<> unassign(std::string_view connection_id) override;
  Result<std::optional<std::string>> assigned(std::string_view connection_id) override;

  Result<std::vector<ProxyRecord>> list() override;
  Result<ProxyRecord> get(std::string_view id) override;
  Result<> put(const ProxyRecord& record, const std::optional<std::string>& password) override;
  Result<> remove(std::string_view id, bool even_if_assigned) override;
  Result<std::vector<ProxyAssignment>> assignments() override;
  Result<> assign(const ProxyAssignment& assignment) override;
  Result<> unassign(ProxyScope scope, std::string_view scope_id) override;
  ProxyChoice explain(std::string_view provider, std::string_view connection_id) override;
  Result<ProxyRoute> route(std::string_view id) override;

 private:
  struct Way {
    ProxyAssignment assignment;
    Result<std::optional<ProxyRoute>> route;
  };
  struct Snapshot {
    std::map<std::string, Result<ProxyRoute>, std::less<>> routes;  // by proxy
    std::map<std::string, Way, std::less<>> connections;
    std::map<std::string, Way, std::less<>> providers;
    std::optional<Way> global;

    const Way* find(std::string_view provider, std::string_view connection_id) const;
  };
  std::shared_ptr<const Snapshot> snapshot() const;
  Result<> reload();  // changes_ held

  std::shared_ptr<Sessions> sessions_;
  Sealer& sealer_;
  Clock& clock_;
  std::mutex changes_;  // a write and the snapshot that shows it are one step
  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace omni::storage
