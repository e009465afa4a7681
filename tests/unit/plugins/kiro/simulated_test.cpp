// The plugin against kiro-sim over real sockets: two readings of the same wire, so that a
// misreading of one of them shows.
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <gtest/gtest.h>

#include <omniroute/testing/fake_host.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulator/json.hpp"
#include "simulator/random.hpp"
#include "simulator/server.hpp"

extern "C" const omni_plugin_entry_t omni_plugin_entry_kiro;

namespace omni::kiro {
namespace {

namespace json = boost::json;
using sdk::testing::FakeCall;
using sdk::testing::RecordedRequest;
using sdk::testing::ScriptedAnswer;

class KiroSimulated : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.start();
    base_ = "http://127.0.0.1:" + std::to_string(server_.port());
    world_.base_url = base_;
    for (const auto& [name, path] :
         std::vector<std::pair<std::string, std::string>>{{"oidc", "/oidc/{region}"},
                                                          {"social", "/auth-desktop"},
                                                          {"portal", "/portal"},
                                                          {"runtime", "/runtime/{region}"},
                                                          {"management", "/management/{region}"},
                                                          {"legacy", "/legacy/{region}"}})
      host_.setSetting("endpoint." + name, base_ + path);
    host_.setSetting("externalIdp.hosts", base_);
    host_.setNowMs(world_.clock.milliseconds());
    host_.handleHttp([this](const RecordedRequest& sent) { return carry(sent); });
  }
  void TearDown() override { server_.stop(); }

  // Both clocks, as one.
  void advance(int64_t seconds) {
    world_.clock.advance(seconds);
    host_.setNowMs(world_.clock.milliseconds());
  }
  ScriptedAnswer carry(const RecordedRequest& sent) {
    const size_t path = sent.url.find('/', sent.url.find("://") + 3);
    EXPECT_TRUE(sent.url.starts_with(base_ + "/")) << sent.url;
    Poco::Net::HTTPClientSession session("127.0.0.1", server_.port());
    session.setTimeout(Poco::Timespan(10, 0));
    Poco::Net::HTTPRequest request(sent.method, sent.url.substr(path), "HTTP/1.1");
    for (const auto& header : sent.headers) request.set(header.name, header.value);
    request.setContentLength(static_cast<int>(sent.body.size()));
    session.sendRequest(request) << sent.body;
    Poco::Net::HTTPResponse response;
    auto& in = session.receiveResponse(response);
    ScriptedAnswer answer;
    answer.pieces = {std::string(std::istreambuf_iterator<char>(in), {})};
    answer.status = static_cast<uint32_t>(response.getStatus());
    for (const auto& [name, value] : response) answer.headers.push_back({name, value});
    return answer;
  }
  // What a person, a browser or the operator of the simulator does.
  ScriptedAnswer ask(const std::string& method, const std::string& url,
                     const json::object& body = {}) {
    RecordedRequest request;
    request.method = method;
    request.url = url;
    if (method == "POST") request.body = json::serialize(body);
    return carry(request);
  }
  json::object operate(const std::string& path, const json::object& body) {
    const auto answer = ask("POST", base_ + "/__control/" + path, body);
    EXPECT_LT(answer.status, 300u) << answer.pieces[0];
    return json::parse(answer.pieces[0]).as_object();
  }

  omni_status_t control(const std::string& method, const json::object& input = {},
                        const std::string& account = "account") {
    output_.clear();
    call_.emplace(host_, account);
    const auto status = plugin_.control(*call_, method, json::serialize(input), &output_);
    if (status == OMNI_OK) answer_ = json::parse(output_).as_object();
    return status;
  }
  std::string why() { return call_->error() ? call_->error()->message : "no error"; }
  std::string said(std::string_view name) { return sim::text(answer_, name); }
  std::string value(std::string_view key, std::string_view account = "account") {
    const auto stored = host_.value(key, account);
    return stored ? stored->text : "";
  }
  void start(const json::object& input, const std::string& account = "account") {
    ASSERT_EQ(control("accounts.signin.start", input, account), OMNI_OK) << why();
  }
  void approveAndPoll(const json::object& who = {}, const std::string& account = "account") {
    auto approval = who;
    approval["userCode"] = said("userCode");
    operate("device/approve", approval);
    advance(5);
    ASSERT_EQ(control("accounts.signin.poll", {}, account), OMNI_OK) << why();
    ASSERT_EQ(said("status"), "complete");
  }
  // Every check of accounts.test passes, a real question to a model included.
  void expectWorks(const std::string& account = "account") {
    ASSERT_EQ(control("accounts.test", {{"probe", true}}, account), OMNI_OK) << why();
    for (const auto& check : answer_.at("checks").as_array())
      EXPECT_TRUE(check.at("ok").as_bool()) << json::serialize(check);
  }
  void expectRefreshes(const std::string& account = "account") {
    advance(3600);
    ASSERT_EQ(control("accounts.refresh", {}, account), OMNI_OK) << why();
  }

  sim::World world_;
  sim::Server server_{world_, 0};
  std::string base_;
  sdk::testing::FakeHost host_;
  sdk::testing::PluginUnderTest plugin_{omni_plugin_entry_kiro, host_};
  std::optional<FakeCall> call_;
  std::string output_;
  json::object answer_;
};

TEST_F(KiroSimulated, BuilderId) {
  start({{"method", "builder_id"}});
  advance(5);
  ASSERT_EQ(control("accounts.signin.poll"), OMNI_OK);
  EXPECT_EQ(said("status"), "pending");
  start({{"method", "builder_id"}});
  approveAndPoll({{"email", "dev@example.com"}});
  EXPECT_EQ(said("label"), "dev@example.com");
  EXPECT_EQ(value("isolation"), "dedicated");
  EXPECT_GT(std::stoll(value("clientSecretExpiresAt")), host_.nowMs() + 89LL * 86'400'000);
  expectWorks();
  expectRefreshes();
  expectWorks();
}

TEST_F(KiroSimulated, IdentityCenterInAnotherRegionThanTheProfile) {
  start({{"method", "idc"},
         {"startUrl", "https://d-1234567890.awsapps.com/start"},
         {"region", "ap-southeast-2"}});
  approveAndPoll({{"profileRegion", "eu-central-1"}});
  EXPECT_EQ(value("region"), "ap-southeast-2");
  EXPECT_NE(value("profileArn").find(":eu-central-1:"), std::string::npos);
  expectWorks();
  expectRefreshes();
  expectWorks();
}

TEST_F(KiroSimulated, DeniedExpiredAndTooFast) {
  start({{"method", "builder_id"}});
  operate("device/deny", {{"userCode", said("userCode")}});
  advance(5);
  EXPECT_EQ(control("accounts.signin.poll"), OMNI_FAILED);
  EXPECT_EQ(call_->error()->reason, "access_denied");
  start({{"method", "github"}});
  operate("device/deny", {{"userCode", said("userCode")}});
  advance(5);
  EXPECT_EQ(control("accounts.signin.poll"), OMNI_FAILED);
  EXPECT_EQ(call_->error()->reason, "access_denied");
  start({{"method", "builder_id"}});
  advance(600);
  EXPECT_EQ(control("accounts.signin.poll"), OMNI_FAILED);
  EXPECT_EQ(call_->error()->reason, "expired_token");
  // A clock of this side that runs ahead makes it ask too early: it is told to slow down, and does.
  start({{"method", "builder_id"}});
  host_.advanceMs(5000);
  ASSERT_EQ(control("accounts.signin.poll"), OMNI_OK) << why();
  host_.advanceMs(5000);
  ASSERT_EQ(control("accounts.signin.poll"), OMNI_OK) << why();
  EXPECT_EQ(answer_.at("intervalMs").as_int64(), 10'000);
}

TEST_F(KiroSimulated, GoogleWithACode) {
  start({{"method", "google"}});
  approveAndPoll();
  EXPECT_EQ(value("isolation"), "registered");
  EXPECT_EQ(value("profileArn"), sim::kSocialProfile);
  expectWorks();
  expectRefreshes();
  expectWorks();
}

TEST_F(KiroSimulated, GitHubInABrowser) {
  start({{"method", "github"}, {"form", "browser"}, {"redirectPort", "50153"}});
  const auto page = ask("GET", said("url") + "&login_option=github");
  ASSERT_EQ(page.status, 302u) << page.pieces[0];
  std::string location;
  for (const auto& header : page.headers)
    if (header.name == "location") location = header.value;
  EXPECT_TRUE(location.starts_with("http://localhost:50153/oauth/callback?")) << location;
  ASSERT_EQ(control("accounts.signin.finish", {{"callbackUrl", location}}), OMNI_OK) << why();
  EXPECT_EQ(said("status"), "complete");
  EXPECT_EQ(value("provider"), "Github");
  expectWorks();
  expectRefreshes();
  // A code is good once.
  start({{"method", "github"}, {"form", "browser"}}, "other");
  const auto refused = ask("GET", said("url") + "&deny=1");
  for (const auto& header : refused.headers)
    if (header.name == "location") location = header.value;
  EXPECT_EQ(control("accounts.signin.finish", {{"callbackUrl", location}}, "other"), OMNI_FAILED);
  EXPECT_EQ(call_->error()->kind, OMNI_FAILURE_NOT_AUTHORIZED);
}

TEST_F(KiroSimulated, ManyAccountsDoNotEndEachOther) {
  for (const std::string name : {"a", "b", "c"}) {
    start({{"method", "builder_id"}}, name);
    approveAndPoll({}, name);
  }
  for (const std::string name : {"d", "e"}) {
    const auto account = operate("accounts", {{"kind", "social"}});
    ASSERT_EQ(control("accounts.import", {{"refreshToken", account.at("refreshToken")}}, name),
              OMNI_OK)
        << why();
  }
  std::set<std::string> clients;
  for (const std::string name : {"a", "b", "c", "d", "e"}) {
    clients.insert(value("clientId", name));
    for (int i = 0; i < 2; ++i) expectRefreshes(name);
    expectWorks(name);
  }
  EXPECT_EQ(clients.size(), 5u);
  EXPECT_EQ(clients.count(""), 0u);
}

TEST_F(KiroSimulated, ImportOfAnIdcTokenFileWithItsRegistration) {
  const auto account = operate("accounts", {{"kind", "idc"}, {"region", "eu-west-1"}});
  const json::object file{{"accessToken", account.at("accessToken")},
                          {"refreshToken", account.at("refreshToken")},
                          {"expiresAt", "2026-01-01T00:00:00.000Z"},
                          {"clientIdHash", "c548f97c48c681297d9bd26811c87843bdbfa476"},
                          {"authMethod", "IdC"},
                          {"provider", "Enterprise"},
                          {"region", "eu-west-1"}};
  EXPECT_EQ(control("accounts.import", {{"json", file}}), OMNI_FAILED);
  EXPECT_EQ(call_->error()->field, "clientId");
  ASSERT_EQ(control("accounts.import", {{"json", file},
                                        {"clientId", account.at("clientId")},
                                        {"clientSecret", account.at("clientSecret")}}),
            OMNI_OK)
      << why();
  EXPECT_EQ(value("isolation"), "shared");
  EXPECT_EQ(value("profileArn"), sim::text(account, "profileArn"));
  expectWorks();
  // The issuer keeps sessions where they are ...
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK) << why();
  EXPECT_TRUE(answer_.at("signInNeeded").as_bool());
  EXPECT_EQ(value("clientId"), sim::text(account, "clientId"));
  expectRefreshes();
  // ... or lets them move.
  operate("policy", {{"foreignRefresh", "adopt"}});
  ASSERT_EQ(control("accounts.isolate"), OMNI_OK) << why();
  EXPECT_EQ(said("isolation"), "dedicated");
  EXPECT_NE(value("clientId"), sim::text(account, "clientId"));
  expectRefreshes();
  expectWorks();
}

TEST_F(KiroSimulated, ApiKey) {
  const auto account =
      operate("accounts", {{"kind", "api_key"}, {"profileRegion", "eu-central-1"}});
  ASSERT_EQ(control("accounts.import", {{"apiKey", account.at("apiKey")}}), OMNI_OK) << why();
  EXPECT_EQ(value("apiRegion"), "eu-central-1");
  expectWorks();
  operate("accounts/" + sim::text(account, "accountId"), {{"suspended", true}});
  ASSERT_EQ(control("accounts.test"), OMNI_OK);
  EXPECT_EQ(answer_.at("checks").as_array().back().at("kind").as_string(), "suspended");
  EXPECT_EQ(control("accounts.import", {{"apiKey", "ksk_" + std::string(40, 'x')}}), OMNI_FAILED);
  EXPECT_EQ(call_->error()->field, "apiKey");
}

TEST_F(KiroSimulated, CompanysProvider) {
  const auto account =
      operate("accounts", {{"kind", "external_idp"}, {"profileRegion", "eu-central-1"}});
  ASSERT_EQ(control("accounts.import", {{"authMethod", "external_idp"},
                                        {"refreshToken", account.at("refreshToken")},
                                        {"tokenEndpoint", account.at("tokenEndpoint")},
                                        {"clientId", "app"},
                                        {"scopes", "a offline_access"}}),
            OMNI_OK)
      << why();
  EXPECT_EQ(value("profileArn"), sim::text(account, "profileArn"));
  expectWorks();
  expectRefreshes();
  expectWorks();
}

TEST_F(KiroSimulated, ARevokedSessionNeedsASignInAndComesBackInPlace) {
  start({{"method", "builder_id"}});
  approveAndPoll();
  const std::string first = value("clientId");
  const auto state = json::parse(ask("GET", base_ + "/__control/state").pieces[0]);
  const auto id = sim::text(&state.at("accounts").as_array()[0].at("accountId"));
  operate("accounts/" + id + "/revoke", {});
  ASSERT_EQ(control("accounts.test"), OMNI_OK);
  EXPECT_EQ(answer_.at("checks").as_array().back().at("kind").as_string(), "reauth_required");
  start({});  // the same way in as before
  approveAndPoll({{"accountId", id}});
  EXPECT_NE(value("clientId"), first);
  expectWorks();
}

TEST_F(KiroSimulated, ARegistrationThatRunsOut) {
  start({{"method", "builder_id"}});
  approveAndPoll();
  ASSERT_EQ(control("accounts.renew"), OMNI_OK) << why();
  EXPECT_TRUE(answer_.at("signInNeeded").as_bool());
  operate("policy", {{"foreignRefresh", "adopt"}});
  for (int i = 0; i < 5; ++i) {  // 400 days
    advance(80 * 86'400);
    ASSERT_EQ(control("accounts.renew"), OMNI_OK) << why();
    EXPECT_TRUE(answer_.at("renewed").as_bool());
    EXPECT_GT(answer_.at("clientSecretExpiresAt").as_int64(), host_.nowMs() + 89LL * 86'400'000);
  }
  expectWorks();
  advance(91 * 86'400);
  EXPECT_EQ(control("accounts.refresh"), OMNI_FAILED);
  EXPECT_EQ(call_->error()->kind, OMNI_FAILURE_REAUTH_REQUIRED);
  EXPECT_NE(why().find("90 days"), std::string::npos);
}

}  // namespace
}  // namespace omni::kiro
