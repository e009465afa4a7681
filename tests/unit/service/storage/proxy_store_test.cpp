#include "service/storage/proxy_store.hpp"

#include <optional>

#include "store_fixture.hpp"

namespace omni::storage {
namespace {

class ProxyStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    openStore();
    ASSERT_TRUE(store_->create(connection("c1", "kiro-dev"), {}));
    ASSERT_TRUE(store_->create(connection("c2", "kiro-pro"), {}));
    openProxies();
  }
  void TearDown() override {
    proxies_.reset();
    StoreTest::TearDown();
  }
  void openProxies() {
    proxies_.emplace(store_->sessions(), sealer_, clock_);
    ASSERT_TRUE(proxies_->load());
  }
  static ProxyRecord record(const std::string& id, const std::string& name) {
    ProxyRecord made;
    made.id = id;
    made.name = name;
    made.scheme = ProxyScheme::Socks5;
    made.host = "proxy.example";
    made.port = 1080;
    made.username = "user";
    return made;
  }
  void put(const std::string& id, const std::string& name) {
    ASSERT_TRUE(proxies_->put(record(id, name), "hunter2-" + id));
  }
  void assign(ProxyScope scope, const std::string& id, const std::string& proxy) {
    auto done = proxies_->assign(ProxyAssignment{scope, id, proxy});
    ASSERT_TRUE(done) << done.error().message;
  }
  // The name of the proxy of kiro's connection, "direct", or the reason of the error.
  std::string way(const std::string& connection_id) {
    auto route = proxies_->proxyFor("kiro", connection_id);
    if (!route) return route.error().reason;
    return *route ? (*route)->name : "direct";
  }

  std::optional<ProxyStore> proxies_;
};

TEST_F(ProxyStoreTest, ConnectionBeforeProviderBeforeGlobal) {
  put("p1", "all");
  put("p2", "kiros");
  put("p3", "own");
  EXPECT_EQ(way("c1"), "direct");
  assign(ProxyScope::Global, "", "p1");
  EXPECT_EQ(way("c1"), "all");
  assign(ProxyScope::Provider, "kiro", "p2");
  assign(ProxyScope::Provider, "other", "p3");
  EXPECT_EQ(way("c1"), "kiros");
  assign(ProxyScope::Connection, "c1", "p3");
  EXPECT_EQ(way("c1"), "own");
  EXPECT_EQ(way("c2"), "kiros");
  assign(ProxyScope::Connection, "c2", "direct");
  EXPECT_EQ(way("c2"), "direct");
  const auto choice = proxies_->explain("kiro", "c2");
  ASSERT_TRUE(choice.decided_by);
  EXPECT_EQ(choice.decided_by->scope, ProxyScope::Connection);
  ASSERT_TRUE(proxies_->unassign(ProxyScope::Connection, "c2"));
  ASSERT_TRUE(proxies_->unassign(ProxyScope::Provider, "kiro"));
  EXPECT_EQ(way("c2"), "all");
}

TEST_F(ProxyStoreTest, SurvivesARestartWithItsPasswordSealed) {
  put("p1", "office");
  assign(ProxyScope::Connection, "c1", "p1");
  proxies_.reset();
  openStore();
  openProxies();
  auto route = proxies_->proxyFor("kiro", "c1");
  ASSERT_TRUE(route && *route);
  EXPECT_EQ((*route)->host, "proxy.example");
  EXPECT_EQ((*route)->port, 1080);
  EXPECT_EQ((*route)->scheme, ProxyScheme::Socks5);
  EXPECT_EQ((*route)->username, "user");
  EXPECT_EQ((*route)->password, "hunter2-p1");
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::path file = path_;
    file += suffix;
    EXPECT_EQ(fileText(file).find("hunter2"), std::string::npos) << file;
  }
}

TEST_F(ProxyStoreTest, EveryChangeGivesARouteOfItsOwn) {
  put("p1", "office");
  const auto first = proxies_->route("p1");
  ASSERT_TRUE(first);
  ASSERT_TRUE(proxies_->put(record("p1", "office"), std::nullopt));
  const auto second = proxies_->route("p1");
  EXPECT_NE(first->id, second->id);
  EXPECT_EQ(second->password, "hunter2-p1");  // not named, so it stays
  ASSERT_TRUE(proxies_->put(record("p1", "office"), ""));
  EXPECT_EQ(proxies_->route("p1")->password, "");
  EXPECT_FALSE(proxies_->get("p1")->has_password);
}

TEST_F(ProxyStoreTest, AForcedRemovalFailsClosed) {
  put("p1", "office");
  assign(ProxyScope::Provider, "kiro", "p1");
  auto refused = proxies_->remove("p1", false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::Conflict);
  EXPECT_EQ(way("c1"), "office");
  ASSERT_TRUE(proxies_->remove("p1", true));
  EXPECT_EQ(way("c1"), "proxy_missing");
  proxies_.reset();
  openProxies();
  EXPECT_EQ(way("c1"), "proxy_missing");
  assign(ProxyScope::Provider, "kiro", "direct");
  EXPECT_EQ(way("c1"), "direct");
}

TEST_F(ProxyStoreTest, AnUnreadablePasswordFailsClosed) {
  put("p1", "office");
  assign(ProxyScope::Connection, "c1", "p1");
  ASSERT_TRUE(store_->sessions()->write([](Poco::Data::Session& session) -> Result<> {
    run(session, "UPDATE proxies SET password='damaged'");
    return {};
  }));
  openProxies();
  EXPECT_EQ(way("c1"), "proxy_unreadable");
  EXPECT_EQ(way("c2"), "direct");
}

TEST_F(ProxyStoreTest, AnUnreadableDatabaseFailsClosedUntilItCanBeRead) {
  put("p1", "office");
  assign(ProxyScope::Connection, "c1", "p1");
  const auto rename = [&](const char* from, const char* to) {
    ASSERT_TRUE(store_->sessions()->write([&](Poco::Data::Session& session) -> Result<> {
      run(session, std::string("ALTER TABLE ") + from + " RENAME TO " + to);
      return {};
    }));
  };
  rename("proxies", "hidden");
  ProxyStore fresh(store_->sessions(), sealer_, clock_);
  ASSERT_FALSE(fresh.load());
  auto route = fresh.proxyFor("kiro", "c2");
  ASSERT_FALSE(route);
  EXPECT_EQ(route.error().reason, "proxies_unknown");
  rename("hidden", "proxies");
  EXPECT_TRUE(fresh.proxyFor("kiro", "c2"));
  EXPECT_EQ((*fresh.proxyFor("kiro", "c1"))->name, "office");
}

TEST_F(ProxyStoreTest, ASignInIsGivenAProxyBeforeItsConnectionIsThere) {
  put("p1", "office");
  ProxyAssigner& assigner = *proxies_;
  auto missing = assigner.assign("draft", "nobody");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().field, "proxyId");
  ASSERT_TRUE(assigner.assign("draft", "p1"));
  EXPECT_EQ(way("draft"), "office");
  EXPECT_EQ(*assigner.assigned("draft"), "p1");
  ASSERT_TRUE(assigner.assign("draft", "office"));  // by name
  EXPECT_EQ(*assigner.assigned("draft"), "p1");
  ASSERT_TRUE(assigner.unassign("draft"));
  EXPECT_EQ(way("draft"), "direct");
  EXPECT_FALSE(assigner.assigned("draft")->has_value());
  // What a crash leaves behind goes at the next start; what became a connection stays, and what a
  // sign-in that goes on will make one.
  ASSERT_TRUE(assigner.assign("draft", "p1"));
  ASSERT_TRUE(assigner.assign("pending", "p1"));
  ASSERT_TRUE(assigner.assign("c3", "p1"));
  ASSERT_TRUE(store_->create(connection("c3", "kiro-3"), {}));
  openProxies();
  ASSERT_TRUE(proxies_->sweep({"pending"}));
  EXPECT_EQ(way("draft"), "direct");
  EXPECT_EQ(way("pending"), "office");
  EXPECT_EQ(way("c3"), "office");
}

TEST_F(ProxyStoreTest, AnAssignmentGoesWithItsConnection) {
  put("p1", "office");
  assign(ProxyScope::Connection, "c1", "p1");
  assign(ProxyScope::Connection, "c2", "p1");
  ASSERT_TRUE(store_->remove("c1"));
  const auto left = proxies_->assignments();
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1u);
  EXPECT_EQ(left->front().scope_id, "c2");
}

TEST_F(ProxyStoreTest, RefusesWhatItCannotKeep) {
  put("p1", "office");
  auto taken = proxies_->put(record("p2", "OFFICE"), std::nullopt);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().conflict_id, "p1");
  ProxyRecord bad = record("p3", "x");
  bad.port = 0;
  EXPECT_EQ(proxies_->put(bad, std::nullopt).error().field, "port");
  EXPECT_FALSE(proxies_->assign(ProxyAssignment{ProxyScope::Provider, "", "p1"}));
  EXPECT_FALSE(proxies_->assign(ProxyAssignment{ProxyScope::Provider, "kiro", "p9"}));
  EXPECT_EQ(proxies_->list()->size(), 1u);
  EXPECT_TRUE(proxies_->assignments()->empty());
}

}  // namespace
}  // namespace omni::storage
