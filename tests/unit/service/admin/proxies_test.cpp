#include <gtest/gtest.h>

#include "fake_proxies.hpp"
#include "service/admin/proxy_json.hpp"

namespace omni::admin::testing {
namespace {

namespace json = boost::json;

class Proxies : public ::testing::Test {
 protected:
  ~Proxies() override {
    EXPECT_EQ(world.everything.find("hunter2"), std::string::npos) << "a password was shown";
    for (const AuditEntry& entry : world.audit.entries)
      EXPECT_EQ(entry.detail.find("hunter2"), std::string::npos) << entry.detail;
  }
  std::string create(const std::string& body) {
    const FakeWriter answer = world.call("POST", "/api/proxies", body);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return text(object(answer).at("id"));
  }
  FakeWriter assign(const std::string& body) {
    return world.call("PUT", "/api/proxies/assignments", body);
  }
  ProxyWorld world;
};

TEST_F(Proxies, AreMadeFromPartsOrFromAUrl) {
  const FakeWriter parts = world.call(
      "POST", "/api/proxies",
      R"({"name":"office","type":"http","host":"Proxy.Example","port":"3128","username":"u","password":"hunter2"})");
  ASSERT_EQ(parts.status, 201) << parts.body;
  EXPECT_EQ(text(object(parts).at("url")), "http://u:••••@proxy.example:3128");
  EXPECT_TRUE(object(parts).at("hasPassword").as_bool());
  const FakeWriter url =
      world.call("POST", "/api/proxies", R"({"url":"socks5h://u%40x:hunter2%3A@[::1]"})");
  ASSERT_EQ(url.status, 201) << url.body;
  EXPECT_EQ(text(object(url).at("name")), "::1:1080");
  const auto& stored = world.proxies.rows.back();
  EXPECT_EQ(stored.username, "u@x");
  EXPECT_EQ(world.proxies.passwords[stored.id], "hunter2:");
  EXPECT_EQ(object(world.call("GET", "/api/proxies")).at("total").as_int64(), 2);
  ASSERT_EQ(world.audit.entries.size(), 2u);
  EXPECT_EQ(world.audit.entries[0].action, "proxy.created");
}

TEST_F(Proxies, BadOnesAreRefusedWithTheFieldAndNothingIsStored) {
  const std::pair<const char*, const char*> kBad[] = {
      {R"({})", "host"},
      {R"({"host":"a","port":0})", "port"},
      {R"({"host":"a","port":65536})", "port"},
      {R"({"host":"a","port":"80x"})", "port"},
      {R"({"host":"a b"})", "host"},
      {R"({"host":"a/b"})", "host"},
      {R"({"host":"a","type":"ftp"})", "type"},
      {R"({"host":"a","type":"socks4"})", "type"},
      {R"({"host":"a","password":"hunter2"})", "username"},
      {R"({"host":"a","type":"socks5","username":"u"})", "password"},
      {R"({"host":"a","username":"u:v","password":"hunter2"})", "username"},
      {R"({"host":"a","username":"u\r\nX: y"})", "username"},
      {R"({"host":"a","name":"a/b"})", "name"},
      {R"({"host":"a","name":"Direct"})", "name"},
      {R"({"host":"a","colour":"red"})", "colour"},
      {R"({"url":"socks5://a:hunter2@h:1","host":"a"})", "host"},
      {R"({"url":"h:1080"})", "url"},
      {R"({"url":"ftp://h"})", "url"},
      {R"({"url":"http://h:99999"})", "url"},
      {R"({"url":"http://h/path"})", "url"},
      {R"({"url":"http://u:hunter2%@h"})", "url"},
      {R"({"url":"http://u:hunter2%4@h"})", "url"},
      {R"({"url":"http://[::1"})", "url"},
      {R"({"url":"http://"})", "url"},
  };
  for (const auto& [body, field] : kBad) {
    const FakeWriter answer = world.call("POST", "/api/proxies", body);
    EXPECT_EQ(answer.status, 400) << body << answer.body;
    EXPECT_NE(answer.body.find(field), std::string::npos) << body << answer.body;
  }
  EXPECT_TRUE(world.proxies.rows.empty());
}

TEST_F(Proxies, AChangeKeepsWhatItDoesNotName) {
  const std::string id =
      create(R"({"name":"office","url":"socks5://u:hunter2@proxy.example:1080"})");
  FakeWriter answer =
      world.call("PATCH", "/api/proxies/{id}", R"({"port":1081})", {{"id", "office"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(text(object(answer).at("url")), "socks5://u:••••@proxy.example:1081");
  EXPECT_EQ(world.proxies.passwords[id], "hunter2");
  // A stored password must not be sent to whoever is named next.
  answer = world.call("PATCH", "/api/proxies/{id}", R"({"host":"evil.example"})", {{"id", id}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("password"), std::string::npos);
  answer = world.call("PATCH", "/api/proxies/{id}",
                      R"({"type":"http","username":null,"password":null})", {{"id", id}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(text(object(answer).at("url")), "http://proxy.example:1081");
  EXPECT_EQ(world.call("PATCH", "/api/proxies/{id}", "{}", {{"id", id}}).status, 400);
  EXPECT_EQ(world.call("PATCH", "/api/proxies/{id}", R"({"port":1})", {{"id", "x"}}).status, 404);
}

TEST_F(Proxies, AreAssignedAndTheChoiceIsExplained) {
  const std::string a = create(R"({"name":"a","host":"a"})");
  const std::string b = create(R"({"name":"b","host":"b"})");
  const auto resolve = [&](const char* connection) {
    return object(world.call("GET", "/api/proxies/resolve", "", {}, {{"connection", connection}}));
  };
  EXPECT_EQ(text(resolve("kiro-dev").at("level")), "direct");
  ASSERT_EQ(assign(R"({"scope":"global","proxyId":"a"})").status, 200);
  ASSERT_EQ(assign(R"({"scope":"provider","scopeId":"kiro","proxyId":"b"})").status, 200);
  json::object found = resolve("kiro-dev");
  EXPECT_EQ(text(found.at("level")), "provider");
  EXPECT_EQ(text(found.at("proxy").as_object().at("name")), "b");
  EXPECT_EQ(text(found.at("explanation")), "The proxy \"b\" is assigned to the provider kiro.");
  ASSERT_EQ(found.at("considered").as_array().size(), 3u);
  ASSERT_EQ(assign(R"({"scope":"connection","scopeId":"kiro-dev","proxyId":"direct"})").status,
            200);
  found = resolve("id-dev");
  EXPECT_EQ(text(found.at("level")), "connection");
  EXPECT_TRUE(found.at("proxy").is_null());
  EXPECT_EQ(text(resolve("kiro-pro").at("level")), "provider");
  ASSERT_EQ(assign(R"({"scope":"connection","scopeId":"kiro-dev","proxyId":null})").status, 200);
  EXPECT_EQ(text(resolve("kiro-dev").at("level")), "provider");
  EXPECT_EQ(object(world.call("GET", "/api/proxies/assignments")).at("total").as_int64(), 2);
  found = object(world.call("GET", "/api/proxies/resolve", "", {}, {{"provider", "kiro"}}));
  EXPECT_EQ(text(found.at("level")), "provider");
}

TEST_F(Proxies, BadAssignmentsAreRefused) {
  create(R"({"name":"a","host":"a"})");
  const std::tuple<const char*, int, const char*> kBad[] = {
      {R"({"proxyId":"a"})", 400, "scope"},
      {R"({"scope":"combo","proxyId":"a"})", 400, "scope"},
      {R"({"scope":"global"})", 400, "proxyId"},
      {R"({"scope":"global","scopeId":"x","proxyId":"a"})", 400, "scopeId"},
      {R"({"scope":"provider","proxyId":"a"})", 400, "scopeId"},
      {R"({"scope":"provider","scopeId":"nope","proxyId":"a"})", 404, "scopeId"},
      {R"({"scope":"connection","scopeId":"nobody","proxyId":"a"})", 404, "scopeId"},
      {R"({"scope":"global","proxyId":"none"})", 404, "proxyId"},
  };
  for (const auto& [body, status, field] : kBad) {
    const FakeWriter answer = assign(body);
    EXPECT_EQ(answer.status, status) << body << answer.body;
    EXPECT_NE(answer.body.find(field), std::string::npos) << body << answer.body;
  }
  EXPECT_TRUE(world.proxies.given.empty());
}

TEST_F(Proxies, OneInUseIsKeptUnlessForced) {
  const std::string id = create(R"({"name":"office","host":"a"})");
  assign(R"({"scope":"connection","scopeId":"kiro-dev","proxyId":"office"})");
  FakeWriter answer = world.call("DELETE", "/api/proxies/{id}", "", {{"id", id}});
  EXPECT_EQ(answer.status, 409);
  EXPECT_NE(answer.body.find("the account kiro-dev (kiro)"), std::string::npos) << answer.body;
  answer = world.call("DELETE", "/api/proxies/{id}", "", {{"id", id}}, {{"force", "true"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::object found =
      object(world.call("GET", "/api/proxies/resolve", "", {}, {{"connection", "kiro-dev"}}));
  EXPECT_FALSE(found.at("usable").as_bool());
  EXPECT_EQ(text(found.at("level")), "connection");
  const json::object all = object(world.call("GET", "/api/proxies/assignments"));
  EXPECT_TRUE(all.at("assignments").as_array()[0].as_object().at("missing").as_bool());
}

TEST_F(Proxies, ATestSaysTheAddressOrWhatToDo) {
  const std::string id = create(R"({"name":"office","url":"http://u:hunter2@proxy.example:3128"})");
  FakeWriter answer = world.call("POST", "/api/proxies/{id}/test", "", {{"id", id}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(object(answer).at("success").as_bool());
  EXPECT_EQ(text(object(answer).at("publicIp")), "203.0.113.7");
  EXPECT_EQ(object(answer).at("latencyMs").as_int64(), 42);
  EXPECT_EQ(world.tester.url, "https://ip.example/");
  EXPECT_EQ(world.tester.seen.password, "hunter2");

  answer = world.call("POST", "/api/proxies/{id}/test", R"({"url":"http://169.254.169.254/"})",
                      {{"id", id}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("https://oidc.example/"), std::string::npos);

  auto failed = makeError(FailureKind::Network, "the proxy refused the log-in");
  failed.error().reason = "proxy_login";
  world.tester.result = failed;
  answer = world.call("POST", "/api/proxies/{id}/test", "", {{"id", id}});
  ASSERT_EQ(answer.status, 200);
  EXPECT_FALSE(object(answer).at("success").as_bool());
  EXPECT_EQ(text(object(answer).at("reason")), "proxy_login");
  EXPECT_NE(text(object(answer).at("advice")).find("password"), std::string::npos);
}

TEST_F(Proxies, OmniRoutesAddressesStillWork) {
  const char* const path = "/api/settings/proxy";
  FakeWriter answer = world.call(
      "PUT", path,
      R"({"level":"provider","id":"kiro","proxy":{"type":"http","host":"h","port":"8080","username":"u","password":"hunter2"}})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(text(object(answer).at("proxy").as_object().at("host")), "h");
  // Again: the same entry is changed.
  answer = world.call(
      "PUT", path,
      R"({"level":"provider","id":"kiro","proxy":{"type":"http","host":"h2","port":8080}})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(world.proxies.rows.size(), 1u);
  EXPECT_FALSE(world.proxies.rows[0].has_password);
  answer = world.call("GET", path, "", {}, {{"resolve", "kiro-dev"}});
  EXPECT_EQ(text(object(answer).at("level")), "provider");
  answer = world.call("GET", path, "", {}, {{"level", "provider"}, {"id", "kiro"}});
  EXPECT_EQ(text(object(answer).at("proxy").as_object().at("host")), "h2");
  answer = world.call("GET", path);
  EXPECT_TRUE(object(answer).at("global").is_null());
  EXPECT_TRUE(object(answer).at("providers").as_object().contains("kiro"));
  EXPECT_EQ(world.call("PUT", path, R"({"level":"combo","id":"x","proxy":null})").status, 400);
  answer = world.call("DELETE", path, "", {}, {{"level", "provider"}, {"id", "kiro"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(world.proxies.given.empty());
  answer = world.call(
      "POST", "/api/settings/proxy/test",
      R"({"proxy":{"type":"socks5","host":"h","port":1080,"username":"u","password":"hunter2"}})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(text(object(answer).at("proxyUrl")), "socks5://u:••••@h:1080");
  EXPECT_EQ(world.tester.seen.password, "hunter2");
}

}  // namespace
}  // namespace omni::admin::testing
